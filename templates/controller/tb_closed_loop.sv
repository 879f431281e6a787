// Loads one frame into xbar_top and runs vectors through it, with the tile in a circuit simulator in lock step: the
// latches close its switches where the outputs are enabled, the input converters drive its word lines, and its column
// currents are converted and read as results. Every row is driven fully until the first vector.
`timescale 1ns / 1ps
module crossbar_tile (
$tile_ports
);
endmodule

module tb_closed_loop;
`include "host.svh"

  localparam [7:0] Input = 8'h$input;
  localparam [7:0] Result = 8'h$result;

  wire dac_write, dac_update, adc_request;
  wire [15:0] dac_row, dac_code, adc_column;
  reg [$adc_bits-1:0] adc_code = 0;
  reg adc_acknowledge = 1'b0;
  reg [15:0] codes [0:$array_rows-1];
  reg [$switches-1:0] sw = 0;
$reals

  crossbar_tile tile (
$tile_pins
  );

  always @(negedge clk) begin
$latch_lines
  end

  // Input converters: codes are held, and shown together.
  integer row;
  initial for (row = 0; row < $array_rows; row = row + 1) codes[row] = $full_code;
  always @(posedge clk) begin
    if (dac_write === 1'b1) codes[dac_row] <= dac_code;
    if (dac_update === 1'b1) begin
$drive_lines
    end
  end

  // The output converter: a signed current in steps about the middle code.
  real ampere, steps;
  always @(posedge clk)
    if (adc_request === 1'b1 && !adc_acknowledge) begin
      case (adc_column)
$column_lines
        default: ampere = 0.0;
      endcase
      steps = $middle_code + ampere / $step_ampere;
      if (steps < 0.0) adc_code <= 0;
      else if (steps > 2.0 * $middle_code - 1.0) adc_code <= ~0;
      else adc_code <= $$rtoi(steps + 0.5);
      adc_acknowledge <= 1'b1;
      $$display("CURRENT %0d %0d %0.9e", vector, adc_column, ampere);
    end else if (adc_request === 1'b0) adc_acknowledge <= 1'b0;

  // What flows while the outputs are not enabled.
  real quiet;
  initial quiet = 0.0;
  always @(posedge clk)
    if (oe[0] !== 1'b1) begin
$quiet_lines
    end

  reg [31:0] vectors [0:$vectors*$array_rows-1];
  integer vector, column;
  initial begin
    vector = 0;
    $$readmemh("vectors.hex", vectors);
    load;
    $$display("LOAD programmed %b oe %b fault %b code %0d clocks %0d", programmed[0], oe[0], fault, value[7:0], clocks);
    $$display("QUIET %0.9e", quiet);
    for (vector = 0; vector < $vectors; vector = vector + 1) begin
      for (row = 0; row < $array_rows; row = row + 1) bus_write(Input, vectors[vector * $array_rows + row]);
      bus_write(Control, 32'd4);
      for (column = 0; column < $array_columns; column = column + 1) begin
        value = 0;
        while (value[31] !== 1'b1) bus_read(Result);
        $$display("RESULT %0d %0d %0d", vector, column, value[$code_width-1:0]);
      end
    end
    $$finish;
  end

  initial begin
    repeat ($most_cycles) @(posedge clk);
    $$display("LOAD not ended in %0d clocks", clocks);
    $$finish;
  end
endmodule
