// Replays $clocks clocks of every pin of xbar_top, recorded from the Amaranth simulation, and compares every output
// in every clock; an X is a difference.
//   iverilog -g2012 -s tb_replay -o replay -f filelist_replay.f && vvp -n replay +vectors=bench/replay.hex
module tb_replay;
  localparam int Clocks = $clocks;
  localparam int Settled = $settled;  // clocks of the reset after which everything must be known

  reg clk = 1'b0;
$declarations
  reg [$width-1:0] recorded [0:Clocks-1];
  reg [$width-1:0] now;
  reg [8*256-1:0] vectors_file;
  integer position = 0;
  integer mismatches = 0;

  xbar_top dut (
      .clk(clk),
$connections
  );

  task check(input [8*24-1:0] name, input bad, input [$widest-1:0] found, input [$widest-1:0] expected);
    if (bad) begin
      mismatches = mismatches + 1;
      if (mismatches <= 20) $$display("clock %0d: %0s is %h, not %h", position, name, found, expected);
    end
  endtask

  task drive;
    begin
      now = recorded[position];
$drives    end
  endtask

  task compare;
    begin
$checks    end
  endtask

  initial begin
    if (!$$value$$plusargs("vectors=%s", vectors_file)) vectors_file = "bench/replay.hex";
    $$readmemh(vectors_file, recorded);
$fuses    for (position = 0; position < Clocks; position = position + 1) begin
      drive;
      #4;
      if (position >= Settled) compare;
      #1 clk = 1'b1;
      #5 clk = 1'b0;
    end
    if (mismatches != 0) begin
      $$display("FAIL: %0d mismatches in %0d clocks", mismatches, Clocks);
      $$fatal;
    end
    $$display("PASS: %0d clocks, 0 mismatches", Clocks - Settled);
    $$finish;
  end
endmodule
