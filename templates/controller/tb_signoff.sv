// Loads one frame into xbar_top, says how that ended, and writes what the latches hold; with +trace=FILE also
// every change of a latch and of the output enable, with its time in nanoseconds.
`timescale 1ns / 1ns
module tb_signoff;
`include "host.svh"

  reg [8*1024-1:0] latch_file, trace_file;
  reg [31:0] shadow [0:LatchWords-1];
  reg was_oe = 1'b0;
  integer trace, word;

  initial begin
    trace = 0;
    if ($$value$$plusargs("trace=%s", trace_file)) trace = $$fopen(trace_file, "w");
    if (!$$value$$plusargs("latches=%s", latch_file)) latch_file = "latches.hex";
    load;
    $$display("LOAD programmed %b oe %b fault %b code %0d clocks %0d", programmed[0], oe[0], fault, value[7:0], clocks);
    finish;
  end

  initial begin
    repeat ($most_cycles) @(posedge clk);
    $$display("LOAD not ended in %0d clocks", clocks);
    finish;
  end

  always @(negedge clk)
    if (trace != 0) begin
      for (word = 0; word < LatchWords; word = word + 1)
        if (dut.$latches[word] !== shadow[word]) begin
          shadow[word] = dut.$latches[word];
          $$fdisplay(trace, "%0d latch %0d %h", $$time, word, shadow[word]);
        end
      if (oe[0] !== was_oe) begin
        was_oe = oe[0];
        $$fdisplay(trace, "%0d oe %b", $$time, was_oe);
      end
    end

  task finish;
    begin
      $$writememh(latch_file, dut.$latches, 0, LatchWords - 1);
      if (trace != 0) $$fclose(trace);
      $$finish;
    end
  endtask
endmodule
