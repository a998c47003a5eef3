// SPDX-License-Identifier: Apache-2.0
// The scan of the detect-before-load controller (T2): ORs the masks of a group's rows, finds the
// entries that any row needs, and packs them into windows of E, with what each row needs of them.
//
// A step looks at one word of the masks and takes all entries that the window has room for, each of
// which gets its place by a prefix sum. Only entries of taps that read inside the map are taken. A
// window is complete when it is full and one more entry is in sight, or the last word has been scanned; so
// it knows whether it is the last. It is shown in the cycle that completes it, and the next step
// follows the cycle in which it is taken. Behind the last word the scan goes back to the first.
module swpu_scan_unit (
  input  logic                                                      clk_i,
  input  logic                                                      rst_ni,
  // Restarts at an entry, whose word's first entry is at a place; no step in this cycle.
  input  logic                                                      begin_i,
  input  swpu_types_pkg::start_t                                    start_i,
  // Makes a step, if no window is pending.
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
  // The word that is looked at, with the place of its first entry, and whether the current window
  // has entries of words before.
  output swpu_types_pkg::start_t                                    place_o,
  output logic                                                      is_open_o,
  // No entry is left behind the window.
  output logic                                                      is_last_o,
  // The last word has been scanned and no window was found.
  output logic                                                      is_empty_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Bits = swpu_pkg::MaskWord;
  localparam int unsigned Window = swpu_pkg::Window;

  // The current word, the lines before its first entry up to a multiple of the word, where its entries
  // lie, and which are done with.
  logic [WordBits-1:0] word_d, word_q, lines_q;
  spot_t [Bits-1:0] spots_d, spots_q;
  logic [Bits-1:0] done_d, done_q;
  // The current window, or the one that is to be taken.
  found_t window_d, window_q, window;
  logic waits_d, waits_q, is_last_d, is_last_q;

  // The word that is looked at behind this one, and where its entries lie, worked out while this one is
  // looked at; the line, row and column of the first entry are known a word earlier.
  logic is_at_end, moves_on;
  start_t first, after_d, after_q;
  spot_t next_spot;

  assign is_at_end = word_q == last_word_i;
  always_comb begin
    first = after_q;
    first.entry = {word_q + 1'b1, BitBits'(0)};
    if (is_at_end) first = '0;
    if (begin_i) first = start_i;
  end
  assign after_d = '{
    entry: '0,
    line: {first.line[EntryBits-1:BitBits] + WordBits'(next_spot.line[BitBits]),
           next_spot.line[BitBits-1:0]},
    row: next_spot.row,
    column: next_spot.column
  };

  swpu_word_places i_places (
    .last_row_i,
    .last_column_i,
    .first_i('{line: {1'b0, first.line[BitBits-1:0]}, row: first.row, column: first.column}),
    .spots_o(spots_d),
    .next_o (next_spot)
  );

  // The rows that need each entry, and the entries that a window takes if it has room.
  logic [Bits-1:0][swpu_pkg::Rows-1:0] rows;
  logic [Bits-1:0] wanted;

  always_comb begin
    for (int unsigned i = 0; i < Bits; i++) begin
      for (int unsigned row = 0; row < swpu_pkg::Rows; row++) rows[i][row] = masks_i[row][i];
      wanted[i] = rows[i] != '0 && active_i[spots_q[i].row][spots_q[i].column] && !done_q[i];
    end
  end

  // What goes with an entry into its lane.
  typedef struct packed {
    logic [BitBits-1:0]        number;
    spot_t                     spot;
    logic [swpu_pkg::Rows-1:0] needed;
  } packed_t;

  packed_t [Bits-1:0] entries;
  packed_t [Window-1:0] found;
  logic steps, is_void, has_more, completes, takes;
  logic [Bits-1:0] taken;
  logic [CountBits-1:0] count;

  assign steps = step_i && !waits_q;
  for (genvar i = 0; i < Bits; i++) begin : gen_entry
    assign entries[i] = '{number: BitBits'(i), spot: spots_q[i], needed: rows[i]};
  end

  swpu_window_packer #(
    .Width($bits(packed_t))
  ) i_packer (
    .wanted_i  (wanted & {Bits{steps}}),
    .data_i    (entries),
    .count_i   (window_q.count),
    .count_o   (count),
    .data_o    (found),
    .taken_o   (taken),
    .has_more_o(has_more)
  );

  logic [WordBits-1:0] lines_more;
  assign lines_more = lines_q + 1'b1;

  always_comb begin
    window.count = count;
    for (int unsigned lane = 0; lane < Window; lane++) begin
      // A lane is either held, or 0 in the window before, or it is not new, and 0 now.
      window.entries[lane] = CountBits'(lane) < window_q.count ? window_q.entries[lane] : '{
        tag: {word_q, found[lane].number},
        line: {found[lane].spot.line[BitBits] ? lines_more : lines_q,
               found[lane].spot.line[BitBits-1:0]},
        row: found[lane].spot.row,
        column: found[lane].spot.column
      };
      for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
        window.needed[row][lane] = window_q.needed[row][lane] || found[lane].needed[row];
      end
    end
  end

  assign place_o = '{
    entry: {word_q, BitBits'(0)}, line: {lines_q, spots_q[0].line[BitBits-1:0]},
    row: spots_q[0].row, column: spots_q[0].column
  };
  assign is_open_o = window_q.count != '0;

  // Behind a window that is full more is in sight, or it is the last, whether full or not.
  assign is_void = window_q.count == '0 && wanted == '0;
  assign completes = steps && (has_more || is_at_end && !is_void);
  assign is_empty_o = steps && is_at_end && is_void;
  assign window_valid_o = waits_q || completes;
  assign window_o = window;
  assign is_last_o = waits_q ? is_last_q : is_at_end && !has_more;
  assign takes = window_valid_o && window_ready_i;

  // A word is left when none of its entries is left, the last one with its window.
  assign moves_on = begin_i || waits_q && is_last_q && window_ready_i
      || steps && !has_more && (!is_at_end || is_void || window_ready_i);

  always_comb begin
    word_d = moves_on ? first.entry[EntryBits-1:BitBits] : word_q;
    done_d = moves_on ? '0 : done_q | taken;
    window_d = window;
    waits_d = window_valid_o && !window_ready_i;
    is_last_d = is_last_o;
    if (takes || is_empty_o) begin
      window_d.count = '0;
      window_d.needed = '0;
    end
    if (begin_i) begin
      done_d = ~('1 << start_i.entry[BitBits-1:0]);
      window_d.count = '0;
      window_d.needed = '0;
      waits_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      word_q <= '0;
      done_q <= '0;
      window_q <= '0;
      waits_q <= 1'b0;
      is_last_q <= 1'b0;
    end else begin
      word_q <= word_d;
      done_q <= done_d;
      window_q <= window_d;
      waits_q <= waits_d;
      is_last_q <= is_last_d;
    end
  end

  // Places are those of an item from its begin on; before it no step is made.
  always_ff @(posedge clk_i) begin
    if (moves_on) begin
      lines_q <= first.line[EntryBits-1:BitBits];
      spots_q <= spots_d;
      after_q <= after_d;
    end
  end

  assign word_o = word_d;

`ifndef SYNTHESIS
  // A window holds no more than it has lanes.
  assert property (@(posedge clk_i) disable iff (!rst_ni) window_o.count <= CountBits'(Window));
`endif

endmodule
