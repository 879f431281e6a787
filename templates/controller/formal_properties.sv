// What the controller in ../xbar_top.sv is proved to keep to, for any bus traffic, kill, reset and converter.
// The wires marked hierconn are signals inside it: Yosys joins them by name when the hierarchy is flattened.
//
// Assertions named p_* are the properties; those named i_* are invariants that induction needs, each with the
// reason why it holds beside it. The flops start with any value, and the first clock is a reset.
`default_nettype none
module xbar_properties(
    $ports);
  localparam int Tiles = $tiles;
  localparam int Rows = $rows;
  localparam int WordsPerRow = $words_per_row;
  localparam int FrameWords = $frame_words;
  localparam int Timeout = $timeout;
  localparam int LongestWrite = $longest_write;  // the first clock of a write, then setup, pulse and hold, and the last
  localparam int HeaderWords = $header_words;
  localparam int HasFuses = $has_fuses;
  localparam int SenseCycles = $sense_cycles;

  $observed
  xbar_top u($connections);

  // ---------------------------------------------------------------- time, and what the signals mean
  reg started = 1'b0;
  reg settled = 1'b0;  // the clock before was after the first reset
  always @(posedge clk) begin
    started <= 1'b1;
    settled <= started;
  end
  always @(posedge clk) if (!started) assume (rst);

  wire [7:0] load_steps = {loader_awaiting, loader_absorbing, loader_writing, loader_comparing, loader_checking,
      loader_repeating, loader_fetching, loader_reading};
  wire [6:0] calibration_steps = {calibrator_erasing, calibrator_setting, calibrator_updating, calibrator_reading,
      calibrator_closing, calibrator_opening, calibrator_ending};
  wire [3:0] sequence_steps = {sequencer_fetching, sequencer_writing, sequencer_updating, sequencer_capturing};
  wire [4:0] capture_steps = {capture_settling, capture_requesting, capture_releasing, capture_pushing, capture_committing};
  wire [4:0] row_steps = {row_fetching, row_shifting, row_absorbing, row_storing, row_done};
  wire pulsing = macro_we != 0;
  wire strobing = macro_re != 0;
  wire [6:0] access_steps = {access_setting, pulsing, access_holding, access_written, strobing, access_arriving, access_fetch};
  wire [3:0] starts = {loader_start, sequencer_start, calibrator_start, editor_start};

  wire loading = load_steps != 0 || fuses_state > FUSES_IDLE;  // a frame, or the verification of fuses
  wire unsensed = HasFuses != 0 && fuses_state < FUSES_IDLE;
  wire inferring = sequence_steps != 0;
  wire calibrating = calibration_steps != 0;
  wire editing = editor_state != EDITOR_IDLE || map_busy;
  wire busy = loading || inferring || calibrating || editing;
  wire capturing = capture_steps != 0;
  wire passing = calibrator_erasing || calibrator_closing || calibrator_opening;
  wire row_busy = row_steps != 0;
  wire editor_waits = editor_state == EDITOR_WRITE || editor_state == EDITOR_CHECK;
  wire writing_word = access_setting || pulsing || access_holding || access_written;
  wire reading_word = strobing || access_arriving || access_fetch;
  wire in_data = field == 5;
  wire verified = (loader_checking && in_data && crc_matches) || (fuses_state == FUSES_VERIFY && crc_register == ~fuses_expected);
  wire verifying = loader_comparing || loader_checking || loader_repeating || loader_fetching || loader_reading;
  wire at_setting = $at_setting;
  wire storing = (loader_absorbing && in_data) || loader_writing;

  function automatic lone(input [7:0] bits);
    lone = (bits & (bits - 1'b1)) == 0;
  endfunction
  function automatic one_tile(input [Tiles-1:0] bits);
    one_tile = (bits & (bits - 1'b1)) == 0;
  endfunction

  reg [Tiles-1:0] old_oe, old_we;
  reg [$macro_bits-1:0] old_pins;
  reg was_reading, was_abort;
  always @(posedge clk) begin
    old_oe <= oe;
    was_reading <= calibrator_reading;
    was_abort <= abort;
    old_we <= macro_we;
    old_pins <= {macro_row, macro_word, macro_wdata};
  end

  // ---------------------------------------------------------------- invariants
  always @(posedge clk) if (started) begin
    // One step follows the other, and states outside the enumerations are not entered.
    i_steps: assert (lone(load_steps) && lone(access_steps) && lone(row_steps) && lone(calibration_steps) &&
        lone(sequence_steps) && lone(capture_steps) && editor_state <= EDITOR_VERIFY && reader_state <= READER_READY &&
        fuses_state <= FUSES_VERIFY);
    // Only a reset brings fuses back to where they are not sensed, and until they are nothing starts.
    i_unsensed: assert (!unsensed || (!busy && starts == 0 && !queued && programmed == 0 && oe == 0 && !capturing &&
        access_steps == 0 && reader_state == READER_IDLE));
    i_sense: assert (fuses_sense == (fuses_state == FUSES_SENSE));
    // An engine starts only while none is busy, or starts.
    i_one_engine: assert (lone({loading, inferring, calibrating, editing, starts}));
    // A fault aborts every engine in the clock in which it is stored, and nothing starts in a fault.
    i_fault_is_idle: assert (fault == 0 || (!busy && starts == 0 && programmed == 0));
    // A row is passed through for the calibrator or the editor, which wait for its end.
    i_row_has_owner: assert (!row_busy || passing || editor_waits);
    // The editor's passes begin in the clock in which it enters the state that waits for their end.
    i_editor_waits: assert (!editor_waits || row_busy);
    // The weight map hands its subset over where the editor begins.
    i_map_then_editor: assert (!map_busy || editor_state == EDITOR_IDLE);
    // Reading by the host begins while nobody is busy, starts or waits, and holds the bus.
    i_reader_is_alone: assert (reader_state == READER_IDLE || (latch_request && !busy && starts == 0 && !queued));
    i_reader_ends_by_kill: assert (!(reader_seek || reader_state != READER_IDLE) || !abort || killed);
    i_wrong: assert (!loader_wrong || loading);
    i_one_access: assert (!latch_request || !(clear || unexpected));
    i_reader_is_inside: assert (reader_state == READER_IDLE || (reader_row < Rows && reader_word < WordsPerRow));
    // A word is written for the loader or for the row writer.
    i_write_has_owner: assert (!writing_word || storing || row_storing);
    // A word is read for the loader, for the fuses' verification, for the row writer or the host, until a kill, which aborts in the next clock.
    i_read_has_owner: assert (!reading_word || loader_fetching || loader_reading || row_fetching || fuses_state == FUSES_READ ||
        (!busy && starts == 0 && (reader_state == READER_READ || (kills && fault == 0))));
    // The converters are read for a vector or for the calibrator, which wait for the end.
    i_capture_has_owner: assert (!capturing || sequencer_capturing || calibrator_reading);
    i_vector_is_captured: assert (!sequencer_capturing || capturing);
    // A pass stores only for the calibrator, or for the editor's first pass.
    i_store_only: assert (!(row_storing && writing_word) || passing || editor_state == EDITOR_WRITE);
    // The pulses are those of the tile at work.
    i_pulse: assert ((macro_we & ~tile) == 0);
    // The shortest write takes one clock more than the four bytes of its word.
    i_write_in_step: assert (!(loader_absorbing && in_data) ||
        (place == 0 ? access_steps == 0 : place == 1 ? access_setting : place == 2 ? access_setting || pulsing :
         writing_word && !access_written));
    i_write_goes_on: assert (!loader_writing || writing_word);
    i_word_begins: assert (!loading || loader_absorbing || loader_repeating || loader_reading || fuses_state == FUSES_ABSORB ||
        place == 0);
    // A word that is taken in while the next one is read: the read ends with the first byte of the next one.
    i_read_in_step: assert (!loader_reading || (place == 0 ? access_steps == 0 || access_fetch :
        place == 1 || final_word ? access_steps == 0 : place == 2 ? strobing : access_arriving));
    // What was read is there for a clock, in which the word register is empty and its first byte is taken in; an abort
    // leaves it behind for a clock in which nobody works.
    i_fetched: assert (access_fetch ? macro_wdata == 0 : fetched == 0 || was_abort);
    // An access was decoded in the clock before, when nothing was at work, and a command is no setting.
    i_unlocked: assert (!(register_writes && at_setting) || !locked);
    // No work is begun on a tile that does not exist; the header that names one is refused.
    i_tile_exists: assert (tile != 0 || !(calibrating || editing || calibrator_start || editor_start || (loading &&
        (verifying || (field > 3 && field < 7) || (field == 3 && !loader_absorbing) ||
        (field == 3 && place > 1) || (field == 3 && place == 1 && !loader_wrong)))));
    // A reset begins at once, and its end passes two flops; what lets oe follow passes four, beside them.
    i_reset: assert ((!reset_first || alive == 0) && (!reset || alive[3:1] == 0));
    // The end of a kill passes four flops, so that it is told for four clocks.
    i_alive: assert (alive == 0 || alive == 1 || alive == 3 || alive == 7 || alive == 15);
    i_killed: assert (!(killed_first && !killed) || alive <= 1);
    // Data is written, the checksum follows; the header is repeated, and data are read again.
    i_field: assert ((!loader_writing || in_data) && (!(loader_comparing || loader_checking) || in_data || field == 6) &&
        (!loader_repeating || field < 5) && (!(loader_fetching || loader_reading) || in_data));
    // The first data word makes the tile not programmed, before its pulse; the calibrator does where it starts.
    i_loading_clears: assert (!loading || !(verifying || in_data || field == 6) ||
        (loader_absorbing && place == 0) || (programmed & tile) == 0);
    i_calibrating_clears: assert (!calibrating || (programmed & tile) == 0);
  end

`ifdef DRIVE
  // ---------------------------------------------------------------- driving the array
  always @(posedge clk) if (started) begin
    p_no_drive_while_loading: assert (!(oe != 0 && loading));
    p_no_drive_while_editing: assert (!(oe != 0 && editing));
    p_no_drive_while_sensing: assert (!(oe != 0 && (unsensed || fuses_sense)));
    p_no_drive_in_fault: assert (!(oe != 0 && fault != 0));
    p_no_drive_when_killed: assert (!(oe != 0 && (kill || rst)));
    p_no_drive_while_writing: assert (!(oe != 0 && macro_we != 0));
    if (settled) p_clock_between_drive_and_write: assert (!(old_oe != 0 && macro_we != 0) && !(oe != 0 && old_we != 0));
    p_drive_only_verified: assert (calibrating || (oe & ~programmed) == 0);
    p_calibration_drives_its_tile: assert (!calibrating || (oe & ~tile) == 0);
    p_calibration_drives_to_read: assert (!calibrating || oe == 0 || was_reading);
  end
`endif

`ifdef PROGRAMMED
  // ---------------------------------------------------------------- what counts as programmed
  reg [Tiles-1:0] old_programmed, old_tile;
  reg was_loaded, was_edited, old_abort;
  always @(posedge clk) begin
    old_programmed <= programmed;
    old_tile <= tile;
    was_loaded <= verified;
    was_edited <= editor_state == EDITOR_VERIFY && crc_matches;
    old_abort <= abort;
  end
  always @(posedge clk) if (started) begin
    p_calibration_clears: assert (!calibrating || (programmed & tile) == 0);
    p_fault_clears: assert (fault == 0 || programmed == 0);
    p_editing_clears: assert (!editing || (programmed & tile) == 0);
    p_loading_clears: assert (!(loading && macro_we != 0) || (programmed & tile) == 0);
    if (settled) begin
      p_only_verified: assert ((programmed & ~old_programmed) == 0 ||
          ((was_loaded || was_edited) && (programmed & ~old_programmed) == old_tile));
      p_abort_clears: assert (!old_abort || programmed == 0);
    end
  end
`endif

`ifdef OWNER
  // ---------------------------------------------------------------- one owner of the macro port
  wire [3:0] commands_of_loader = {loader_rewind, loader_step, loader_write, loader_read};
  wire [3:0] commands_of_reader = {1'b0, reader_seek, 1'b0, reader_read};
  wire [3:0] commands_of_row = {row_seek, row_step, row_write, row_read};
  reg was_reset = 1'b1;  // which alone changes the address beside a pulse, and leaves nothing programmed
  always @(posedge clk) was_reset <= reset || !started;
  always @(posedge clk) if (started && !reset) begin
    p_one_owner: assert ((commands_of_loader != 0) + (commands_of_reader != 0) + (commands_of_row != 0) <= 1);
    p_one_command: assert ((access_write + access_read <= 1) && (!(access_write || access_read) || !(access_seek || access_rewind)));
    p_one_timer: assert (access_waits + capture_settling + loader_asks + capture_asks + fuses_waits <= 1);
    p_one_row_user: assert (!(calibrating && editing));
    p_one_word_line: assert (one_tile(macro_we) && one_tile(macro_re) &&
        (macro_we == 0 || macro_re == 0) && ((macro_we | macro_re) & ~tile) == 0);
    if (!was_reset) p_address_rests: assert ((macro_we == 0 && old_we == 0) || {macro_row, macro_word, macro_wdata} == old_pins);
    p_write_has_reason: assert (macro_we == 0 || loading || calibrating || editing);
    p_no_write_in_fault: assert (macro_we == 0 || fault == 0);
  end
`endif

`ifdef COMMANDS
  // ---------------------------------------------------------------- no command is lost
  reg [3:0] commanded, old_starts;  // in the order of starts
  reg was_waiting, stopped;
  always @(posedge clk) begin
    commanded <= register_write && acknowledge && !register_error ?
        {control_load, control_infer, control_calibrate, control_edit || control_weight} : 4'd0;
    old_starts <= starts;
    was_waiting <= queued;
    stopped <= abort || reset;
  end
  always @(posedge clk) if (settled && !reset && !stopped) begin
    p_command_begins: assert ((commanded & ~{loader_start, queued, calibrator_start, editor_start}) == 0);
    p_start_is_taken: assert ((old_starts & ~{loading, inferring, calibrating, editing}) == 0);
    p_vector_waits: assert (!was_waiting || queued || sequencer_start);
  end
`endif

`ifdef FUSES
  // ---------------------------------------------------------------- fuses are sensed, and every word of them is verified
  // One word stands for all: its row and word are any, and do not change.
  (* anyconst *) reg [$row_width-1:0] the_row;
  (* anyconst *) reg [$word_width-1:0] the_word;
  always @(posedge clk) assume (the_row < Rows && the_word < WordsPerRow);
  reg [16:0] sensed;  // clocks of sense since the reset
  reg [16:0] awake;  // clocks since the reset and any kill then
  reg [31:0] since;  // clocks of this verification
  reg [31:0] words;  // that it has read
  reg is_read;  // the one word is among them
  reg [31:0] came;  // what the latches answered
  integer number;
  wire taken = fuses_state == FUSES_READ && access_fetch;
  always @(posedge clk) begin
    if (reset) sensed <= 0;
    else if (fuses_sense) sensed <= sensed + 1'b1;
    if (reset) awake <= 0;
    else if (unsensed && (awake != 0 || !killed)) awake <= awake + 1'b1;
    if (loader_start) begin
      since <= 0;
      words <= 0;
      is_read <= 0;
    end else if (loading) begin
      since <= since + 1'b1;
      words <= words + taken;
      is_read <= is_read || (taken && macro_row == the_row && macro_word == the_word);
    end
    if (access_arriving) for (number = 0; number < Tiles; number = number + 1)
      if ((tile & (1 << number)) != 0) came <= macro_rdata[32*number +: 32];
  end
  wire [31:0] position = macro_row * WordsPerRow + macro_word;
  wire is_behind = the_row < macro_row || (the_row == macro_row && the_word < macro_word);
  wire is_here = the_row == macro_row && the_word == macro_word;
  always @(posedge clk) if (started && !reset) begin
    p_sense_ends: assert (sensed + fuses_sense <= SenseCycles);
    p_sense_is_whole: assert (unsensed || sensed == SenseCycles);
    p_sensed_in_time: assert (!unsensed || awake <= SenseCycles + 1);
    p_no_read_while_sensing: assert (!unsensed || macro_re == 0);
    p_never_written: assert (macro_we == 0);
    p_every_word_is_read: assert (!loader_done || (is_read && words == Rows * WordsPerRow));
    p_checked_as_read: assert (!crc_absorbs || crc_byte == came[8*place +: 8]);
    p_verification_ends: assert (!loading || since <= 8 * Rows * WordsPerRow);
    // The timer counts the clocks of sense; it begins in the clock behind the kill.
    i_reset_waits: assert (fuses_state != FUSES_RESET || (clock == 1 && sensed == 0 && awake == 0));
    i_sense_is_counted: assert (fuses_state != FUSES_SENSE || (clock == sensed + 1 && awake == clock));
    i_sense_rests: assert (fuses_state != FUSES_REST || (sensed == SenseCycles && awake == SenseCycles + 1));
    i_never_written: assert (!writing_word);
    // The tile that is selected exists, or else no read would begin.
    i_selected_exists: assert ($settings_exist);
    // Each word takes four clocks to be read and four to be taken in, and the address counts the words.
    i_inside: assert (!loading || (macro_row < Rows && macro_word < WordsPerRow));
    i_read: assert (fuses_state != FUSES_READ || (words == position && is_read == is_behind &&
        since == 8 * position + (access_steps == 0 ? 0 : strobing ? 1 : access_arriving ? 2 : 3)));
    i_absorb: assert (fuses_state != FUSES_ABSORB || (words == position + 1 && is_read == (is_behind || is_here) &&
        access_steps == 0 && macro_wdata == came && since == 8 * position + 4 + place));
    i_verify: assert (fuses_state != FUSES_VERIFY || (words == Rows * WordsPerRow && is_read && since == 8 * Rows * WordsPerRow));
    i_came: assert (!(fuses_state == FUSES_READ && access_fetch) || fetched == came);
  end
`endif

`ifdef LATCHES
  // ---------------------------------------------------------------- every latch holds the bit that was accepted
  // One latch word stands for all: its tile, row and word are any, and do not change.
  (* anyconst *) reg [Tiles-1:0] the_tile;
  (* anyconst *) reg [$row_width-1:0] the_row;
  (* anyconst *) reg [$word_width-1:0] the_word;
  always @(posedge clk) begin
    assume (the_tile != 0 && one_tile(the_tile));
    assume (the_row < Rows && the_word < WordsPerRow);
  end
  reg [31:0] content;  // of that latch
  wire is_there = the_row == macro_row && the_word == macro_word;
  always @(posedge clk) if ((macro_we & the_tile) != 0 && is_there) content <= macro_wdata;

  // The words of a frame in their order: five of the header, the rows, the checksum.
  reg [2:0] headers;
  reg [$row_width-1:0] next_row;
  reg [$word_width-1:0] next_word;
  reg whole;
  reg [31:0] pending, accepted;
  reg edited;
  wire is_next = headers == 5 && !whole && the_row == next_row && the_word == next_word;
  always @(posedge clk) begin
    if (loader_start) begin
      headers <= 0;
      next_row <= 0;
      next_word <= 0;
      whole <= 0;
    end else if (accept) begin
      if (headers != 5) headers <= headers + 1'b1;
      else if (!whole) begin
        next_word <= next_word + 1'b1;
        if (next_word == WordsPerRow - 1) begin
          next_word <= 0;
          next_row <= next_row + 1'b1;
          if (next_row == Rows - 1) whole <= 1;
        end
      end
      if (is_next) pending <= bus_data;
    end
    if (loader_done && !abort && (tile & the_tile) != 0) begin
      accepted <= pending;
      edited <= 0;
    end
    if (editor_start && (tile & the_tile) != 0) edited <= 1;
  end

  wire passed = whole || the_row < next_row || (the_row == next_row && the_word < next_word);
  wire mine = (tile & the_tile) != 0;
  wire last_was_row_end = macro_word == WordsPerRow - 1;
  wire last_was_end = last_was_row_end && macro_row == Rows - 1;
  always @(posedge clk) if (started && !reset) begin
    p_latch_is_as_accepted: assert ((oe & the_tile) == 0 || (calibrating && mine) || edited || content == accepted);
    // The same holds while the tile is programmed, for then it is not written.
    i_programmed: assert ((programmed & the_tile) == 0 || edited || content == accepted);
    i_editing: assert (!editing || !mine || edited);
    // The number of the frame's words that were taken in is the loader's field.
    i_headers: assert (!loader_awaiting || (field == 7 ? headers == 0 : field < 4 ? headers == field + 1 : headers == 5));
    i_headers_absorbed: assert (!loader_absorbing || (field < 5 ? headers == field + 1 : field < 7 && headers == 5));
    i_header_first: assert (!loading || headers == 5 || (next_row == 0 && next_word == 0 && !whole && !verifying));
    i_last_header: assert (!(loading && !verifying && field == 4) || (next_row == 0 && next_word == 0 && !whole));
    i_first_address: assert (!(loading && !verifying && (field < 5 || field == 7)) || (macro_row == 0 && macro_word == 0));
    // Address and frame go on together: the address is that of the next word, or of the word being written.
    i_address: assert (!(loader_awaiting && in_data) || (!whole && macro_row == next_row && macro_word == next_word));
    i_address_written: assert (!storing || (last_was_end ? whole : !whole && (last_was_row_end ?
        next_row == macro_row + 1'b1 && next_word == 0 : next_row == macro_row && next_word == macro_word + 1'b1)));
    i_inside: assert (next_row < Rows && next_word < WordsPerRow || !loading || whole);
    i_address_inside: assert (!(loading && !verifying) || (macro_row < Rows && macro_word < WordsPerRow));
    i_whole: assert (!(verifying || (loading && field == 6)) || whole);
    // What was passed is in the latch; the word at hand is in the word register, and in the latch behind its pulse.
    i_word_at_hand: assert (!(storing && is_there) || macro_wdata == pending);
    i_word_written: assert (!(storing && is_there && mine && (access_holding || access_written)) || content == macro_wdata);
    i_passed: assert (!loading || !mine || headers != 5 || !passed || (storing && is_there) || content == pending);
  end
`endif

`ifdef BOUNDED
  // ---------------------------------------------------------------- a load ends
  // A load is a sequence of parts: a word is awaited, taken in and written, or checked again. There are no more of
  // them than words, and each has its time: FrameWords * (Timeout + LongestWrite) + 4 * (FrameWords - 1) + 8 in all.
  reg [16:0] since;  // clocks in this part
  reg [31:0] words;  // that were taken in
  reg [31:0] again;  // that were checked again
  wire last_byte = place == 3;
  wire checked_again = (loader_repeating || loader_reading) && last_byte;
  wire new_part = accept || checked_again || (loader_writing && access_written) ||
      (loader_absorbing && last_byte && !in_data) || loader_checking || (loader_fetching && access_fetch);
  always @(posedge clk) begin
    if (loader_start) begin
      since <= 0;
      words <= 0;
      again <= 0;
    end else if (loading) begin
      since <= new_part ? 0 : since + 1'b1;
      words <= words + accept;
      again <= again + checked_again;
    end
  end
  wire [31:0] position = macro_row * WordsPerRow + macro_word;
  always @(posedge clk) if (started && !reset) begin
    p_word_comes_in_time: assert (!loader_awaiting || since < Timeout);
    p_word_is_taken_in_time: assert (!(loader_absorbing || loader_writing) || since < LongestWrite);
    p_word_is_read_in_time: assert (!verifying || since < 4);
    p_frame_ends: assert (!loading || words <= FrameWords);
    p_read_back_ends: assert (!loading || again <= FrameWords - 1);
    // The timer counts while a word is awaited, and up to what TIMING says while one is written.
    i_await: assert (!loader_awaiting || (since + 1 == clock && (late == (since == Timeout - 1))));
    i_setup: assert (!(storing && access_setting) || (since == clock && clock <= (timing_setup == 0 ? 1 : timing_setup)));
    i_pulse_time: assert (!(storing && pulsing) || (since >= clock && since <= 255 + clock && clock <= (timing_pulse == 0 ? 1 : timing_pulse)));
    i_hold_time: assert (!(storing && access_holding) || (since >= clock && since <= 510 + clock && clock <= (timing_hold == 0 ? 1 : timing_hold)));
    i_written_time: assert (!(storing && access_written) || since <= 766);
    i_absorb: assert (!(loader_absorbing || loader_repeating || loader_reading) || since == place);
    i_read_time: assert (!loader_fetching || (!writing_word &&
        since == (access_steps == 0 ? 0 : strobing ? 1 : access_arriving ? 2 : 3)));
    i_check: assert ((!loader_comparing || since == 0) && (!loader_checking || since == 1));
    // The field and the address count the words.
    i_words_header: assert (verifying || !loading || (field > 4 && field < 7) || words == (field == 7 ? 0 : field + 1));
    i_words_data: assert (verifying || !loading || !in_data || words == 5 + position + storing);
    i_words_checksum: assert (!(loader_awaiting && field == 6) || words == FrameWords - 1);
    i_words_whole: assert (!(verifying || (loader_absorbing && field == 6)) || words == FrameWords);
    i_field_begins: assert (verifying || !loading || field != 7 || loader_awaiting);
    i_address_begins: assert (!(loading && !verifying && !in_data) || position == 0);
    i_address_stays_inside: assert (!loading || (macro_row < Rows && macro_word < WordsPerRow));
    i_verify_begins: assert (!(verifying && !loader_reading) || position == 0);
    i_again_begins: assert (!loading || verifying || again == 0);
    i_again_checked: assert (!(loader_comparing || loader_checking) || again == (in_data ? FrameWords - 1 : 0));
    i_again_header: assert ((!loader_repeating || again == field) && (!loader_fetching || again == HeaderWords));
    i_again: assert (!loader_reading || (place == 0 ? again == HeaderWords + position :
        final_word ? again == FrameWords - 2 && position == 0 : again + 1 == HeaderWords + position));
  end
`endif

`ifdef SETTINGS
  // ---------------------------------------------------------------- what the host sets rests, and exists
  wire [$setting_bits-1:0] settings = {$settings};
  reg [$setting_bits-1:0] old_settings;
  reg old_locked, old_reset;
  always @(posedge clk) begin
    old_settings <= settings;
    old_locked <= locked;
    old_reset <= reset;
  end
  always @(posedge clk) if (settled && !old_reset) begin
    p_settings_rest: assert (!old_locked || settings == old_settings);
    p_settings_exist: assert ($settings_exist);
  end
`endif

`ifdef BUFFERS
  // ---------------------------------------------------------------- no vector is torn, no result is lost
  reg [31:0] pushed;  // codes of the vector that is being filled
  reg [31:0] columns;  // results of the reading under way
  always @(posedge clk) begin
    if (reset || input_clear || input_swap) pushed <= 0;
    else if (input_push && !input_full) pushed <= pushed + 1;
    if (reset || result_clear || result_done) columns <= 0;
    else if (result_push) columns <= columns + 1;
  end
  wire [$column_width-1:0] walked = adc_column - columns_first;
  wire [$column_width-1:0] to_end = columns_last - columns_first;
  always @(posedge clk) if (started && !reset) begin
    p_no_input_overflow: assert (pushed <= Rows && (!input_full || pushed == Rows));
    p_swap_only_whole: assert (!input_swap || pushed == Rows);
    p_no_result_overflow: assert (!result_push || columns < (1 << $column_width));
    p_results_are_read_first: assert (!result_done || !result_valid);
    p_one_result_a_column: assert (!result_done || columns == to_end + 1);
    i_place: assert (input_full ? input_place == 0 && pushed == Rows : input_place == pushed && pushed < Rows);
    i_filled: assert (columns[$column_width-1:0] == result_filled);
    i_walk: assert (capture_committing ? columns == to_end + 1 :
        !capturing ? columns == 0 : columns == walked && walked <= to_end);
    i_vector_waits: assert (!queued || input_full);
  end
`endif

`ifdef AXI
  // ---------------------------------------------------------------- AXI4-Lite
  reg old_reset_clock = 1'b1;
  reg old_awvalid, old_awready, old_wvalid, old_wready, old_arvalid, old_arready;
  reg old_bvalid, old_bready, old_rvalid, old_rready;
  reg [1:0] old_bresp, old_rresp;
  reg [31:0] old_rdata, old_wdata;
  reg [7:0] old_awaddr, old_araddr;
  reg [3:0] old_wstrb;
  always @(posedge clk) begin
    old_reset_clock <= reset || rst || !started;
    {old_awvalid, old_awready, old_wvalid, old_wready} <= {s_axi_awvalid, s_axi_awready, s_axi_wvalid, s_axi_wready};
    {old_arvalid, old_arready} <= {s_axi_arvalid, s_axi_arready};
    {old_bvalid, old_bready, old_rvalid, old_rready} <= {s_axi_bvalid, s_axi_bready, s_axi_rvalid, s_axi_rready};
    {old_bresp, old_rresp, old_rdata} <= {s_axi_bresp, s_axi_rresp, s_axi_rdata};
    {old_awaddr, old_araddr, old_wdata, old_wstrb} <= {s_axi_awaddr, s_axi_araddr, s_axi_wdata, s_axi_wstrb};
    // The master keeps to the protocol: valid and what goes with it stay until ready.
    if (!old_reset_clock) begin
      assume (!(old_awvalid && !old_awready) || (s_axi_awvalid && s_axi_awaddr == old_awaddr));
      assume (!(old_wvalid && !old_wready) || (s_axi_wvalid && s_axi_wdata == old_wdata && s_axi_wstrb == old_wstrb));
      assume (!(old_arvalid && !old_arready) || (s_axi_arvalid && s_axi_araddr == old_araddr));
    end
  end
  reg [1:0] addresses, data, reads;  // accepted and not yet answered
  reg [1:0] writes_done, reads_done;  // that the registers saw
  wire response = s_axi_bvalid && s_axi_bready;
  wire read_response = s_axi_rvalid && s_axi_rready;
  always @(posedge clk) begin
    addresses <= reset ? 0 : addresses + (s_axi_awvalid && s_axi_awready) - response;
    data <= reset ? 0 : data + (s_axi_wvalid && s_axi_wready) - response;
    reads <= reset ? 0 : reads + (s_axi_arvalid && s_axi_arready) - read_response;
    writes_done <= reset ? 0 : writes_done + (register_write && acknowledge) - response;
    reads_done <= reset ? 0 : reads_done + (register_read && acknowledge) - read_response;
  end
  always @(posedge clk) if (started && !reset) begin
    if (!old_reset_clock) begin
      p_b_stays: assert (!(old_bvalid && !old_bready) || (s_axi_bvalid && s_axi_bresp == old_bresp));
      p_r_stays: assert (!(old_rvalid && !old_rready) || (s_axi_rvalid && s_axi_rresp == old_rresp && s_axi_rdata == old_rdata));
    end
    p_b_after_request: assert (!s_axi_bvalid || (addresses == 1 && data == 1));
    p_r_after_request: assert (!s_axi_rvalid || reads == 1);
    p_one_write: assert (addresses <= 1 && data <= 1);
    p_one_read: assert (reads <= 1);
    p_b_after_the_write: assert (writes_done == s_axi_bvalid);
    p_r_after_the_read: assert (reads_done == s_axi_rvalid);
    p_response_is_legal: assert (!s_axi_bresp[0] && !s_axi_rresp[0]);
    p_ready_for_valid: assert ((!s_axi_awready || s_axi_awvalid) && (!s_axi_wready || s_axi_wvalid) && (!s_axi_arready || s_axi_arvalid));
    // The state of the front end counts what is accepted; ready is high in its first clock.
    i_axi_idle: assert (bus_state != BUS_IDLE || (addresses == 0 && data == 0 && reads == 0 && !s_axi_bvalid && !s_axi_rvalid &&
        !s_axi_awready && !s_axi_wready && !s_axi_arready));
    i_axi_write: assert (bus_state != BUS_WRITE || (addresses + s_axi_awready == 1 && data + s_axi_wready == 1 && reads == 0 &&
        !s_axi_arready && !s_axi_bvalid && !s_axi_rvalid && s_axi_awready == s_axi_wready));
    i_axi_read: assert (bus_state != BUS_READ || (reads + s_axi_arready == 1 && addresses == 0 && data == 0 &&
        !s_axi_awready && !s_axi_wready && !s_axi_bvalid && !s_axi_rvalid));
    i_axi_respond: assert (bus_state != BUS_RESPOND || (s_axi_bvalid + s_axi_rvalid == 1 &&
        addresses == s_axi_bvalid && data == s_axi_bvalid && reads == s_axi_rvalid && !s_axi_awready && !s_axi_wready && !s_axi_arready));
  end
`endif

`ifdef WISHBONE
  // ---------------------------------------------------------------- Wishbone B4, classic cycles
  wire asks = wb_cyc_i && wb_stb_i;
  wire answers = wb_ack_o || wb_err_o;
  reg old_asks, old_answers, old_acknowledge;
  reg [1:0] accesses;  // that the registers saw, since the master began to ask
  always @(posedge clk) begin
    old_asks <= asks;
    old_answers <= answers;
    old_acknowledge <= acknowledge && (register_write || register_read) && !reset;
    accesses <= reset || !asks || answers ? 0 : accesses + (acknowledge && (register_write || register_read) && accesses < 2);
  end
  always @(posedge clk) if (started && !reset) begin
    p_ack_or_err: assert (!(wb_ack_o && wb_err_o));
    p_answer_after_access: assert (!answers || (old_acknowledge && old_asks && accesses >= 1));
    p_answer_lasts_a_clock: assert (!(answers && old_answers));
    i_wishbone_answers: assert (!answers || bus_state == BUS_RESPOND);
    i_wishbone_access: assert (bus_state != BUS_RESPOND || old_acknowledge);
  end
`endif

`ifdef SPI
  // ---------------------------------------------------------------- SPI
  reg old_write, old_read, old_held;
  reg [45:0] old_access;
  wire [45:0] access = {register_address, register_strobes, bus_data, register_write, register_read};
  reg old_deselected;
  always @(posedge clk) begin
    old_write <= register_write;
    old_read <= register_read;
    old_held <= (register_write || register_read) && !acknowledge && !reset;
    old_access <= access;
    old_deselected <= deselected || reset || !started;
  end
  always @(posedge clk) if (started && !reset) begin
    p_spi_one_access: assert (!(register_write && register_read));
    p_spi_access_is_held: assert (!old_held || access == old_access);
    if (settled) begin
      p_spi_write_is_whole: assert (!register_write || old_write || (spi_place == 40 || old_deselected));
      p_spi_read_has_address: assert (!register_read || old_read || (spi_place == 8 || old_deselected));
    end
    p_spi_silent: assert (!old_deselected || !spi_miso);
    i_spi_place: assert (spi_place <= 56);
  end
`endif

`ifdef MEMORY
  // ---------------------------------------------------------------- the latches inside are the memory of the model
  // The script makes this memory the one of the tile: its words are read here beside the controller.
  reg [31:0] memory_of_tile [0:(1 << ($row_width + $word_width)) - 1];
  (* anyconst *) reg [$row_width-1:0] a_row;
  (* anyconst *) reg [$word_width-1:0] a_word;
  reg [31:0] written;
  reg was_written;
  wire is_written = (macro_we & 1) != 0 && a_row == macro_row && a_word == macro_word;
  always @(posedge clk) begin
    if (is_written) written <= macro_wdata;
    was_written <= started && (was_written || is_written);
    assume (a_row < Rows && a_word < WordsPerRow);
  end
  always @(posedge clk) if (started && was_written)
    p_memory_keeps: assert (memory_of_tile[{a_row, a_word}] == written);
`endif

`ifdef COVER
  // ---------------------------------------------------------------- what the properties speak of does happen
  always @(posedge clk) if (started && !reset && !rst) begin
    c_write_answered: cover (acknowledge && register_write);
    c_read_answered: cover (acknowledge && register_read);
  end
`endif

`ifdef COVER_LOADS
  always @(posedge clk) if (started && !reset && !rst) begin
    c_fault: cover (fault != 0);
    c_killed: cover (kill && loading);
  end
`endif

`ifdef COVER_FUSES
  always @(posedge clk) if (started && !reset && !rst) c_sensing: cover (fuses_sense);
`endif

`ifdef REACHED
  // The rest lies too deep for a solver; simulation reaches it.
  reg driven = 1'b0;
  always @(posedge clk) driven <= driven || oe != 0;
  always @(posedge clk) if (started && !reset && !rst) begin
    c_loading: cover (loading && macro_we != 0);
    c_reading: cover (loading && macro_re != 0);
    c_started: cover (loader_start);
    c_timeout: cover (fault == 7);
    c_driving: cover (oe != 0 && !calibrating);
    c_verified: cover (verified);
    c_released: cover (driven && fault == 9);
    c_calibration_writes: cover (calibrating && macro_we != 0);
    c_calibration_drives: cover (calibrating && oe != 0);
    c_calibration_ends: cover (calibrating && driven && macro_we != 0);
    c_editing: cover (editing && macro_we != 0);
    c_edited: cover (editor_state == EDITOR_VERIFY && crc_matches);
    c_host_reads: cover (reader_state == READER_READY);
    c_vector: cover (input_swap);
    c_result: cover (result_done);
    c_setting_refused: cover (register_write && acknowledge && register_error && at_setting && locked);
    c_value_refused: cover (register_write && acknowledge && register_error && at_setting && !locked);
  end
`endif
endmodule
