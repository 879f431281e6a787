// Loads one frame of this design into xbar_top over $bus and compares every latch word with it.
//   iverilog -g2012 -s tb_xbar_top -o tb -f filelist_tb.f && vvp -n tb +frame=bench/frame.hex
module tb_xbar_top;
  localparam int Rows = $rows;
  localparam int WordsPerRow = $words_per_row;
  localparam int HeaderWords = $header_words;
  localparam int FrameWords = $frame_words;
  localparam int Tiles = $tiles;
  localparam int MostClocks = $most_clocks;

$addresses
  reg clk = 1'b0;
$declarations
  reg [31:0] frame [0:FrameWords-1];
  reg [8*256-1:0] frame_file;
  reg [31:0] value, checksum;
  reg refused;
  integer position, place, row, column, chosen;

  xbar_top dut (
      .clk(clk),
$connections
  );

$macros  always #5 clk = ~clk;

  task fail(input [8*64-1:0] why);
    begin
      $$display("FAIL: %0s: value %h, programmed %b, oe %b, fault %b", why, value, programmed, oe, fault);
      $$fatal;
    end
  endtask

  // The switches are driven only behind a verified load.
  always @(posedge clk)
    if (!rst && (^oe === 1'bx || (oe & ~programmed) !== 0 || (oe !== 0 && fault !== 1'b0)))
      fail("the switches are driven and must not be");

  initial begin
    repeat (MostClocks) @(posedge clk);
    fail("the load did not end in time");
  end

  // The bench acts at falling edges, so that the design sees stable pins at rising ones. Both tasks set refused.
$tasks
  task write(input [7:0] to, input [31:0] data);
    begin
      bus_write(to, data);
      if (refused) fail("a write was answered with an error");
    end
  endtask

  task read(input [7:0] from);
    begin
      bus_read(from);
      if (refused) fail("a read was answered with an error");
    end
  endtask

  initial begin
    rst = 1'b1;
    if (!$$value$$plusargs("frame=%s", frame_file)) frame_file = "bench/frame.hex";
    $$readmemh(frame_file, frame);
    for (position = 0; position < FrameWords; position = position + 1)
      if (^frame[position] === 1'bx) begin
        $$display("FAIL: the frame file has no word %0d of %0d", position, FrameWords);
        $$fatal;
      end
    chosen = frame[3] % Tiles;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    repeat (4) @(negedge clk);

    read(Id);
    if (value !== 32'h$identity) fail("ID");
$load    value = 32'd1;
    while (value[0] !== 1'b0) read(Status);
    read(Fault);
    repeat (2) @(negedge clk);
    if (value !== 0 || fault !== 1'b0 || programmed !== (1 << chosen) || oe !== programmed)
      fail("the tile is not programmed");

    write(Select, chosen);
    for (row = 0; row < Rows; row = row + 1)
      for (column = 0; column < WordsPerRow; column = column + 1) begin
        write(Address, row | column << 16);
        read(Latch);
        position = HeaderWords + row * WordsPerRow + column;
        if (value !== frame[position]) begin
          $$display("FAIL: row %0d, word %0d: %h, not %h", row, column, value, frame[position]);
          $$fatal;
        end
      end
    $$display("PASS: %0d words", Rows * WordsPerRow);
    $$finish;
  end
endmodule
