// SPDX-License-Identifier: Apache-2.0
// The tiles of an item, one after the other: where lanes read through each kernel row and column, how
// many runs a line takes, where the source lies and where results go.
//
// It is asked for tile 0, for the tile of the cycle before, or for the one behind that; the tile comes
// in the next cycle. Tiles run along a row, then down the plane, then through the batch.
module swpu_tile_generator (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  input  swpu_types_pkg::part_t                 part_i,
  // The first output of tile 0, and bands behind the first.
  input  swpu_types_pkg::size_t                 first_image_i,
  input  swpu_types_pkg::size_t                 first_row_i,
  input  logic [swpu_types_pkg::NumberBits-1:0] last_band_i,
  input  logic [swpu_types_pkg::NumberBits-1:0] address_i,
  output swpu_types_pkg::tile_t                 tile_o,
  // The tile's first output: behind the last tile, that of the next item.
  output swpu_types_pkg::size_t                 image_o,
  output swpu_types_pkg::size_t                 row_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::Lanes;
  localparam int unsigned Elements = swpu_pkg::PortElements;

  size_t image_d, image_q, row_d, row_q, column_d, column_q;
  logic [NumberBits-1:0] number_q, band_d, band_q;
  tile_t tile_d;

  // Whether another tile lies behind one along each direction.
  function automatic logic ends(size_t first, logic [OutputBits-1:0] count, size_t outputs);
    return 32'(first) + 32'(count) >= 32'(outputs);
  endfunction

  always_comb begin
    image_d = image_q;
    row_d = row_q;
    column_d = column_q;
    band_d = band_q;
    if (address_i == '0) begin
      image_d = first_image_i;
      row_d = first_row_i;
      column_d = '0;
      band_d = '0;
    end else if (address_i != number_q) begin
      column_d = column_q + SizeBits'(part_i.columns_per_tile);
      if (ends(column_q, part_i.columns_per_tile, part_i.column_axis.outputs)) begin
        column_d = '0;
        band_d = band_q + 1'b1;
        row_d = row_q + SizeBits'(part_i.rows_per_tile);
        if (ends(row_q, part_i.rows_per_tile, part_i.row_axis.outputs)) begin
          row_d = '0;
          image_d = image_q + SizeBits'(part_i.images_per_tile);
        end
      end
    end
  end

  // Outputs of the tile along each direction, and source columns that it spans.
  int images, rows, columns, span_first, span_last, span;

  function automatic int least(int a, int b);
    return a < b ? a : b;
  endfunction

  function automatic int extend(offset_t offset);
    return 32'(signed'(offset));
  endfunction

  always_comb begin
    int step;
    step = 32'(part_i.column_axis.step);
    images = least(32'(part_i.images_per_tile), 32'(part_i.images) - 32'(image_d));
    rows = least(32'(part_i.rows_per_tile), 32'(part_i.row_axis.outputs) - 32'(row_d));
    columns =
        least(32'(part_i.columns_per_tile), 32'(part_i.column_axis.outputs) - 32'(column_d));
    span_first = step * 32'(column_d) + extend(part_i.column_axis.offsets[0]);
    if (span_first < 0) span_first = 0;
    span_last = least(
        32'(part_i.column_axis.source) - 1,
        step * (32'(column_d) + columns - 1)
            + extend(part_i.column_axis.offsets[part_i.column_axis.last_tap]));
    span = span_last < span_first ? 0 : span_last - span_first + 1;
  end

  // For each kernel row, output rows of the tile before the map, and those that read inside it.
  int rows_before[KernelSize], rows_inside[KernelSize];

  always_comb begin
    for (int tap = 0; tap < KernelSize; tap++) begin
      rows_before[tap] = 0;
      rows_inside[tap] = 0;
      for (int row = 0; row < Lanes; row++) begin
        int source;
        source = 32'(part_i.row_axis.step) * (32'(row_d) + row)
            + extend(part_i.row_axis.offsets[tap]);
        if (row < rows && tap <= 32'(part_i.row_axis.last_tap)) begin
          if (source < 0) rows_before[tap]++;
          else if (source < 32'(part_i.row_axis.source)) rows_inside[tap]++;
        end
      end
    end
  end

  always_comb begin
    int outputs, row, source, run_elements;
    outputs = images * rows * columns;
    row = 0;
    source = 0;
    run_elements = 0;
    tile_d = '0;
    for (int tap = 0; tap < KernelSize; tap++) begin
      for (int lane = 0; lane < Lanes; lane++) begin
        row = 32'(part_i.lanes[lane].row) - rows_before[tap];
        if (lane < outputs && row >= 0 && row < rows_inside[tap]) begin
          tile_d.rows[tap][lane].inside_map = 1'b1;
          tile_d.rows[tap][lane].position =
              PositionBits'((32'(part_i.lanes[lane].image) * rows_inside[tap] + row) * span);
        end
        source = 32'(part_i.column_axis.step)
            * (32'(column_d) + 32'(part_i.lanes[lane].column))
            + extend(part_i.column_axis.offsets[tap]);
        if (lane < outputs && tap <= 32'(part_i.column_axis.last_tap) && source >= 0
            && source < 32'(part_i.column_axis.source)) begin
          tile_d.columns[tap][lane].inside_map = 1'b1;
          tile_d.columns[tap][lane].position = PositionBits'(source - span_first);
        end
      end
      run_elements = images * rows_inside[tap] * span;
      tile_d.runs[tap] = RunBits'((run_elements + Elements - 1) / Elements);
      tile_d.origin.row[tap] = SizeBits'(32'(part_i.row_axis.step) * (32'(row_d) + rows_before[tap])
          + extend(part_i.row_axis.offsets[tap]));
      tile_d.origin.rows[tap] = OutputBits'(rows_inside[tap]);
    end
    tile_d.gradient_runs = RunBits'((outputs + Elements - 1) / Elements);
    tile_d.is_last = band_d == last_band_i
        && ends(column_d, part_i.columns_per_tile, part_i.column_axis.outputs);
    tile_d.origin.image = image_d;
    tile_d.origin.column = SizeBits'(span_first);
    tile_d.origin.columns = SizeBits'(span);
    tile_d.target.outputs = OutputBits'(outputs);
    tile_d.target.address = AddressBits'(
        32'(image_d) * 32'(part_i.target_image)
        + (32'(part_i.row_axis.target_step) * 32'(row_d) + 32'(part_i.row_axis.target_first))
            * 32'(part_i.target_columns)
        + 32'(part_i.column_axis.target_step) * 32'(column_d)
        + 32'(part_i.column_axis.target_first));
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      image_q <= '0;
      row_q <= '0;
      column_q <= '0;
      band_q <= '0;
      number_q <= '0;
      tile_o <= '0;
    end else begin
      image_q <= image_d;
      row_q <= row_d;
      column_q <= column_d;
      band_q <= band_d;
      number_q <= address_i;
      tile_o <= tile_d;
    end
  end

  assign image_o = image_q;
  assign row_o = row_q;

endmodule
