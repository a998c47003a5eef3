// SPDX-License-Identifier: Apache-2.0
// The scan of the detect-before-load controller (T2): ORs the masks of a group's rows, finds the
// entries that any row needs, and packs them into windows of E, with what each row needs of them.
//
// A step looks at one word: of the masks, whose entries are counted; or of a list, the lines of which say
// where their entries lie. It takes all entries that the window has room for, each of
// which gets its place by a prefix sum. Only entries of taps that read inside the map are taken. A
// window is complete when it is full and one more entry is in sight, or the last word has been scanned; so
// it knows whether it is the last. It is shown in the cycle that completes it, and the next step
// follows the cycle in which it is taken. Behind the last word the scan goes back to the first.
module swpu_scan_unit (
  input  logic                                                      clk_i,
  input  logic                                                      rst_ni,
  // Restarts at a place of a word; no step in this cycle.
  input  logic                                                      begin_i,
  input  swpu_types_pkg::start_t                                    start_i,
  // Makes a step, if no window is pending.
  input  logic                                                      step_i,
  // Mask memory, or that of the list: the word that is looked at in the next cycle, and that of this
  // cycle; the masks' or the list's, the other is not looked at.
  output logic [swpu_types_pkg::ScanWordBits-1:0]                   word_o,
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0]         masks_i,
  input  swpu_types_pkg::listed_line_t
               [swpu_types_pkg::LinesPerScan-1:0]                   lines_i,
  // Kernel of the layer, and the taps that read inside the map.
  input  logic [swpu_types_pkg::ScanWordBits-1:0]                   last_word_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_row_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_column_i,
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]                     active_i,
  // A window. Lanes behind its count hold rubbish and are needed by no row.
  output logic                                                      window_valid_o,
  input  logic                                                      window_ready_i,
  output swpu_types_pkg::found_t                                    window_o,
  // Where the window's first entry lies, unless it has entries of words before.
  output swpu_types_pkg::start_t                                    place_o,
  output logic                                                      is_open_o,
  // No entry is left behind the window.
  output logic                                                      is_last_o,
  // The last word has been scanned and no window was found.
  output logic                                                      is_empty_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Places = ScanPlaces;
  localparam int unsigned Window = swpu_pkg::Window;

  // The current word, and which of its places are done with.
  logic [ScanWordBits-1:0] word_d, word_q;
  logic [Places-1:0] done_d, done_q;
  // The current window, or the one that is to be taken.
  found_t window_d, window_q, window;
  logic waits_d, waits_q, is_last_d, is_last_q;
  logic is_at_end, moves_on;
  logic [ScanWordBits-1:0] next_word;

  assign is_at_end = word_q == last_word_i;
  always_comb begin
    next_word = is_at_end ? '0 : word_q + 1'b1;
    if (begin_i) next_word = start_i.word;
  end

  // Of each place: the rows that need its entry, and whether the window takes it if it has room; and what
  // goes with it into its lane.
  typedef struct packed {
    logic [ScanPlaceBits-1:0]  place;
    spot_t                     spot;
    logic [swpu_pkg::Rows-1:0] needed;
  } packed_t;

  logic [Places-1:0][swpu_pkg::Rows-1:0] rows;
  logic [Places-1:0] is_inside, wanted;
  packed_t [Places-1:0] entries;
  packed_t [Window-1:0] found;
  // The entry of each lane that is new.
  entry_t [Window-1:0] new_entries;

  for (genvar i = 0; i < Places; i++) begin : gen_wanted
    assign wanted[i] = rows[i] != '0 && is_inside[i] && !done_q[i];
  end

  if (swpu_pkg::ListLines) begin : gen_list
    // A place of a line for every column of a kernel. Kernel and places need not be known.
    for (genvar line = 0; line < LinesPerScan; line++) begin : gen_line
      for (genvar column = 0; column < ColumnPlaces; column++) begin : gen_column
        localparam int unsigned Place = line * ColumnPlaces + column;
        if (column < KernelSize) begin : gen_place
          for (genvar row = 0; row < swpu_pkg::Rows; row++) begin : gen_row
            assign rows[Place][row] = lines_i[line].needed[row][column];
          end
          assign is_inside[Place] = active_i[lines_i[line].row][column];
        end else begin : gen_none
          assign rows[Place] = '0;
          assign is_inside[Place] = 1'b0;
        end
        assign entries[Place] = '{
          place: ScanPlaceBits'(Place), spot: '0, needed: rows[Place]
        };
      end
    end
    always_comb begin
      for (int unsigned lane = 0; lane < Window; lane++) begin
        logic [ScanPlaceBits-KernelBits-1:0] line;
        logic [KernelBits-1:0] column;
        {line, column} = found[lane].place;
        new_entries[lane] = '{
          tag: lines_i[line].entry + EntryBits'(column), line: lines_i[line].line,
          row: lines_i[line].row, column: column
        };
      end
    end
    assign place_o = '{
      word: word_q, place: found[0].place, line: '0, row: '0, column: '0
    };
    logic unused;
    assign unused =
        ^{masks_i, last_row_i, last_column_i, start_i.line, start_i.row, start_i.column};
  end else begin : gen_masks
    // The lines before the word's first entry up to a multiple of the word, and where its entries lie. The
    // places of the word behind this one are worked out while this one is
    // looked at; the line, row and column of the first entry are known a word earlier.
    typedef struct packed {
      logic [EntryBits-1:0]  line;
      logic [KernelBits-1:0] row;
      logic [KernelBits-1:0] column;
    } head_t;

    logic [WordBits-1:0] lines_q, lines_more;
    spot_t [Places-1:0] spots_d, spots_q;
    head_t first, after_d, after_q;
    spot_t next_spot;

    always_comb begin
      first = after_q;
      if (is_at_end) first = '0;
      if (begin_i) first = '{line: start_i.line, row: start_i.row, column: start_i.column};
    end
    assign after_d = '{
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

    // Places are those of an item from its begin on; before it no step is made.
    always_ff @(posedge clk_i) begin
      if (moves_on) begin
        lines_q <= first.line[EntryBits-1:BitBits];
        spots_q <= spots_d;
        after_q <= after_d;
      end
    end

    for (genvar i = 0; i < Places; i++) begin : gen_place
      for (genvar row = 0; row < swpu_pkg::Rows; row++) begin : gen_row
        assign rows[i][row] = masks_i[row][i];
      end
      assign is_inside[i] = active_i[spots_q[i].row][spots_q[i].column];
      assign entries[i] = '{place: ScanPlaceBits'(i), spot: spots_q[i], needed: rows[i]};
    end
    assign lines_more = lines_q + 1'b1;
    for (genvar lane = 0; lane < Window; lane++) begin : gen_lane
      assign new_entries[lane] = '{
        tag: {word_q, found[lane].place},
        line: {found[lane].spot.line[BitBits] ? lines_more : lines_q,
               found[lane].spot.line[BitBits-1:0]},
        row: found[lane].spot.row,
        column: found[lane].spot.column
      };
    end
    assign place_o = '{
      word: word_q, place: found[0].place, line: {lines_q, spots_q[0].line[BitBits-1:0]},
      row: spots_q[0].row, column: spots_q[0].column
    };
    logic unused;
    assign unused = ^lines_i;
  end

  logic steps, is_void, has_more, completes, takes;
  logic [Places-1:0] taken;
  logic [CountBits-1:0] count;

  assign steps = step_i && !waits_q;

  swpu_window_packer #(
    .Places(Places),
    .Width ($bits(packed_t))
  ) i_packer (
    .wanted_i  (wanted & {Places{steps}}),
    .data_i    (entries),
    .count_i   (window_q.count),
    .count_o   (count),
    .data_o    (found),
    .taken_o   (taken),
    .has_more_o(has_more)
  );

  always_comb begin
    window.count = count;
    for (int unsigned lane = 0; lane < Window; lane++) begin
      // A lane is either held, or 0 in the window before, or it is not new, and 0 now.
      window.entries[lane] =
          CountBits'(lane) < window_q.count ? window_q.entries[lane] : new_entries[lane];
      for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
        window.needed[row][lane] = window_q.needed[row][lane] || found[lane].needed[row];
      end
    end
  end

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
    word_d = moves_on ? next_word : word_q;
    done_d = moves_on ? '0 : done_q | taken;
    window_d = window;
    waits_d = window_valid_o && !window_ready_i;
    is_last_d = is_last_o;
    if (takes || is_empty_o) begin
      window_d.count = '0;
      window_d.needed = '0;
    end
    if (begin_i) begin
      done_d = ~('1 << start_i.place);
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

  assign word_o = word_d;

`ifndef SYNTHESIS
  // A window holds no more than it has lanes.
  assert property (@(posedge clk_i) disable iff (!rst_ni) window_o.count <= CountBits'(Window));
`endif

endmodule
