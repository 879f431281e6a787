// Loads one frame into xbar_top and compares every latch word with it.
//   iverilog -g2012 -o tb -f filelist_tb.f && vvp tb +frame=frame.hex
module tb_xbar_top;
  localparam int Rows = $rows;
  localparam int WordsPerRow = $words_per_row;
  localparam int HeaderWords = $header_words;
  localparam int FrameWords = $frame_words;
  localparam int MostCycles = $most_cycles;

  reg clk = 1'b0;
  reg rst = 1'b1;
  reg [31:0] stream_data = 32'd0;
  reg stream_valid = 1'b0;
  reg [${row_width}-1:0] read_row = 0;
  reg [${word_width}-1:0] read_word = 0;
  reg read_enable = 1'b0;
  wire stream_ready, ready, busy, fault, oe;
  wire [3:0] fault_code;
  wire [31:0] read_data;

  reg [31:0] frame [0:FrameWords-1];
  reg [8*256-1:0] frame_file;
  integer position, row, column;

  xbar_top dut (
      .clk(clk),
      .rst(rst),
      .stream_data(stream_data),
      .stream_valid(stream_valid),
      .stream_ready(stream_ready),
      .tile_id(frame[3]),
      .clear(1'b0),
      .kill(1'b0),
      .ready(ready),
      .busy(busy),
      .fault(fault),
      .fault_code(fault_code),
      .oe(oe),
      .read_row(read_row),
      .read_word(read_word),
      .read_enable(read_enable),
      .read_data(read_data)
  );

  always #5 clk = ~clk;

  // The switches are driven only behind a verified load.
  always @(posedge clk)
    if (!rst && oe !== 1'b0 && !(oe === 1'b1 && ready === 1'b1 && fault === 1'b0)) begin
      $$display("FAIL: oe %b, ready %b, fault %b", oe, ready, fault);
      $$fatal;
    end

  initial begin
    repeat (MostCycles) @(posedge clk);
    $$display("FAIL: the load did not end in %0d clocks", MostCycles);
    $$fatal;
  end

  initial begin
    if (!$$value$$plusargs("frame=%s", frame_file)) frame_file = "frame.hex";
    $$readmemh(frame_file, frame);
    repeat (2) @(negedge clk);
    rst = 1'b0;

    stream_valid = 1'b1;
    for (position = 0; position < FrameWords; position = position + 1) begin
      stream_data = frame[position];
      if (^stream_data === 1'bx) begin
        $$display("FAIL: the frame file has no word %0d of %0d", position, FrameWords);
        $$fatal;
      end
      while (stream_ready !== 1'b1) @(negedge clk);
      @(negedge clk);
    end
    stream_valid = 1'b0;
    while (busy !== 1'b0) @(negedge clk);

    if (ready !== 1'b1 || oe !== 1'b1 || fault !== 1'b0) begin
      $$display("FAIL: ready %b, oe %b, fault %b, code %0d", ready, oe, fault, fault_code);
      $$fatal;
    end

    read_enable = 1'b1;
    for (row = 0; row < Rows; row = row + 1)
      for (column = 0; column < WordsPerRow; column = column + 1) begin
        read_row  = row;
        read_word = column;
        @(negedge clk);
        position = HeaderWords + row * WordsPerRow + column;
        if (read_data !== frame[position]) begin
          $$display("FAIL: row %0d, word %0d: %h, not %h", row, column, read_data, frame[position]);
          $$fatal;
        end
      end
    $$display("PASS: %0d words", Rows * WordsPerRow);
    $$finish;
  end
endmodule
