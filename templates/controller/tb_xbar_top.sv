// Loads one frame into xbar_top over AXI4-Lite and compares every latch word with it.
//   iverilog -g2012 -o tb -f filelist_tb.f && vvp tb +frame=frame.hex
module tb_xbar_top;
  localparam int Rows = $rows;
  localparam int WordsPerRow = $words_per_row;
  localparam int HeaderWords = $header_words;
  localparam int FrameWords = $frame_words;
  localparam int MostCycles = $most_cycles;

  localparam [7:0] Id = 8'h$id_address;
  localparam [7:0] Control = 8'h$control_address;
  localparam [7:0] Status = 8'h$status_address;
  localparam [7:0] Fault = 8'h$fault_address;
  localparam [7:0] TileId = 8'h$tile_id_address;
  localparam [7:0] Stream = 8'h$stream_address;
  localparam [7:0] Address = 8'h$address_address;
  localparam [7:0] Latch = 8'h$latch_address;

  reg clk = 1'b0;
  reg rst = 1'b1;
  reg [7:0] awaddr = 0, araddr = 0;
  reg [31:0] wdata = 0;
  reg awvalid = 0, wvalid = 0, bready = 0, arvalid = 0, rready = 0;
  wire awready, wready, bvalid, arready, rvalid, irq, fault;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;
  wire [$tiles-1:0] oe, programmed;

  reg [31:0] frame [0:FrameWords-1];
  reg [8*256-1:0] frame_file;
  reg [31:0] value;
  integer position, row, column;

  xbar_top dut (
      .clk(clk),
      .rst(rst),
      .kill(1'b0),
$converters      .s_axi_awaddr(awaddr),
      .s_axi_awprot(3'b000),
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
      .s_axi_arprot(3'b000),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_rdata(rdata),
      .s_axi_rresp(rresp),
      .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .oe(oe),
      .programmed(programmed),
      .fault(fault),
      .irq(irq)
  );

  always #5 clk = ~clk;

  // The switches are driven only behind a verified load.
  always @(posedge clk)
    if (!rst && (^oe === 1'bx || (oe & ~programmed) !== 0 || (oe !== 0 && fault !== 1'b0))) begin
      $$display("FAIL: oe %b, programmed %b, fault %b", oe, programmed, fault);
      $$fatal;
    end

  initial begin
    repeat (MostCycles) @(posedge clk);
    $$display("FAIL: the load did not end in %0d clocks", MostCycles);
    $$fatal;
  end

  // The bench acts at falling edges, so that the design sees stable pins at rising ones.
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
      if (bresp !== 2'b00) begin
        $$display("FAIL: the write to %h was answered with %b", to, bresp);
        $$fatal;
      end
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
      if (rresp !== 2'b00) begin
        $$display("FAIL: the read of %h was answered with %b", from, rresp);
        $$fatal;
      end
      @(negedge clk);
      rready = 1'b0;
    end
  endtask

  initial begin
    if (!$$value$$plusargs("frame=%s", frame_file)) frame_file = "frame.hex";
    $$readmemh(frame_file, frame);
    for (position = 0; position < FrameWords; position = position + 1)
      if (^frame[position] === 1'bx) begin
        $$display("FAIL: the frame file has no word %0d of %0d", position, FrameWords);
        $$fatal;
      end
    repeat (2) @(negedge clk);
    rst = 1'b0;
    repeat (4) @(negedge clk);

    read(Id);
    if (value !== 32'h$identity) begin
      $$display("FAIL: ID reads %h", value);
      $$fatal;
    end
    write(TileId, frame[3]);
    write(Control, 32'd2);
    for (position = 0; position < FrameWords; position = position + 1) write(Stream, frame[position]);
    value = 32'd1;
    while (value[0] !== 1'b0) read(Status);
    read(Fault);
    repeat (2) @(negedge clk);
    if (value !== 0 || fault !== 1'b0 || programmed === 0 || oe !== programmed) begin
      $$display("FAIL: programmed %b, oe %b, fault %b, code %0d", programmed, oe, fault, value);
      $$fatal;
    end

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
