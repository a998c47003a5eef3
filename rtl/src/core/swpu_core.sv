// SPDX-License-Identifier: Apache-2.0
// A core: controller, load port, window buffer and G rows, with the memories of the group's masks, list
// of lines and weights. It works through one item at a time: a group of rows on tiles, or on fixed windows of the
// weight gradient.
//
// While it works, the masks, list and weights of the next item are loaded into the other half of those
// memories. Outside are the memories of activations and results, and the units that turn (tile, line, run)
// and (tile, row, run) into addresses; data arrive in the cycle after.
module swpu_core (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // Masks, list of lines and weights of the next item's group.
  input  swpu_types_pkg::mask_write_t                       mask_i,
  input  swpu_types_pkg::list_write_t                       list_i,
  input  swpu_types_pkg::weight_write_t                     weight_i,
  // Starts that item, whose description stays until it is done.
  input  logic                                              start_i,
  input  swpu_types_pkg::item_t                             item_i,
  // Rows that the item's group has.
  input  logic [swpu_pkg::Rows-1:0]                         rows_i,
  output logic                                              done_o,
  // Tile memory: address of the tile needed in the next cycle, and the one asked for before.
  output logic [swpu_types_pkg::NumberBits-1:0]             tile_address_o,
  input  swpu_types_pkg::tile_t                             tile_i,
  // Activation memory.
  output logic [swpu_types_pkg::NumberBits-1:0]             read_tile_o,
  output swpu_types_pkg::line_read_t [swpu_pkg::PortsPerCore-1:0] read_o,
  output swpu_types_pkg::tile_t                             read_from_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] read_data_i,
  // Output gradients of the weight-gradient pass.
  output swpu_types_pkg::gradient_read_t [swpu_pkg::PortsPerCore-1:0] gradient_read_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] gradient_data_i,
  // A window behind which rows have results is taken in this cycle, while its tile is in `tile_i`.
  output swpu_types_pkg::opening_t                          opens_o,
  output swpu_types_pkg::tile_result_t [swpu_pkg::Rows-1:0] outputs_o,
  output swpu_types_pkg::window_result_t [swpu_pkg::Rows-1:0] gradients_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Slots = swpu_pkg::Slots;
  // Without a list the controller scans the masks too.
  localparam int unsigned MaskPorts = Slots + 32'(!swpu_pkg::ListLines);

  // Controller.
  logic [ScanWordBits-1:0] scan_word;
  logic [Rows-1:0][swpu_pkg::MaskWord-1:0] scan_masks;
  listed_line_t [LinesPerScan-1:0] scan_lines;
  logic controller_done, window_valid, window_ready;
  window_t window;

  swpu_controller i_controller (
    .clk_i,
    .rst_ni,
    .start_i,
    .item_i,
    .done_o        (controller_done),
    .word_o        (scan_word),
    .masks_i       (scan_masks),
    .lines_i       (scan_lines),
    .tile_address_o,
    .tile_i,
    .window_valid_o(window_valid),
    .window_ready_i(window_ready),
    .window_o      (window),
    .own_entries_o (opens_o.entries),
    .active_o      (),
    .finds_fixed_o (),
    .fixed_start_o ()
  );

  assign opens_o.valid = window_valid && window_ready && window.drains;
  assign opens_o.number = window.number;

  // Load port and window buffer.
  logic slot_free, hands_over, publish, port_busy;
  control_t publish_control;
  vector_t [swpu_pkg::Window-1:0] publish_vectors;
  operand_t [Rows-1:0][swpu_pkg::Lanes-1:0] publish_gradients;
  logic [SlotBits-1:0] publish_slot;
  logic [Rows-1:0][swpu_pkg::WindowsInFlight-1:0] left;
  control_t controls[swpu_pkg::WindowsInFlight];
  logic [Rows-1:0][SlotBits-1:0] slot;
  vector_t [swpu_pkg::Window-1:0] vectors[Rows];
  operand_t [swpu_pkg::Lanes-1:0] gradients[Rows];

  swpu_load_port i_load_port (
    .clk_i,
    .rst_ni,
    .window_valid_i   (window_valid),
    .window_ready_o   (window_ready),
    .window_i         (window),
    .makes_gradients_i(item_i.makes_gradients),
    .tile_i,
    .tile_number_o    (read_tile_o),
    .read_o,
    .read_from_o,
    .read_data_i,
    .gradient_read_o,
    .gradient_data_i,
    .slot_free_i      (slot_free),
    .hands_over_o     (hands_over),
    .publish_o        (publish),
    .control_o        (publish_control),
    .vectors_o        (publish_vectors),
    .gradients_o      (publish_gradients),
    .busy_o           (port_busy)
  );

  swpu_window_buffer i_window_buffer (
    .clk_i,
    .rst_ni,
    .slot_free_o   (slot_free),
    .hands_over_i  (hands_over),
    .publish_i     (publish),
    .control_i     (publish_control),
    .vectors_i     (publish_vectors),
    .gradients_i   (publish_gradients),
    .publish_slot_o(publish_slot),
    .left_i        (left),
    .controls_o    (controls),
    .slot_i        (slot),
    .vectors_o     (vectors),
    .gradients_o   (gradients)
  );

  // The half of the memories that is read.
  logic half, half_q;
  assign half = half_q ^ start_i;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) half_q <= 1'b0;
    else half_q <= half;
  end

  // The list that the controller walks, a memory for each line of a word. Rows that the group does not
  // have need nothing.
  if (swpu_pkg::ListLines) begin : gen_list
    listed_line_t [LinesPerScan-1:0] lines;
    for (genvar i = 0; i < LinesPerScan; i++) begin : gen_line
      swpu_memory #(
        .Words    (2 * ScanWords),
        .Width    ($bits(listed_line_t)),
        .ReadPorts(1)
      ) i_lines (
        .clk_i,
        .write_i        (list_i.valid
                         && list_i.place[$clog2(LinesPerScan)-1:0] == ($clog2(LinesPerScan))'(i)),
        .write_address_i({!half_q, list_i.place[EntryBits-1:$clog2(LinesPerScan)]}),
        .write_data_i   (list_i.line),
        .read_address_i ({half, scan_word}),
        .read_data_o    (lines[i])
      );
      always_comb begin
        scan_lines[i] = lines[i];
        for (int unsigned row = 0; row < Rows; row++) begin
          if (!rows_i[row]) scan_lines[i].needed[row] = '0;
        end
      end
    end
    assign scan_masks = '0;
  end else begin : gen_masks
    logic unused;
    assign unused = ^list_i;
    assign scan_lines = '0;
  end

  // The item has no more windows.
  logic is_running_q, controller_done_q, is_quiet, is_through;
  assign is_through = is_running_q && controller_done && !port_busy;

  // Rows, each with memories of its masks and weights.
  logic [Rows-1:0] is_idle;
  logic [WeightBits-1:0] weights_before_q;

  for (genvar row = 0; row < Rows; row++) begin : gen_row
    logic [Slots-1:0][WordBits-1:0] word;
    logic [Slots-1:0][WeightBits-1:0] weights_before, weight_address;
    logic [Slots-1:0][swpu_pkg::MaskWord-1:0] mask;
    operand_t [Slots-1:0] weight;
    logic [MaskPorts-1:0][WordBits:0] mask_address;
    logic [Slots-1:0][WeightBits:0] weight_place;
    logic [MaskPorts-1:0][WeightBits+swpu_pkg::MaskWord-1:0] mask_data;

    // Rows that the group does not have need nothing.
    if (!swpu_pkg::ListLines) begin : gen_scan
      assign mask_address[Slots] = {half, scan_word};
      assign scan_masks[row] =
          rows_i[row] ? mask_data[Slots][swpu_pkg::MaskWord-1:0] : '0;
    end
    for (genvar s = 0; s < Slots; s++) begin : gen_slot
      assign mask_address[s] = {half, word[s]};
      assign weight_place[s] = {half, weight_address[s]};
      assign {weights_before[s], mask[s]} = mask_data[s];
    end

    swpu_memory #(
      .Words    (2 * RowWords),
      .Width    (WeightBits + swpu_pkg::MaskWord),
      .ReadPorts(MaskPorts)
    ) i_masks (
      .clk_i,
      .write_i        (mask_i.valid && mask_i.row == RowBits'(row)),
      .write_address_i({!half_q, mask_i.word}),
      .write_data_i   ({mask_i.word == '0 ? WeightBits'(0) : weights_before_q, mask_i.mask}),
      .read_address_i (mask_address),
      .read_data_o    (mask_data)
    );

    swpu_memory #(
      .Words    (2 * RowWeights),
      .Width    (16),
      .ReadPorts(Slots)
    ) i_weights (
      .clk_i,
      .write_i        (weight_i.valid && weight_i.row == RowBits'(row)),
      .write_address_i({!half_q, weight_i.address}),
      .write_data_i   (weight_i.weight),
      .read_address_i (weight_place),
      .read_data_o    (weight)
    );

    swpu_row #(
      .Row(row)
    ) i_row (
      .clk_i,
      .rst_ni,
      .is_used_i         (rows_i[row]),
      .is_through_i      (is_through),
      .makes_gradients_i (item_i.makes_gradients),
      .publish_i         (publish),
      .publish_slot_i    (publish_slot),
      .publish_control_i (publish_control),
      .controls_i        (controls),
      .left_o            (left[row]),
      .slot_o            (slot[row]),
      .vectors_i         (vectors[row]),
      .gradients_i       (gradients[row]),
      .word_o            (word),
      .weights_before_i  (weights_before),
      .mask_i            (mask),
      .weight_address_o  (weight_address),
      .weight_i          (weight),
      .outputs_o         (outputs_o[row]),
      .gradients_o       (gradients_o[row]),
      .is_idle_o         (is_idle[row])
    );
  end

  // Weights before each word of a row's mask, counted as the words arrive.
  logic [WeightBits-1:0] weights_in_word;
  always_comb begin
    weights_in_word = '0;
    for (int unsigned i = 0; i < swpu_pkg::MaskWord; i++) begin
      weights_in_word = weights_in_word + WeightBits'(mask_i.mask[i]);
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) weights_before_q <= '0;
    else if (mask_i.valid) begin
      weights_before_q <= (mask_i.word == '0 ? WeightBits'(0) : weights_before_q) + weights_in_word;
    end
  end

  // The item is done when the rows' last results are out; those of the weight gradient leave with the
  // rows' last cycle.
  logic [TakeToAdd:1] quiet_q;

  assign is_quiet = is_running_q && controller_done_q && !port_busy && (&is_idle);
  assign done_o = item_i.makes_gradients ? is_quiet : quiet_q[TakeToAdd];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      is_running_q <= 1'b0;
      controller_done_q <= 1'b0;
      quiet_q <= '0;
    end else begin
      if (start_i) is_running_q <= 1'b1;
      else if (is_quiet) is_running_q <= 1'b0;
      controller_done_q <= controller_done && !start_i;
      quiet_q <= {quiet_q[TakeToAdd-1:1], is_quiet && !item_i.makes_gradients};
    end
  end

`ifndef SYNTHESIS
  // An item begins when the one before is done.
  assert property (@(posedge clk_i) disable iff (!rst_ni) !start_i || !is_running_q);
`endif

endmodule
