// The scan of the detect-before-load controller (T2): ORs the masks of a group's rows, finds the
// entries that any row needs, and packs them into windows of E, with what each row needs of them.
//
// A step looks at one word of the masks and takes all entries that the window has room for, each of
// which gets its place by a prefix sum. Only entries of taps that read inside the map are taken. A
// window is complete when it is full and one more entry is in sight, or the last word is through; so
// it knows whether it is the last. It is shown in the cycle that completes it, and the next step
// follows the cycle in which it is taken. Behind the last word the scan goes back to the first.
module swpu_scan_unit (
  input  logic                                                      clk_i,
  input  logic                                                      rst_ni,
  // Starts anew at an entry, whose word's first entry stands at a place; no step in this cycle.
  input  logic                                                      begin_i,
  input  swpu_types_pkg::start_t                                    start_i,
  // Makes a step, if no window waits.
  input  logic                                                      step_i,
  // Mask memory: the word that is looked at in the next cycle, and that of this cycle.
  output logic [swpu_types_pkg::WordBits-1:0]                       word_o,
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0]         masks_i,
  // Kernel of the layer, and the taps that read inside the map.
  input  logic [swpu_types_pkg::WordBits-1:0]                       last_word_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_row_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_column_i,
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]                     active_i,
  // A window. Lanes behind its count hold rubbish and are needed by no row.
  output logic                                                      window_valid_o,
  input  logic                                                      window_ready_i,
  output swpu_types_pkg::found_t                                    window_o,
  // The word that is looked at, with the place of its first entry, and whether the window under way
  // has entries of words before.
  output swpu_types_pkg::start_t                                    place_o,
  output logic                                                      is_open_o,
  // No entry is left behind the window.
  output logic                                                      is_last_o,
  // The last word is through and no window was found.
  output logic                                                      is_empty_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Bits = swpu_pkg::MaskWord;
  localparam int unsigned Window = swpu_pkg::Window;

  // The word under way, the place of its first entry, and the entries of it that are done with.
  logic [WordBits-1:0] word_d, word_q;
  logic [EntryBits-1:0] line_d, line_q;
  logic [KernelBits-1:0] row_d, row_q, column_d, column_q;
  logic [Bits-1:0] done_d, done_q;
  // The window under way, or the one that waits to be taken.
  found_t window_d, window_q, window;
  logic waits_d, waits_q, is_last_d, is_last_q;

  // The place of each entry of the word, and of the first of the next.
  logic [EntryBits-1:0] bit_line[Bits], next_line;
  logic [KernelBits-1:0] bit_row[Bits], next_row, bit_column[Bits], next_column;
  logic [Bits-1:0] wanted;

  always_comb begin
    next_line = line_q;
    next_row = row_q;
    next_column = column_q;
    for (int unsigned i = 0; i < Bits; i++) begin
      bit_line[i] = next_line;
      bit_row[i] = next_row;
      bit_column[i] = next_column;
      next_column = next_column + 1'b1;
      if (bit_column[i] == last_column_i) begin
        next_column = '0;
        next_line = next_line + 1'b1;
        next_row = next_row == last_row_i ? '0 : next_row + 1'b1;
      end
    end
  end

  always_comb begin
    wanted = '0;
    for (int unsigned row = 0; row < swpu_pkg::Rows; row++) wanted = wanted | masks_i[row];
    for (int unsigned i = 0; i < Bits; i++) begin
      if (!active_i[bit_row[i]][bit_column[i]]) wanted[i] = 1'b0;
    end
    wanted = wanted & ~done_q;
  end

  // Entries below each entry, by sums over 1, 2, 4, … places.
  logic [BitBits:0] below[BitBits+1][Bits];

  always_comb begin
    for (int unsigned i = 0; i < Bits; i++) begin
      below[0][i] = i == 0 ? '0 : (BitBits + 1)'(wanted[(i+Bits-1)%Bits]);
    end
    for (int unsigned level = 0; level < BitBits; level++) begin
      for (int unsigned i = 0; i < Bits; i++) begin
        below[level+1][i] = below[level][i];
        if (i >= 1 << level) below[level+1][i] = below[level][i] + below[level][i-(1<<level)];
      end
    end
  end

  // Bits of a word whose number has bit i set, for each i: they turn one set bit into its number.
  logic [BitBits-1:0][Bits-1:0] has_bit;
  always_comb begin
    for (int unsigned i = 0; i < BitBits; i++) begin
      for (int unsigned place = 0; place < Bits; place++) has_bit[i][place] = place[i];
    end
  end

  logic steps, is_full, has_more, is_at_end, completes, takes;
  logic [Bits-1:0] taken;

  assign steps = step_i && !waits_q;

  always_comb begin
    logic [Bits-1:0] chosen;
    logic [BitBits-1:0] bit_index;
    window = window_q;
    taken = '0;
    chosen = '0;
    bit_index = '0;
    if (steps) begin
      for (int unsigned lane = 0; lane < Window; lane++) begin
        chosen = '0;
        for (int unsigned i = 0; i < Bits; i++) begin
          chosen[i] = wanted[i]
              && (BitBits + 2)'(window_q.count) + (BitBits + 2)'(below[BitBits][i])
              == (BitBits + 2)'(lane);
        end
        taken = taken | chosen;
        if (chosen != '0) begin
          for (int unsigned i = 0; i < BitBits; i++) bit_index[i] = |(chosen & has_bit[i]);
          window.entries[lane].tag = {word_q, bit_index};
          window.entries[lane].line = bit_line[bit_index];
          window.entries[lane].row = bit_row[bit_index];
          window.entries[lane].column = bit_column[bit_index];
          window.count = CountBits'(lane + 1);
        end
        for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
          if (chosen != '0) window.needed[row][lane] = |(masks_i[row] & chosen);
        end
      end
    end
  end

  assign place_o = '{entry: {word_q, BitBits'(0)}, line: line_q, row: row_q, column: column_q};
  assign is_open_o = window_q.count != '0;

  assign is_full = window.count == CountBits'(Window);
  assign has_more = |(wanted & ~taken);
  assign is_at_end = word_q == last_word_i;
  assign completes = steps
      && (is_full && has_more || is_at_end && !has_more && window.count != '0);
  assign is_empty_o = steps && is_at_end && window.count == '0;
  assign window_valid_o = waits_q || completes;
  assign window_o = window;
  assign is_last_o = waits_q ? is_last_q : is_at_end && !has_more;
  assign takes = window_valid_o && window_ready_i;

  always_comb begin
    word_d = word_q;
    line_d = line_q;
    row_d = row_q;
    column_d = column_q;
    done_d = done_q | taken;
    window_d = window;
    waits_d = window_valid_o && !window_ready_i;
    is_last_d = is_last_o;
    if (begin_i) begin
      word_d = start_i.entry[EntryBits-1:BitBits];
      line_d = start_i.line;
      row_d = start_i.row;
      column_d = start_i.column;
      done_d = ~('1 << start_i.entry[BitBits-1:0]);
      window_d.count = '0;
      window_d.needed = '0;
      waits_d = 1'b0;
    end else if (takes || is_empty_o) begin
      window_d.count = '0;
      window_d.needed = '0;
      if (is_empty_o || is_last_o) begin
        word_d = '0;
        line_d = '0;
        row_d = '0;
        column_d = '0;
        done_d = '0;
      end
    end else if (steps && !completes) begin
      word_d = word_q + 1'b1;
      line_d = next_line;
      row_d = next_row;
      column_d = next_column;
      done_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      word_q <= '0;
      line_q <= '0;
      row_q <= '0;
      column_q <= '0;
      done_q <= '0;
      window_q <= '0;
      waits_q <= 1'b0;
      is_last_q <= 1'b0;
    end else begin
      word_q <= word_d;
      line_q <= line_d;
      row_q <= row_d;
      column_q <= column_d;
      done_q <= done_d;
      window_q <= window_d;
      waits_q <= waits_d;
      is_last_q <= is_last_d;
    end
  end

  assign word_o = word_d;

endmodule
