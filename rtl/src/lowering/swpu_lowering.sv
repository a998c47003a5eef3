// SPDX-License-Identifier: Apache-2.0
// A pass of a layer, or a phase of a strided input gradient, as operand vectors against rows: its
// axes, its tiles, and what its addresses are made of. Combinational, and slow: divisions of small
// numbers, made once a part.
module swpu_lowering (
  input  swpu_types_pkg::layer_t                layer_i,
  input  logic [swpu_types_pkg::StrideBits-1:0] phase_row_i,
  input  logic [swpu_types_pkg::StrideBits-1:0] phase_column_i,
  // Where the part begins in the mask memory and among the rows of all parts.
  input  swpu_types_pkg::address_t              mask_base_i,
  input  logic [swpu_types_pkg::OrderBits-1:0]  order_base_i,
  // The phase has outputs and taps.
  output logic                                  exists_o,
  output swpu_types_pkg::part_t                 part_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::Lanes;

  logic is_input_gradient;
  logic rows_exist, columns_exist;
  logic [KernelBits-1:0] row_taps, column_taps;
  axis_t row_axis, column_axis;

  assign is_input_gradient = layer_i.pass == InputGradient;
  assign exists_o = rows_exist && columns_exist;

  swpu_axis i_rows (
    .is_input_gradient_i(is_input_gradient),
    .phase_i            (phase_row_i),
    .input_i            (layer_i.input_rows),
    .output_i           (layer_i.output_rows),
    .kernel_i           (layer_i.kernel_rows),
    .stride_i           (layer_i.stride),
    .padding_i          (layer_i.padding_rows),
    .exists_o           (rows_exist),
    .axis_o             (row_axis),
    .taps_o             (row_taps)
  );

  swpu_axis i_columns (
    .is_input_gradient_i(is_input_gradient),
    .phase_i            (phase_column_i),
    .input_i            (layer_i.input_columns),
    .output_i           (layer_i.output_columns),
    .kernel_i           (layer_i.kernel_columns),
    .stride_i           (layer_i.stride),
    .padding_i          (layer_i.padding_columns),
    .exists_o           (columns_exist),
    .axis_o             (column_axis),
    .taps_o             (column_taps)
  );

  int taps, planes, input_plane, output_plane, target_columns;

  always_comb begin
    taps = 32'(row_taps) * 32'(column_taps);
    planes = is_input_gradient ? 32'(layer_i.filters) : 32'(layer_i.channels);
    input_plane = 32'(layer_i.input_rows) * 32'(layer_i.input_columns);
    output_plane = 32'(layer_i.output_rows) * 32'(layer_i.output_columns);
    target_columns = is_input_gradient ? 32'(layer_i.input_columns) : 32'(layer_i.output_columns);
  end

  // Lanes hold neighbouring outputs of a row; where rows are shorter, of several rows, and where planes
  // are, of several images.
  int columns_per_tile, rows_per_tile, images_per_tile, image_groups, row_bands;

  always_comb begin
    columns_per_tile = 32'(column_axis.outputs) < Lanes ? 32'(column_axis.outputs) : Lanes;
    if (columns_per_tile == 0) columns_per_tile = 1;
    rows_per_tile = Lanes / columns_per_tile;
    if (32'(row_axis.outputs) < rows_per_tile) rows_per_tile = 32'(row_axis.outputs);
    if (rows_per_tile == 0) rows_per_tile = 1;
    images_per_tile = 1;
    if (columns_per_tile == 32'(column_axis.outputs)
        && rows_per_tile == 32'(row_axis.outputs)) begin
      images_per_tile = Lanes / (columns_per_tile * rows_per_tile);
      if (32'(layer_i.images) < images_per_tile) images_per_tile = 32'(layer_i.images);
      if (images_per_tile == 0) images_per_tile = 1;
    end
    image_groups = (32'(layer_i.images) + images_per_tile - 1) / images_per_tile;
    row_bands = (32'(row_axis.outputs) + rows_per_tile - 1) / rows_per_tile;
  end

  always_comb begin
    part_o = '0;
    part_o.makes_gradients = layer_i.pass == WeightGradient;
    part_o.row_axis = row_axis;
    part_o.column_axis = column_axis;
    part_o.rows = is_input_gradient ? layer_i.channels : layer_i.filters;
    part_o.last_word = WordBits'((planes * taps - 1) / swpu_pkg::MaskWord);
    part_o.images = layer_i.images;
    part_o.images_per_tile = OutputBits'(images_per_tile);
    part_o.rows_per_tile = OutputBits'(rows_per_tile);
    part_o.columns_per_tile = OutputBits'(columns_per_tile);
    part_o.bands = NumberBits'(image_groups * row_bands);
    part_o.source_plane = AddressBits'(is_input_gradient ? output_plane : input_plane);
    part_o.source_image = AddressBits'(planes * (is_input_gradient ? output_plane : input_plane));
    part_o.target_plane = AddressBits'(is_input_gradient ? input_plane : output_plane);
    part_o.target_image =
        AddressBits'(32'(part_o.rows) * (is_input_gradient ? input_plane : output_plane));
    part_o.target_columns = SizeBits'(target_columns);
    part_o.row_weights = AddressBits'(32'(layer_i.channels_per_group) * taps);
    part_o.rows_per_group = layer_i.filters_per_group;
    part_o.mask_base = mask_base_i;
    part_o.order_base = order_base_i;
    for (int lane = 0; lane < Lanes; lane++) begin
      int image, row, column;
      column = lane % columns_per_tile;
      row = lane / columns_per_tile % rows_per_tile;
      image = lane / (columns_per_tile * rows_per_tile);
      part_o.lanes[lane].column = PlaceBits'(column);
      part_o.lanes[lane].row = PlaceBits'(row);
      part_o.lanes[lane].image = PlaceBits'(image);
      part_o.lanes[lane].offset = AddressBits'(image * 32'(part_o.target_image)
          + row * 32'(row_axis.target_step) * target_columns
          + column * 32'(column_axis.target_step));
    end
  end

endmodule
