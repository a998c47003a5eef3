// SPDX-License-Identifier: Apache-2.0
// No step of the scan passes an entry that a row needs without putting it into the window, and no
// window loses an entry before it is taken. Entries lie where counting them one by one says.
//
// For any one entry (a word and a bit of it) in any state that the unit can reach: masks, kernel and
// active taps are arbitrary, but hold still while a word is looked at. The window is not looked into
// once it is taken.
module swpu_scan_formal (
  input logic                                                      clk_i,
  input logic                                                      begin_i,
  input swpu_types_pkg::start_t                                    start_i,
  input logic                                                      step_i,
  input logic                                                      window_ready_i,
  input logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0]         masks_i,
  input swpu_types_pkg::listed_line_t
              [swpu_types_pkg::LinesPerScan-1:0]                   lines_i,
  input logic [swpu_types_pkg::ScanWordBits-1:0]                   last_word_i,
  input logic [swpu_types_pkg::KernelBits-1:0]                     last_row_i,
  input logic [swpu_types_pkg::KernelBits-1:0]                     last_column_i,
  input logic [swpu_types_pkg::KernelSize-1:0]
              [swpu_types_pkg::KernelSize-1:0]                     active_i,
  // The entry whose fate is followed.
  input logic [swpu_types_pkg::ScanWordBits-1:0]                   word_i,
  input logic [swpu_types_pkg::ScanPlaceBits-1:0]                  bit_i
);

  import swpu_types_pkg::*;

  found_t window;
  start_t place;
  logic   window_valid, is_last, is_empty, is_open;
  logic [WordBits-1:0] next_word;

  swpu_scan_unit i_scan (
    .clk_i,
    .rst_ni        (1'b1),
    .begin_i,
    .start_i,
    .step_i,
    .word_o        (next_word),
    .masks_i,
    .lines_i,
    .last_word_i,
    .last_row_i,
    .last_column_i,
    .active_i,
    .window_valid_o(window_valid),
    .window_ready_i,
    .window_o      (window),
    .place_o       (place),
    .is_open_o     (is_open),
    .is_last_o     (is_last),
    .is_empty_o    (is_empty)
  );

  // Registers that did not change since the cycle before.
  logic has_past_q = 1'b0;
  logic begin_q;
  logic [WordBits-1:0] word_q, last_word_q;
  logic [KernelBits-1:0] last_row_q, last_column_q;
  logic [KernelSize-1:0][KernelSize-1:0] active_q;
  logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0] masks_q;
  always_ff @(posedge clk_i) begin
    has_past_q <= 1'b1;
    begin_q <= begin_i;
    word_q <= i_scan.word_q;
    last_word_q <= last_word_i;
    last_row_q <= last_row_i;
    last_column_q <= last_column_i;
    active_q <= active_i;
    masks_q <= masks_i;
  end

  // The entry is needed by a row and lies in front of the scan, in the word that it looks at.
  logic [swpu_pkg::Rows-1:0] rows;
  spot_t spot;
  logic [EntryBits-1:0] line;
  logic is_ahead, is_wanted, stays_ahead, is_in_window, keeps, is_clean;
  always_comb begin
    for (int unsigned row = 0; row < swpu_pkg::Rows; row++) rows[row] = masks_i[row][bit_i];
    spot = i_scan.gen_masks.spots_q[bit_i];
    line = {i_scan.gen_masks.lines_q + WordBits'(spot.line[BitBits]), spot.line[BitBits-1:0]};
    is_ahead = i_scan.word_q == word_i && !i_scan.done_q[bit_i];
    is_wanted = is_ahead && rows != '0
        && active_i[spot.row][spot.column];
    stays_ahead = next_word == word_i && !i_scan.done_d[bit_i];

    // Whether the window that is shown, or kept for the next cycle, has the entry with its place for
    // its rows.
    is_in_window = 1'b0;
    for (int unsigned lane = 0; lane < swpu_pkg::Window; lane++) begin
      if (CountBits'(lane) < window.count && window.entries[lane].tag == {word_i, bit_i}) begin
        logic [swpu_pkg::Rows-1:0] needed;
        for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
          needed[row] = window.needed[row][lane];
        end
        if (needed == rows && window.entries[lane].line == line
            && window.entries[lane].row == spot.row
            && window.entries[lane].column == spot.column) begin
          is_in_window = 1'b1;
        end
      end
    end

    // What was in the window before is in it still.
    keeps = window.count >= i_scan.window_q.count;
    is_clean = 1'b1;
    for (int unsigned lane = 0; lane < swpu_pkg::Window; lane++) begin
      if (CountBits'(lane) < i_scan.window_q.count) begin
        if (window.entries[lane] != i_scan.window_q.entries[lane]) keeps = 1'b0;
        for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
          if (window.needed[row][lane] != i_scan.window_q.needed[row][lane]) keeps = 1'b0;
        end
      end
      for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
        if (CountBits'(lane) >= window.count && window.needed[row][lane]) is_clean = 1'b0;
      end
    end
  end

  // Where the entry behind one lies, a column on.
  function automatic spot_t after(spot_t spot);
    after = spot;
    after.column = spot.column + 1'b1;
    if (spot.column == last_column_i) begin
      after.column = '0;
      after.row = spot.row == last_row_i ? '0 : spot.row + 1'b1;
      after.line = spot.line + 1'b1;
    end
  endfunction

  // The places of the word's entries, one after the other, and of the first one of the next word.
  logic has_begun_q = 1'b0;
  logic are_counted;
  spot_t last;
  always_ff @(posedge clk_i) has_begun_q <= has_begun_q || begin_i;
  always_comb begin
    are_counted = !i_scan.gen_masks.spots_q[0].line[BitBits];
    for (int unsigned i = 0; i + 1 < swpu_pkg::MaskWord; i++) begin
      if (i_scan.gen_masks.spots_q[i+1] != after(i_scan.gen_masks.spots_q[i])) are_counted = 1'b0;
    end
    last = after(i_scan.gen_masks.spots_q[swpu_pkg::MaskWord-1]);
    if (i_scan.gen_masks.after_q.line
        != {i_scan.gen_masks.lines_q + WordBits'(last.line[BitBits]), last.line[BitBits-1:0]}
        || i_scan.gen_masks.after_q.row != last.row
        || i_scan.gen_masks.after_q.column != last.column
        || last.row > last_row_i || last.column > last_column_i) begin
      are_counted = 1'b0;
    end
  end

  always_comb begin
    // A kernel that the unit takes, a start within it, and no step before.
    assume (last_row_i < KernelBits'(KernelSize) && last_column_i < KernelBits'(KernelSize));
    assume (start_i.row <= last_row_i && start_i.column <= last_column_i);
    assume (has_begun_q || !step_i);

    assume (!has_past_q || i_scan.word_q != word_q || begin_q || masks_i == masks_q);
    assume (!has_past_q || last_word_i == last_word_q);
    assume (!has_past_q || last_row_i == last_row_q && last_column_i == last_column_q);
    assume (!has_past_q || active_i == active_q);

    // A scan that looked behind the last word would run on through the memory.
    assume (i_scan.word_q <= last_word_i);

    assert (!has_begun_q || are_counted);
    // No needed entry is passed, unless the scan restarts elsewhere.
    assert (begin_i || !is_wanted || stays_ahead || is_in_window);
    // The scan looks at one word after the other; it goes back only when all words are through.
    assert (begin_i || next_word == i_scan.word_q
        || next_word == (i_scan.word_q == last_word_i ? '0 : i_scan.word_q + 1'b1));
    // The first entry of a row's mask lies at the front.
    assert (!has_past_q || begin_q || word_q == '0 || i_scan.word_q != '0
        || place.line == '0 && place.row == '0 && place.column == '0);
    // A window grows until it is taken whole.
    assert (keeps && window.count <= CountBits'(swpu_pkg::Window));
    // No row needs a lane behind its count.
    assert (is_clean);
    assert (begin_i || window_valid && window_ready_i || i_scan.window_d == window
        || is_empty && window.count == '0);
    // Behind the last window nothing is pending.
    assert (!(i_scan.waits_q && i_scan.is_last_q)
        || i_scan.word_q == last_word_i && i_scan.wanted == '0);
  end

endmodule
