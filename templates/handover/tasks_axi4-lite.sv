  task bus_write(input [7:0] to, input [31:0] data);
    begin
      s_axi_awaddr = to;
      s_axi_wdata = data;
      s_axi_wstrb = 4'b1111;
      s_axi_awvalid = 1'b1;
      s_axi_wvalid = 1'b1;
      while (s_axi_awready !== 1'b1 || s_axi_wready !== 1'b1) @(negedge clk);
      @(negedge clk);
      s_axi_awvalid = 1'b0;
      s_axi_wvalid = 1'b0;
      s_axi_bready = 1'b1;
      while (s_axi_bvalid !== 1'b1) @(negedge clk);
      refused = s_axi_bresp !== 2'b00;
      @(negedge clk);
      s_axi_bready = 1'b0;
    end
  endtask

  task bus_read(input [7:0] from);
    begin
      s_axi_araddr = from;
      s_axi_arvalid = 1'b1;
      while (s_axi_arready !== 1'b1) @(negedge clk);
      @(negedge clk);
      s_axi_arvalid = 1'b0;
      s_axi_rready = 1'b1;
      while (s_axi_rvalid !== 1'b1) @(negedge clk);
      value = s_axi_rdata;
      refused = s_axi_rresp !== 2'b00;
      @(negedge clk);
      s_axi_rready = 1'b0;
    end
  endtask
