  // A host on AXI4-Lite: it acts at falling edges, so that the design sees stable pins at rising ones.
  localparam [7:0] Control = 8'h$control;
  localparam [7:0] Status = 8'h$status;
  localparam [7:0] Fault = 8'h$fault;
  localparam [7:0] TileId = 8'h$tile_id;
  localparam [7:0] Stream = 8'h$stream;
  localparam int FrameWords = $frame_words;
  localparam int LatchWords = $latch_words;

  reg clk = 1'b0;
  reg rst = 1'b1;
  reg [7:0] awaddr = 0, araddr = 0;
  reg [31:0] wdata = 0;
  reg awvalid = 0, wvalid = 0, bready = 0, arvalid = 0, rready = 0;
  wire awready, wready, bvalid, arready, rvalid, fault;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;
  wire [$tiles-1:0] oe, programmed;

  reg [31:0] frame [0:FrameWords-1];
  reg [8*1024-1:0] frame_file;
  reg [31:0] value, tile_id;
  reg refused;
  integer position, clocks;

  initial clocks = 0;
  always #5 clk = ~clk;
  always @(posedge clk) clocks = clocks + 1;

  task write(input [7:0] to, input [31:0] data);
    begin
      awaddr = to;
      wdata = data;
      awvalid = 1'b1;
      wvalid = 1'b1;
      while (awready !== 1'b1 || wready !== 1'b1) @(negedge clk);
      @(negedge clk);
      awvalid = 1'b0;
      wvalid = 1'b0;
      bready = 1'b1;
      while (bvalid !== 1'b1) @(negedge clk);
      refused = bresp !== 2'b00;
      @(negedge clk);
      bready = 1'b0;
    end
  endtask

  task read(input [7:0] from);
    begin
      araddr = from;
      arvalid = 1'b1;
      while (arready !== 1'b1) @(negedge clk);
      @(negedge clk);
      arvalid = 1'b0;
      rready = 1'b1;
      while (rvalid !== 1'b1) @(negedge clk);
      value = rdata;
      @(negedge clk);
      rready = 1'b0;
    end
  endtask

  // Reset, then the frame; it ends with the fault code in value, whether the frame was taken or not.
  task load;
    begin
      if (!$$value$$plusargs("frame=%s", frame_file)) frame_file = "frame.hex";
      if (!$$value$$plusargs("tile_id=%d", tile_id)) tile_id = 0;
      $$readmemh(frame_file, frame);
      repeat (2) @(negedge clk);
      rst = 1'b0;
      repeat (4) @(negedge clk);
      write(TileId, tile_id);
      write(Control, 32'd2);
      refused = 1'b0;
      for (position = 0; position < FrameWords && !refused; position = position + 1) write(Stream, frame[position]);
      value = 32'd1;
      while (value[0] !== 1'b0) read(Status);
      read(Fault);
      repeat (2) @(negedge clk);
    end
  endtask

  xbar_top dut (
$others      .clk(clk),
      .rst(rst),
      .s_axi_awaddr(awaddr),
      .s_axi_awvalid(awvalid),
      .s_axi_awready(awready),
      .s_axi_wdata(wdata),
      .s_axi_wstrb(4'b1111),
      .s_axi_wvalid(wvalid),
      .s_axi_wready(wready),
      .s_axi_bresp(bresp),
      .s_axi_bvalid(bvalid),
      .s_axi_bready(bready),
      .s_axi_araddr(araddr),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_rdata(rdata),
      .s_axi_rresp(rresp),
      .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .oe(oe),
      .programmed(programmed),
      .fault(fault)
  );
