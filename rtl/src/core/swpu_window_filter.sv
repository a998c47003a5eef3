// SPDX-License-Identifier: Apache-2.0
// Of a fixed window of the weight gradient, the entries that read inside the map in a tile, packed to
// the front by the log shifter; each carries its lane in the fixed window as its tag. Combinational.
module swpu_window_filter (
  input  swpu_types_pkg::found_t                                  window_i,
  // Taps that read inside the map.
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]                   active_i,
  output swpu_types_pkg::found_t                                  window_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Stages = LaneBits;
  localparam int unsigned Width = $bits(entry_t) + Rows;

  logic [Window-1:0] kept;
  logic [Stages-1:0][Window-1:0] occupied, moving;
  logic [Window-1:0][Width-1:0] lanes, packed_lanes;

  always_comb begin
    for (int unsigned lane = 0; lane < Window; lane++) begin
      kept[lane] = CountBits'(lane) < window_i.count
          && active_i[window_i.entries[lane].row][window_i.entries[lane].column];
    end
  end

  for (genvar lane = 0; lane < Window; lane++) begin : gen_lane
    logic [Rows-1:0] needed;
    for (genvar row = 0; row < Rows; row++) begin : gen_row
      assign needed[row] = window_i.needed[row][lane];
      assign window_o.needed[row][lane] = packed_lanes[lane][row];
    end
    assign lanes[lane] = {
      EntryBits'(lane), window_i.entries[lane].line, window_i.entries[lane].row,
      window_i.entries[lane].column, needed
    };
    assign window_o.entries[lane] = packed_lanes[lane][Width-1:Rows];
  end

  always_comb begin
    window_o.count = '0;
    for (int unsigned lane = 0; lane < Window; lane++) begin
      window_o.count = window_o.count + CountBits'(kept[lane]);
    end
  end

  swpu_compress_settings #(
    .Lanes(Window)
  ) i_settings (
    .needed_i  (kept),
    .occupied_o(occupied),
    .moving_o  (moving)
  );

  swpu_compress_stages #(
    .Lanes(Window),
    .Width(Width)
  ) i_stages (
    .expand_i  (1'b0),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i    (lanes),
    .data_o    (packed_lanes)
  );

endmodule
