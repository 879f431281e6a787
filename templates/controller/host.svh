  // A host on $bus: it acts at falling edges, so that the design sees stable pins at rising ones.
  localparam [7:0] Control = 8'h$control;
  localparam [7:0] Status = 8'h$status;
  localparam [7:0] Fault = 8'h$fault;
  localparam [7:0] TileId = 8'h$tile_id;
  localparam [7:0] Stream = 8'h$stream;
  localparam int FrameWords = $frame_words;
  localparam int LatchWords = $latch_words;

  reg clk = 1'b0;
  reg rst = 1'b1;
$declarations  wire fault;
  wire [$tiles-1:0] oe, programmed;

  reg [31:0] frame [0:FrameWords-1];
  reg [8*1024-1:0] frame_file;
  reg [31:0] value, tile_id;
  reg refused;
  integer position, clocks;

  initial clocks = 0;
  always #5 clk = ~clk;
  always @(posedge clk) clocks = clocks + 1;

$tasks
  // Reset, then the frame; it ends with the fault code in value, whether the frame was taken or not.
  task load;
    begin
      if (!$$value$$plusargs("frame=%s", frame_file)) frame_file = "frame.hex";
      if (!$$value$$plusargs("tile_id=%d", tile_id)) tile_id = 0;
      $$readmemh(frame_file, frame);
      repeat (2) @(negedge clk);
      rst = 1'b0;
      repeat (4) @(negedge clk);
      bus_write(TileId, tile_id);
      bus_write(Control, 32'd2);
      refused = 1'b0;
      for (position = 0; position < FrameWords && !refused; position = position + 1)
        bus_write(Stream, frame[position]);
      value = 32'd1;
      while (value[0] !== 1'b0) bus_read(Status);
      bus_read(Fault);
      repeat (2) @(negedge clk);
    end
  endtask

  xbar_top dut (
$pins      .clk(clk),
      .rst(rst),
      .oe(oe),
      .programmed(programmed),
      .fault(fault)
  );
