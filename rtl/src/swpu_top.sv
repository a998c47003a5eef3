// SPDX-License-Identifier: Apache-2.0
// The whole processor: from loaded memories and a description of a layer's pass to results in the output
// memory.
//
// 1. The pass is lowered to its parts, whose rows the reorder unit puts into groups; on its way it
//    counts the weights of each row, so that their place in the weight memory is known.
// 2. The planner lists the lines of each group and makes the items, and the scheduler assigns them,
//    longest processing time first.
// 3. Each core's loader loads an item's masks, list and weights while the core works on the one before.
// Meanwhile results that nothing is written to become zero.
module swpu_top #(
  parameter int unsigned Cores = swpu_pkg::Cores,
  parameter int unsigned ActivationKibibytes = swpu_pkg::ActivationKibibytes,
  parameter int unsigned WeightKibibytes = swpu_pkg::WeightKibibytes,
  parameter int unsigned OutputKibibytes = swpu_pkg::OutputKibibytes,
  parameter int unsigned MaskKibibytes = swpu_pkg::MaskKibibytes
) (
  input  logic                                               clk_i,
  input  logic                                               rst_ni,
  // Loads a memory: elements, elements, words of the masks, words of FP32 or two output gradients.
  input  logic                                               load_i,
  input  swpu_types_pkg::memory_e                            memory_i,
  input  swpu_types_pkg::address_t                           address_i,
  input  logic [swpu_pkg::MaskWord-1:0]                      data_i,
  // The output memory's word at `address_i`, in the next cycle.
  output swpu_types_pkg::sum_t                               data_o,
  // Words of streams: one into the activation memory, from an element on; that of the output memory at an
  // element, in the next cycle.
  input  logic                                               word_write_i,
  input  swpu_types_pkg::address_t                           word_write_address_i,
  input  swpu_types_pkg::stream_operands_t                   word_i,
  input  swpu_types_pkg::address_t                           word_read_address_i,
  output swpu_types_pkg::stream_sums_t                       word_o,
  // Where the activations of the pass begin.
  input  swpu_types_pkg::address_t                           activation_base_i,
  // Starts a pass, whose description stays until it is done.
  input  logic                                               start_i,
  input  swpu_types_pkg::layer_t                             layer_i,
  output logic                                               done_o,
  // Cycles of the pass so far: of lowering and the reorder unit, of the planner, of all else; and those
  // in which each core works on an item.
  output logic [31:0]                                        reorder_cycles_o,
  output logic [31:0]                                        plan_cycles_o,
  output logic [31:0]                                        run_cycles_o,
  output logic [Cores-1:0][31:0]                             core_cycles_o,
  // A core is done with an item, counted as they are made.
  output logic [Cores-1:0]                                   item_done_o,
  output logic [Cores-1:0][swpu_types_pkg::JobBits-1:0]      item_number_o
);

  if (Cores < 1 || Cores > swpu_types_pkg::MostCores) begin : gen_cores
    $error("Cores is %0d; 1 to MostCores are allowed", Cores);
  end

  if (WeightKibibytes < 1 || MaskKibibytes < 1) begin : gen_weights
    $error("%0d and %0d KiB of weights and masks; 1 or more are allowed",
           WeightKibibytes, MaskKibibytes);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Ports = swpu_pkg::PortsPerCore;
  localparam int unsigned Width =
      swpu_pkg::Lanes > swpu_pkg::Window ? swpu_pkg::Lanes : swpu_pkg::Window;
  // Those who load groups: the cores and the planner.
  localparam int unsigned Loaders = Cores + 1;
  localparam int unsigned Weights = WeightKibibytes * 512;
  localparam int unsigned Masks = MaskKibibytes * 8192 / swpu_pkg::MaskWord;
  // Lines of all lists: twice as many as the rows of full groups would need if each kept all weights of
  // 1x1 kernels.
  localparam int unsigned Lines = 2 * Masks * swpu_pkg::MaskWord / Rows;
  localparam int unsigned Activations = ActivationKibibytes * 512;
  localparam int unsigned Outputs = OutputKibibytes * 256;

  typedef enum logic [2:0] {
    Idle,
    // Lowers a phase, and continues if it has no outputs or taps.
    Lower,
    // The reorder unit groups the rows of the part.
    Reorder,
    // Counts the slices that a group is cut into.
    Slice,
    Plan,
    // Schedules, and runs.
    Run
  } state_e;

  state_e state_d, state_q;
  logic [StrideBits-1:0] phase_row_d, phase_row_q, phase_column_d, phase_column_q;
  logic [PartBits:0] parts_d, parts_q;
  address_t mask_base_d, mask_base_q, weights_d, weights_q;
  logic [OrderBits-1:0] order_base_d, order_base_q, order_d, order_q, counted_d, counted_q;
  logic [31:0] groups_d, groups_q, slices_d, slices_q, sliced_d, sliced_q;
  part_t parts[Parts];

  // Lowering.
  logic exists, is_last_phase, leaves_phase;
  part_t part;

  swpu_lowering i_lowering (
    .layer_i,
    .phase_row_i   (phase_row_q),
    .phase_column_i(phase_column_q),
    .mask_base_i   (mask_base_q),
    .order_base_i  (order_base_q),
    .exists_o      (exists),
    .part_o        (part)
  );

  // Sub-pixels have phases in the input gradient only.
  logic [StrideBits-1:0] last_phase;
  assign last_phase = layer_i.pass == InputGradient ? layer_i.stride - 1'b1 : '0;
  assign is_last_phase = phase_row_q == last_phase && phase_column_q == last_phase;

  always_ff @(posedge clk_i) begin
    if (state_q == Lower && exists) parts[PartBits'(parts_q)] <= part;
  end

  // The reorder unit.
  logic reorders, reorder_busy, reorder_valid, reorder_seed, counted;
  logic [$clog2(LayerRows)-1:0] reorder_row, ordered_row;
  logic [WordBits-1:0] reorder_word;
  logic [$clog2(RowWords * swpu_pkg::MaskWord + 1)-1:0] bits;
  logic [Loaders-1:0][swpu_pkg::MaskWord-1:0] mask_data;

  assign reorders = state_q == Lower && exists;

  swpu_hamming_unit #(
    .Rows     (Rows),
    .LayerRows(LayerRows),
    .RowWords (RowWords)
  ) i_reorder (
    .clk_i,
    .rst_ni,
    .start_i    (reorders),
    .last_row_i (($clog2(LayerRows))'(part.rows - 1'b1)),
    .last_word_i(part.last_word),
    .read_o     (),
    .read_row_o (reorder_row),
    .read_word_o(reorder_word),
    .read_data_i(mask_data[Cores]),
    .valid_o    (reorder_valid),
    .row_o      (ordered_row),
    .seed_o     (reorder_seed),
    .counted_o  (counted),
    .bits_o     (bits),
    .busy_o     (reorder_busy)
  );

  // Order of the rows of all parts, and where each row's weights lie.
  logic [Loaders-1:0][OrderBits-1:0] order_address, row_address;
  logic [Loaders-1:0][PlaneBits-1:0] planes;
  row_t [Loaders-1:0] rows;
  row_t counted_row;

  assign counted_row = '{first_weight: weights_q, weights: (EntryBits + 1)'(bits)};

  swpu_memory #(
    .Words    (OrderRows),
    .Width    (PlaneBits),
    .ReadPorts(Loaders)
  ) i_order (
    .clk_i,
    .write_i        (reorder_valid),
    .write_address_i(order_q),
    .write_data_i   (PlaneBits'(ordered_row)),
    .read_address_i (order_address),
    .read_data_o    (planes)
  );

  swpu_memory #(
    .Words    (OrderRows),
    .Width    ($bits(row_t)),
    .ReadPorts(Loaders)
  ) i_rows (
    .clk_i,
    .write_i        (counted),
    .write_address_i(counted_q),
    .write_data_i   (counted_row),
    .read_address_i (row_address),
    .read_data_o    (rows)
  );

  // The masks: the reorder unit and the planner share a port.
  address_t [Loaders-1:0] mask_address;
  logic [Loaders-1:0][$clog2(Masks)-1:0] mask_index;

  for (genvar i = 0; i < Loaders; i++) begin : gen_mask_index
    if (i == Cores) begin : gen_shared
      assign mask_index[i] = state_q == Plan ? ($clog2(Masks))'(mask_address[i])
          : ($clog2(Masks))'(32'(parts[PartBits'(parts_q-1'b1)].mask_base)
              + 32'(reorder_row) * (32'(parts[PartBits'(parts_q-1'b1)].last_word) + 1)
              + 32'(reorder_word));
    end else begin : gen_core
      assign mask_index[i] = ($clog2(Masks))'(mask_address[i]);
    end
  end

  swpu_memory #(
    .Words    (Masks),
    .Width    (swpu_pkg::MaskWord),
    .ReadPorts(Loaders)
  ) i_masks (
    .clk_i,
    .write_i        (load_i && memory_i == MaskMemory),
    .write_address_i(($clog2(Masks))'(address_i)),
    .write_data_i   (data_i),
    .read_address_i (mask_index),
    .read_data_o    (mask_data)
  );

  // Weights.
  address_t [Cores-1:0] weight_address;
  logic [Cores-1:0][$clog2(Weights)-1:0] weight_index;
  operand_t [Cores-1:0] weight_data;

  for (genvar i = 0; i < Cores; i++) begin : gen_weight_index
    assign weight_index[i] = ($clog2(Weights))'(weight_address[i]);
  end

  swpu_memory #(
    .Words    (Weights),
    .Width    (16),
    .ReadPorts(Cores)
  ) i_weights (
    .clk_i,
    .write_i        (load_i && memory_i == WeightMemory),
    .write_address_i(($clog2(Weights))'(address_i)),
    .write_data_i   (data_i[15:0]),
    .read_address_i (weight_index),
    .read_data_o    (weight_data)
  );

  // The lists of all groups.
  logic list_valid;
  address_t list_write_address;
  listed_line_t list_line;
  address_t [Cores-1:0] list_address;
  listed_line_t [Cores-1:0] list_data;

  if (swpu_pkg::ListLines) begin : gen_lists
    logic [Cores-1:0][$clog2(Lines)-1:0] list_index;

    for (genvar i = 0; i < Cores; i++) begin : gen_index
      assign list_index[i] = ($clog2(Lines))'(list_address[i]);
    end

    swpu_memory #(
      .Words    (Lines),
      .Width    ($bits(listed_line_t)),
      .ReadPorts(Cores)
    ) i_lists (
      .clk_i,
      .write_i        (list_valid),
      .write_address_i(($clog2(Lines))'(list_write_address)),
      .write_data_i   (list_line),
      .read_address_i (list_index),
      .read_data_o    (list_data)
    );
  end else begin : gen_no_lists
    logic unused;
    assign unused = ^{list_valid, list_write_address, list_line, list_address};
    assign list_data = '0;
  end

  // Planner and scheduler.
  logic plans, plan_busy, job_made, schedules, scheduled;
  logic [PartBits-1:0] plan_part;
  job_t made_job;
  logic [31:0] made_work;
  logic [KernelSize-1:0][KernelSize-1:0] reads_anywhere;
  logic [KernelSize-1:0][KernelSize-1:0][NumberBits-1:0] last_tile;

  swpu_planner i_planner (
    .clk_i,
    .rst_ni,
    .start_i         (plans),
    .last_part_i     (PartBits'(parts_q - 1'b1)),
    .slices_i        (slices_q),
    .part_number_o   (plan_part),
    .part_i          (parts[plan_part]),
    .order_address_o (order_address[Cores]),
    .plane_i         (planes[Cores]),
    .row_address_o   (row_address[Cores]),
    .row_i           (rows[Cores]),
    .mask_address_o  (mask_address[Cores]),
    .mask_i          (mask_data[Cores]),
    .list_valid_o    (list_valid),
    .list_address_o  (list_write_address),
    .line_o          (list_line),
    .valid_o         (job_made),
    .job_o           (made_job),
    .work_o          (made_work),
    .reads_anywhere_o(reads_anywhere),
    .last_tile_o     (last_tile),
    .busy_o          (plan_busy)
  );

  logic [Cores-1:0] job_valid, job_ready;
  logic [Cores-1:0][JobBits-1:0] job_number;
  job_t [Cores-1:0] job;

  swpu_scheduler #(
    .Cores(Cores)
  ) i_scheduler (
    .clk_i,
    .rst_ni,
    .clear_i (state_q == Idle),
    .write_i (job_made),
    .job_i   (made_job),
    .work_i  (made_work),
    .start_i (schedules),
    .valid_o (job_valid),
    .ready_i (job_ready),
    .number_o(job_number),
    .job_o   (job),
    .done_o  (scheduled)
  );

  // The cores.
  logic [Cores*Ports-1:0] read, gradient_read;
  run_address_t [Cores*Ports-1:0] read_address, gradient_address;
  run_t [Cores*Ports-1:0] read_data, gradient_data;
  logic [Cores*Rows*Width-1:0] write, result_write;
  address_t [Cores*Rows*Width-1:0] write_address, result_address;
  sum_t [Cores*Rows*Width-1:0] write_data, result_data;
  logic [Cores-1:0] works, worker_idle;

  for (genvar i = 0; i < Cores; i++) begin : gen_core
    swpu_worker i_worker (
      .clk_i,
      .rst_ni,
      .result_base_i     (layer_i.result_base),
      .reads_anywhere_i  (reads_anywhere),
      .last_tile_i       (last_tile),
      .job_valid_i       (job_valid[i]),
      .job_ready_o       (job_ready[i]),
      .job_number_i      (job_number[i]),
      .job_i             (job[i]),
      .part_i            (parts[job[i].part]),
      .order_address_o   (order_address[i]),
      .plane_i           (planes[i]),
      .row_address_o     (row_address[i]),
      .row_i             (rows[i]),
      .mask_address_o    (mask_address[i]),
      .mask_i            (mask_data[i]),
      .weight_address_o  (weight_address[i]),
      .weight_i          (weight_data[i]),
      .list_address_o    (list_address[i]),
      .line_i            (list_data[i]),
      .read_o            (read[i*Ports+:Ports]),
      .read_address_o    (read_address[i*Ports+:Ports]),
      .read_data_i       (read_data[i*Ports+:Ports]),
      .gradient_read_o   (gradient_read[i*Ports+:Ports]),
      .gradient_address_o(gradient_address[i*Ports+:Ports]),
      .gradient_data_i   (gradient_data[i*Ports+:Ports]),
      .write_o           (write[i*Rows*Width+:Rows*Width]),
      .write_address_o   (write_address[i*Rows*Width+:Rows*Width]),
      .write_data_o      (write_data[i*Rows*Width+:Rows*Width]),
      .works_o           (works[i]),
      .done_o            (item_done_o[i]),
      .done_number_o     (item_number_o[i]),
      .is_idle_o         (worker_idle[i])
    );
  end

  run_address_t [Cores*Ports-1:0] based_address;
  always_comb begin
    for (int unsigned i = 0; i < Cores * Ports; i++) begin
      for (int unsigned element = 0; element < swpu_pkg::PortElements; element++) begin
        based_address[i][element] = read_address[i][element] + activation_base_i;
      end
    end
  end

  swpu_activation_memory #(
    .Elements(Activations),
    .Ports   (Cores * Ports)
  ) i_activations (
    .clk_i,
    .write_i        (load_i && memory_i == ActivationMemory),
    .write_address_i(($clog2(Activations))'(address_i)),
    .write_data_i   (data_i[15:0]),
    .word_write_i,
    .word_address_i (($clog2(Activations))'(word_write_address_i)),
    .word_i,
    .read_i         (read),
    .address_i      (based_address),
    .data_o         (read_data)
  );

  // While nothing runs, the first ports set results to zero.
  logic clears_d, clears_q;
  address_t clear_d, clear_q, result_count;

  assign result_count = parts[0].makes_gradients
      ? AddressBits'(32'(parts[0].rows) * 32'(parts[0].row_weights))
      : AddressBits'(32'(parts[0].images) * 32'(parts[0].target_image));

  always_comb begin
    result_write = write;
    result_address = write_address;
    result_data = write_data;
    clears_d = clears_q;
    clear_d = clear_q;
    if (clears_q) begin
      for (int unsigned i = 0; i < Width; i++) begin
        result_write[i] = 32'(clear_q) + i < 32'(result_count);
        result_address[i] = layer_i.result_base + clear_q + AddressBits'(i);
        result_data[i] = '0;
      end
      clear_d = clear_q + AddressBits'(Width);
      clears_d = 32'(clear_q) + Width < 32'(result_count);
    end
    if (reorders && parts_q == '0) begin
      clears_d = 1'b1;
      clear_d = '0;
    end
  end

  swpu_output_memory #(
    .Words     (Outputs),
    .WritePorts(Cores * Rows * Width),
    .ReadPorts (Cores * Ports)
  ) i_outputs (
    .clk_i,
    .write_i           (load_i && memory_i == OutputMemory),
    .address_i         (($clog2(Outputs))'(address_i)),
    .data_i            (data_i[31:0]),
    .data_o,
    .word_address_i    (($clog2(Outputs))'(word_read_address_i)),
    .word_o,
    .result_write_i    (result_write),
    .result_address_i  (result_address),
    .result_data_i     (result_data),
    .gradient_read_i   (gradient_read),
    .gradient_address_i(gradient_address),
    .gradient_data_o   (gradient_data)
  );

  always_comb begin
    state_d = state_q;
    phase_row_d = phase_row_q;
    phase_column_d = phase_column_q;
    parts_d = parts_q;
    mask_base_d = mask_base_q;
    order_base_d = order_base_q;
    order_d = order_q;
    counted_d = counted_q;
    weights_d = weights_q;
    groups_d = groups_q;
    slices_d = slices_q;
    sliced_d = sliced_q;
    leaves_phase = 1'b0;
    plans = 1'b0;
    schedules = 1'b0;
    if (reorder_valid) order_d = order_q + 1'b1;
    if (reorder_valid && reorder_seed) groups_d = groups_q + 1;
    if (counted) begin
      counted_d = counted_q + 1'b1;
      weights_d = weights_q + AddressBits'(bits);
    end
    unique case (state_q)
      Idle: begin
        phase_row_d = '0;
        phase_column_d = '0;
        parts_d = '0;
        mask_base_d = '0;
        order_base_d = '0;
        order_d = '0;
        counted_d = '0;
        weights_d = '0;
        groups_d = '0;
        slices_d = 1;
        if (start_i) state_d = Lower;
      end
      Lower: begin
        if (exists) begin
          state_d = Reorder;
          parts_d = parts_q + 1'b1;
          order_base_d = order_base_q + OrderBits'(part.rows);
          mask_base_d = mask_base_q
              + AddressBits'(32'(part.rows) * (32'(part.last_word) + 1));
        end
        leaves_phase = !exists;
        sliced_d = '0;
      end
      Reorder: leaves_phase = !reorder_busy;
      Slice: begin
        sliced_d = sliced_q + groups_q;
        slices_d = slices_q + 1;
        if (sliced_d >= JobsPerCore * Cores || groups_q == '0) begin
          slices_d = slices_q;
          plans = !clears_q;
          sliced_d = sliced_q;
          if (plans) state_d = Plan;
        end
      end
      Plan: begin
        schedules = !plan_busy;
        if (schedules) state_d = Run;
      end
      default: if (scheduled && job_valid == '0 && (&worker_idle)) state_d = Idle;
    endcase
    if (leaves_phase) begin
      state_d = is_last_phase ? Slice : Lower;
      phase_column_d = phase_column_q + 1'b1;
      if (phase_column_q == last_phase) begin
        phase_column_d = '0;
        phase_row_d = phase_row_q + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      phase_row_q <= '0;
      phase_column_q <= '0;
      parts_q <= '0;
      mask_base_q <= '0;
      order_base_q <= '0;
      order_q <= '0;
      counted_q <= '0;
      weights_q <= '0;
      groups_q <= '0;
      slices_q <= '0;
      sliced_q <= '0;
      clears_q <= 1'b0;
      clear_q <= '0;
    end else begin
      state_q <= state_d;
      phase_row_q <= phase_row_d;
      phase_column_q <= phase_column_d;
      parts_q <= parts_d;
      mask_base_q <= mask_base_d;
      order_base_q <= order_base_d;
      order_q <= order_d;
      counted_q <= counted_d;
      weights_q <= weights_d;
      groups_q <= groups_d;
      slices_q <= slices_d;
      sliced_q <= sliced_d;
      clears_q <= clears_d;
      clear_q <= clear_d;
    end
  end

  assign done_o = state_q == Run && state_d == Idle;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reorder_cycles_o <= '0;
      plan_cycles_o <= '0;
      run_cycles_o <= '0;
      core_cycles_o <= '0;
    end else if (state_q == Idle && start_i) begin
      reorder_cycles_o <= '0;
      plan_cycles_o <= '0;
      run_cycles_o <= '0;
      core_cycles_o <= '0;
    end else begin
      if (state_q == Lower || state_q == Reorder) reorder_cycles_o <= reorder_cycles_o + 1;
      if (state_q == Slice || state_q == Plan) plan_cycles_o <= plan_cycles_o + 1;
      if (state_q == Run) run_cycles_o <= run_cycles_o + 1;
      for (int unsigned i = 0; i < Cores; i++) begin
        if (works[i]) core_cycles_o[i] <= core_cycles_o[i] + 1;
      end
    end
  end

endmodule
