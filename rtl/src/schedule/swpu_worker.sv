// SPDX-License-Identifier: Apache-2.0
// A core with its supply: its items' tiles and addresses, and a loader that loads the masks and
// weights of the next item while the core works on the one before.
module swpu_worker #(
  // Results that a row writes in a cycle.
  localparam int unsigned Width =
      swpu_pkg::Lanes > swpu_pkg::Window ? swpu_pkg::Lanes : swpu_pkg::Window
) (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // Where results begin, and when each tap reads in the weight gradient.
  input  swpu_types_pkg::address_t                          result_base_i,
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]             reads_anywhere_i,
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::NumberBits-1:0]             last_tile_i,
  // The next item, and its part.
  input  logic                                              job_valid_i,
  output logic                                              job_ready_o,
  input  logic [swpu_types_pkg::JobBits-1:0]                job_number_i,
  input  swpu_types_pkg::job_t                              job_i,
  input  swpu_types_pkg::part_t                             part_i,
  // Memories from which the group is loaded.
  output logic [swpu_types_pkg::OrderBits-1:0]              order_address_o,
  input  logic [swpu_types_pkg::PlaneBits-1:0]              plane_i,
  output logic [swpu_types_pkg::OrderBits-1:0]              row_address_o,
  input  swpu_types_pkg::row_t                              row_i,
  output swpu_types_pkg::address_t                          mask_address_o,
  input  logic [swpu_pkg::MaskWord-1:0]                     mask_i,
  output swpu_types_pkg::address_t                          weight_address_o,
  input  swpu_types_pkg::operand_t                          weight_i,
  output swpu_types_pkg::address_t                          list_address_o,
  input  swpu_types_pkg::listed_line_t                      line_i,
  // Activation memory.
  output logic [swpu_pkg::PortsPerCore-1:0]                 read_o,
  output swpu_types_pkg::run_address_t [swpu_pkg::PortsPerCore-1:0] read_address_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] read_data_i,
  // Output memory: output gradients, results.
  output logic [swpu_pkg::PortsPerCore-1:0]                 gradient_read_o,
  output swpu_types_pkg::run_address_t [swpu_pkg::PortsPerCore-1:0] gradient_address_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] gradient_data_i,
  output logic [swpu_pkg::Rows-1:0][Width-1:0]              write_o,
  output swpu_types_pkg::address_t [swpu_pkg::Rows-1:0][Width-1:0] write_address_o,
  output swpu_types_pkg::sum_t [swpu_pkg::Rows-1:0][Width-1:0] write_data_o,
  // The core works, up to the cycle in which an item is done.
  output logic                                              works_o,
  output logic                                              done_o,
  output logic [swpu_types_pkg::JobBits-1:0]                done_number_o,
  // No item is here.
  output logic                                              is_idle_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;

  typedef enum logic [1:0] {
    // Idle until an item arrives.
    Empty,
    Load,
    // Idle until the core is free.
    Loaded
  } fetch_e;

  typedef enum logic [1:0] {
    Idle,
    Start,
    Work
  } core_e;

  typedef struct packed {
    logic [JobBits-1:0]  number;
    job_t                job;
    part_t               part;
    // Where the results of each row begin, and its output gradients.
    address_t [Rows-1:0] results;
    address_t [Rows-1:0] gradients;
  } held_t;

  fetch_e fetch_d, fetch_q;
  core_e core_d, core_q;
  // The item that is loaded, and that of the core.
  held_t next_q, held_q;
  logic takes_job, takes_next, done;

  // The loader.
  logic starts_load_q, loaded, knows_row;
  logic [RowBits-1:0] row;
  mask_write_t mask;
  list_write_t list;
  weight_write_t weight;
  logic [PlaneBits-1:0] plane;

  swpu_group_loader i_loader (
    .clk_i,
    .rst_ni,
    .start_i       (starts_load_q),
    .part_i        (next_q.part),
    .first_row_i   (next_q.job.first_row),
    .last_row_i    (next_q.job.last_row),
    .list_base_i   (next_q.job.list_base),
    .last_scan_word_i(next_q.job.last_word),
    .order_address_o,
    .plane_i,
    .row_address_o,
    .row_i,
    .mask_address_o,
    .mask_i,
    .weight_address_o,
    .weight_i,
    .list_address_o,
    .line_i,
    .mask_o        (mask),
    .list_o        (list),
    .weight_o      (weight),
    .row_o         (row),
    .knows_row_o   (knows_row),
    .plane_o       (plane),
    .weights_o     (),
    .done_o        (loaded)
  );

  // Results of a row: of its plane; in the weight gradient its weights, of the channels of its group.
  int results, gradients;
  always_comb begin
    gradients = 32'(plane) * 32'(next_q.part.target_plane);
    results = gradients;
    if (next_q.part.makes_gradients) begin
      results = (32'(plane) - 32'(plane) / 32'(next_q.part.rows_per_group))
          * 32'(next_q.part.row_weights);
    end
    results = results + 32'(result_base_i);
  end

  always_comb begin
    fetch_d = fetch_q;
    core_d = core_q;
    takes_job = 1'b0;
    takes_next = 1'b0;
    unique case (core_q)
      Start: core_d = Work;
      Work: if (done) core_d = Idle;
      default: ;
    endcase
    unique case (fetch_q)
      Empty: begin
        takes_job = job_valid_i;
        if (takes_job) fetch_d = Load;
      end
      Load: if (loaded) fetch_d = Loaded;
      default: begin
        takes_next = core_q == Idle || (core_q == Work && done);
        if (takes_next) begin
          fetch_d = Empty;
          core_d = Start;
        end
      end
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_q <= Empty;
      core_q <= Idle;
      starts_load_q <= 1'b0;
      next_q <= '0;
      held_q <= '0;
    end else begin
      fetch_q <= fetch_d;
      core_q <= core_d;
      starts_load_q <= takes_job;
      if (takes_job) begin
        next_q.number <= job_number_i;
        next_q.job <= job_i;
        next_q.part <= part_i;
      end
      if (knows_row) begin
        next_q.results[row] <= AddressBits'(results);
        next_q.gradients[row] <= AddressBits'(gradients);
      end
      if (takes_next) held_q <= next_q;
    end
  end

  assign job_ready_o = fetch_q == Empty;
  assign is_idle_o = fetch_q == Empty && core_q == Idle;
  assign works_o = core_q == Start || (core_q == Work && !done);
  assign done_o = core_q == Work && done;
  assign done_number_o = held_q.number;

  // The item as the core knows it.
  item_t item;
  logic [Rows-1:0] rows;
  always_comb begin
    item = '0;
    item.makes_gradients = held_q.part.makes_gradients;
    item.last_kernel_row = held_q.part.row_axis.last_tap;
    item.last_kernel_column = held_q.part.column_axis.last_tap;
    item.last_word = held_q.job.last_word;
    item.start = held_q.job.start;
    item.last_window = held_q.job.last_window;
    item.reads_anywhere = reads_anywhere_i;
    item.last_tile = last_tile_i;
    for (int unsigned i = 0; i < Rows; i++) rows[i] = RowBits'(i) <= held_q.job.last_row;
  end

  logic [NumberBits-1:0] tile_address;
  tile_t tile, read_from;

  swpu_tile_generator i_tiles (
    .clk_i,
    .rst_ni,
    .part_i       (held_q.part),
    .first_image_i(held_q.job.image),
    .first_row_i  (held_q.job.output_row),
    .last_band_i  (held_q.job.last_band),
    .address_i    (tile_address),
    .tile_o       (tile),
    .image_o      (),
    .row_o        ()
  );

  line_read_t [swpu_pkg::PortsPerCore-1:0] reads;
  gradient_read_t [swpu_pkg::PortsPerCore-1:0] gradient_reads;
  opening_t opens;
  tile_result_t [Rows-1:0] core_outputs;
  window_result_t [Rows-1:0] core_gradients;

  swpu_core i_core (
    .clk_i,
    .rst_ni,
    .mask_i         (mask),
    .list_i         (list),
    .weight_i       (weight),
    .start_i        (core_q == Start),
    .item_i         (item),
    .rows_i         (rows),
    .done_o         (done),
    .tile_address_o (tile_address),
    .tile_i         (tile),
    .read_tile_o    (),
    .read_o         (reads),
    .read_from_o    (read_from),
    .read_data_i,
    .gradient_read_o(gradient_reads),
    .gradient_data_i,
    .opens_o        (opens),
    .outputs_o      (core_outputs),
    .gradients_o    (core_gradients)
  );

  for (genvar port = 0; port < swpu_pkg::PortsPerCore; port++) begin : gen_read
    assign read_o[port] = reads[port].valid;
    assign gradient_read_o[port] = gradient_reads[port].valid;
  end

  swpu_source_address i_source (
    .clk_i,
    .rst_ni,
    .part_i   (held_q.part),
    .reads_i  (reads),
    .origin_i (read_from.origin),
    .address_o(read_address_o)
  );

  swpu_gradient_address i_gradients (
    .lanes_i  (held_q.part.lanes),
    .tile_i   (read_from.target.address),
    .planes_i (held_q.gradients),
    .reads_i  (gradient_reads),
    .address_o(gradient_address_o)
  );

  swpu_result_writer i_results (
    .clk_i,
    .lanes_i    (held_q.part.lanes),
    .rows_i     (held_q.results),
    .opens_i    (opens),
    .target_i   (tile.target),
    .outputs_i  (core_outputs),
    .gradients_i(core_gradients),
    .write_o,
    .address_o  (write_address_o),
    .data_o     (write_data_o)
  );

endmodule
