// Behavioural model of the array macro of one tile: $rows rows of $columns cells, two banks of $branches switches each.
// The latches are transparent while we is high; a word is read with re and is there one clock later.
// Word lines and bit lines are analogue: they are pins of every view, and this model does not drive them.
module xbar_array (
$ports
);
  // Switch (column, polarity, branch) of a row is bit (column * 2 + polarity) * $branches + branch of the row's words;
  // bits beyond the last switch have no latch.
  reg [31:0] latches [0:$last_word];
$fuse_memory  integer violations = 0;
  wire [31:0] address = row * $words_per_row + word;
  wire [31:0] present = word == $last_in_row ? 32'h$mask : 32'hffffffff;

$write
  always @(posedge clk) begin
    if (re && !we) rdata <= latches[address];
    if (re && we) begin
      violations = violations + 1;
      $$display("%m: re and we together");
    end
  end

  // What a switch does: closed only where its latch says so and oe is high.
  function closed(input integer at_row, input integer column, input integer polarity, input integer branch);
    integer place;
    begin
      place = (column * 2 + polarity) * $branches + branch;
      closed = oe & latches[at_row * $words_per_row + place / 32][place % 32];
    end
  endfunction
endmodule
