  reg [55:0] moved;

  task bus_frame(input [55:0] sent);
    begin
      moved = sent;
      spi_cs_n = 1'b0;
      repeat (56) begin
        spi_mosi = moved[55];
        repeat (4) @(negedge clk);
        spi_sck = 1'b1;
        moved = {moved[54:0], spi_miso};
        repeat (4) @(negedge clk);
        spi_sck = 1'b0;
      end
      repeat (4) @(negedge clk);
      spi_cs_n = 1'b1;
      repeat (4) @(negedge clk);
    end
  endtask

  task bus_write(input [7:0] to, input [31:0] data);
    begin
      bus_frame({1'b1, 1'b0, to[7:2], data, 16'd0});
      refused = moved[7:0] !== 8'hA5;
    end
  endtask

  task bus_read(input [7:0] from);
    begin
      bus_frame({1'b0, 1'b0, from[7:2], 48'd0});
      refused = moved[39:32] !== 8'hA5;
      value = moved[31:0];
    end
  endtask
