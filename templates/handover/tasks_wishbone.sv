  task bus_cycle(input [7:0] at, input writes, input [31:0] data);
    begin
      wb_adr_i = at[7:2];
      wb_dat_i = data;
      wb_sel_i = 4'b1111;
      wb_we_i = writes;
      wb_cyc_i = 1'b1;
      wb_stb_i = 1'b1;
      @(negedge clk);
      while (wb_ack_o !== 1'b1 && wb_err_o !== 1'b1) @(negedge clk);
      refused = wb_ack_o !== 1'b1;
      value = wb_dat_o;
      wb_cyc_i = 1'b0;
      wb_stb_i = 1'b0;
      @(negedge clk);
    end
  endtask

  task bus_write(input [7:0] to, input [31:0] data);
    bus_cycle(to, 1'b1, data);
  endtask

  task bus_read(input [7:0] from);
    bus_cycle(from, 1'b0, 32'd0);
  endtask
