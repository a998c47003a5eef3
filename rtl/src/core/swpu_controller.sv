// SPDX-License-Identifier: Apache-2.0
// The detect-before-load controller of a core (T2): leads the scan through the tiles of an item, and
// gives the load port one window after the other.
//
// Forward and input gradient: the masks are scanned again in each tile. Weight gradient: the scan finds
// a fixed window, which then meets all tiles, one a cycle, before the next; rows add up their sums
// behind the last tile in which any of its taps reads inside the map. The item's last window, or that of
// the masks, ends it.
module swpu_controller (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // Starts an item, whose description stays until the core is done.
  input  logic                                              start_i,
  input  swpu_types_pkg::item_t                             item_i,
  // No more windows follow.
  output logic                                              done_o,
  // Mask memory, or that of the list: address of the next cycle's word, and the word of this cycle.
  output logic [swpu_types_pkg::ScanWordBits-1:0]           word_o,
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0] masks_i,
  input  swpu_types_pkg::listed_line_t
               [swpu_types_pkg::LinesPerScan-1:0]           lines_i,
  // Tile memory, in the same way.
  output logic [swpu_types_pkg::NumberBits-1:0]             tile_address_o,
  input  swpu_types_pkg::tile_t                             tile_i,
  // The next window.
  output logic                                              window_valid_o,
  input  logic                                              window_ready_i,
  output swpu_types_pkg::window_t                           window_o,
  // Entries at the lanes of the fixed window.
  output logic [swpu_pkg::Window-1:0]
               [swpu_types_pkg::EntryBits-1:0]              own_entries_o,
  // Outputs for the planner: taps that read inside the map in the tile, and where each fixed
  // window starts, in the cycle in which it is found.
  output logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]             active_o,
  output logic                                              finds_fixed_o,
  output swpu_types_pkg::start_t                            fixed_start_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;

  typedef enum logic [1:0] {
    // Nothing to do, or all done.
    Idle,
    // Scans the masks.
    Scan,
    // Meets the tiles with a fixed window.
    Tiles
  } state_e;

  state_e state_d, state_q;
  logic [NumberBits-1:0] tile_d, tile_q, number_d, number_q;
  logic is_fresh_d, is_fresh_q, is_last_fixed_q;
  found_t fixed_q;

  // Taps that read inside the map in the tile: in any of its lanes.
  logic [KernelSize-1:0][KernelSize-1:0] active;
  always_comb begin
    for (int unsigned row = 0; row < KernelSize; row++) begin
      for (int unsigned column = 0; column < KernelSize; column++) begin
        active[row][column] = 1'b0;
        for (int unsigned lane = 0; lane < swpu_pkg::Lanes; lane++) begin
          if (tile_i.rows[row][lane].inside_map && tile_i.columns[column][lane].inside_map) begin
            active[row][column] = 1'b1;
          end
        end
      end
    end
  end

  logic scan_valid, scan_ready, scan_is_last, scan_is_empty, scan_is_open;
  start_t scan_place, first_place_q;
  found_t scanned, filtered;

  swpu_scan_unit i_scan (
    .clk_i,
    .rst_ni,
    .begin_i       (start_i),
    .start_i       (item_i.start),
    .step_i        (state_q == Scan),
    .word_o,
    .masks_i,
    .lines_i,
    .last_word_i   (item_i.last_word),
    .last_row_i    (item_i.last_kernel_row),
    .last_column_i (item_i.last_kernel_column),
    .active_i      (item_i.makes_gradients ? item_i.reads_anywhere : active),
    .window_valid_o(scan_valid),
    .window_ready_i(scan_ready),
    .window_o      (scanned),
    .place_o       (scan_place),
    .is_open_o     (scan_is_open),
    .is_last_o     (scan_is_last),
    .is_empty_o    (scan_is_empty)
  );

  swpu_window_filter i_filter (
    .window_i(fixed_q),
    .active_i(active),
    .window_o(filtered)
  );

  // Whether a tap reads inside the map in a tile behind this one, and any tap of the fixed window does.
  logic [KernelSize-1:0][KernelSize-1:0] reads_later;
  logic window_reads_later;
  always_comb begin
    for (int unsigned row = 0; row < KernelSize; row++) begin
      for (int unsigned column = 0; column < KernelSize; column++) begin
        reads_later[row][column] = item_i.last_tile[row][column] > tile_q;
      end
    end
    window_reads_later = 1'b0;
    for (int unsigned lane = 0; lane < Window; lane++) begin
      if (CountBits'(lane) < fixed_q.count
          && reads_later[fixed_q.entries[lane].row][fixed_q.entries[lane].column]) begin
        window_reads_later = 1'b1;
      end
    end
  end

  logic leaves_tile;

  always_comb begin
    state_d = state_q;
    tile_d = tile_q;
    number_d = number_q;
    is_fresh_d = is_fresh_q;
    leaves_tile = 1'b0;
    unique case (state_q)
      Scan: begin
        if (item_i.makes_gradients) begin
          // Without any entry there is no window to make.
          if (scan_valid) state_d = Tiles;
          else if (scan_is_empty) state_d = Idle;
        end else begin
          if (scan_valid && window_ready_i) is_fresh_d = scan_is_last;
          if (scan_valid && window_ready_i && scan_is_last) number_d = number_q + 1'b1;
          leaves_tile = scan_is_empty || (scan_valid && window_ready_i && scan_is_last);
          if (leaves_tile) tile_d = tile_q + 1'b1;
          if (leaves_tile && tile_i.is_last) state_d = Idle;
        end
      end
      Tiles: begin
        leaves_tile = filtered.count == '0 || window_ready_i;
        if (leaves_tile) tile_d = tile_q + 1'b1;
        if (leaves_tile && tile_i.is_last) begin
          tile_d = '0;
          number_d = number_q + 1'b1;
          state_d = number_q == item_i.last_window || is_last_fixed_q ? Idle : Scan;
        end
      end
      default: ;
    endcase
    if (start_i) begin
      state_d = Scan;
      tile_d = '0;
      number_d = '0;
      is_fresh_d = 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      tile_q <= '0;
      number_q <= '0;
      is_fresh_q <= 1'b1;
      fixed_q <= '0;
      is_last_fixed_q <= 1'b0;
    end else begin
      state_q <= state_d;
      tile_q <= tile_d;
      number_q <= number_d;
      is_fresh_q <= is_fresh_d;
      if (state_q == Scan && scan_valid) begin
        fixed_q <= scanned;
        is_last_fixed_q <= scan_is_last;
      end
    end
  end

  assign scan_ready = item_i.makes_gradients || window_ready_i;
  assign done_o = state_q == Idle;
  assign tile_address_o = tile_d;
  assign window_valid_o = state_q == Tiles ? filtered.count != '0
                                           : scan_valid && !item_i.makes_gradients;
  assign window_o = '{
    found: state_q == Tiles ? filtered : scanned,
    own: fixed_q.needed,
    is_fresh: is_fresh_q || state_q == Tiles,
    drains: state_q == Tiles ? !window_reads_later : scan_is_last,
    tile: tile_q,
    number: number_q
  };
  for (genvar lane = 0; lane < Window; lane++) begin : gen_own
    assign own_entries_o[lane] = fixed_q.entries[lane].tag;
  end
  // A fixed window starts where its first entry was found.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) first_place_q <= '0;
    else if (!scan_is_open) first_place_q <= scan_place;
  end
  assign fixed_start_o = scan_is_open ? first_place_q : scan_place;
  assign active_o = active;
  assign finds_fixed_o = state_q == Scan && scan_valid && item_i.makes_gradients;

endmodule
