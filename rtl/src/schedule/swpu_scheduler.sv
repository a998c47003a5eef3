// SPDX-License-Identifier: Apache-2.0
// Schedules the items of a pass on the cores, longest processing time first: the remaining item with the
// most work goes to the core with the least so far, of equal ones the first. For each item that it assigns
// it looks through the remaining ones, one a cycle; cores may begin with the first meanwhile.
module swpu_scheduler #(
  parameter int unsigned Cores = swpu_pkg::Cores
) (
  input  logic                                             clk_i,
  input  logic                                             rst_ni,
  // Forgets all items.
  input  logic                                             clear_i,
  // Another item.
  input  logic                                             write_i,
  input  swpu_types_pkg::job_t                             job_i,
  input  logic [31:0]                                      work_i,
  // All items are here; `done_o` counts from the next cycle on.
  input  logic                                             start_i,
  // The next item of each core.
  output logic [Cores-1:0]                                 valid_o,
  input  logic [Cores-1:0]                                 ready_i,
  output logic [Cores-1:0][swpu_types_pkg::JobBits-1:0]    number_o,
  output swpu_types_pkg::job_t [Cores-1:0]                 job_o,
  // All items are assigned.
  output logic                                             done_o
);

  if (Cores < 1 || Cores > swpu_types_pkg::MostCores) begin : gen_cores
    $error("Cores is %0d; 1 to MostCores are allowed", Cores);
  end

  import swpu_types_pkg::*;

  localparam int unsigned CoreBits = index_bits(Cores);

  job_t jobs_q[Jobs];
  logic [31:0] works_q[Jobs];
  logic [JobBits:0] count_q, scheduled_q;
  logic [Jobs-1:0] left_q;
  // The queue of each core.
  logic [JobBits-1:0] queue_q[Cores][Jobs];
  logic [Cores-1:0][JobBits:0] queued_q, taken_q;
  logic [31:0] load_q[Cores];

  // The item that is looked at, and the best so far.
  logic is_scheduling_q, has_best_q;
  logic [JobBits-1:0] place_q, best_q;
  logic [31:0] best_work_q;
  logic is_better, is_last_place;

  assign is_better = left_q[place_q] && (!has_best_q || works_q[place_q] > best_work_q);
  assign is_last_place = (JobBits + 1)'(place_q) == count_q - 1'b1;

  logic [CoreBits-1:0] core;
  always_comb begin
    core = '0;
    for (int unsigned i = 1; i < Cores; i++) begin
      if (load_q[i] < load_q[core]) core = CoreBits'(i);
    end
  end

  // The round has ended: the best item is assigned.
  logic assigns_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
      scheduled_q <= '0;
      left_q <= '0;
      queued_q <= '0;
      taken_q <= '0;
      is_scheduling_q <= 1'b0;
      has_best_q <= 1'b0;
      place_q <= '0;
      best_q <= '0;
      best_work_q <= '0;
      assigns_q <= 1'b0;
      for (int unsigned i = 0; i < Cores; i++) load_q[i] <= '0;
    end else if (clear_i) begin
      count_q <= '0;
      scheduled_q <= '0;
      queued_q <= '0;
      taken_q <= '0;
      for (int unsigned i = 0; i < Cores; i++) load_q[i] <= '0;
    end else begin
      for (int unsigned i = 0; i < Cores; i++) begin
        if (valid_o[i] && ready_i[i]) taken_q[i] <= taken_q[i] + 1'b1;
      end
      if (write_i) begin
        left_q[JobBits'(count_q)] <= 1'b1;
        count_q <= count_q + 1'b1;
      end
      assigns_q <= 1'b0;
      if (start_i) begin
        is_scheduling_q <= count_q != '0;
        place_q <= '0;
        has_best_q <= 1'b0;
      end else if (assigns_q) begin
        left_q[best_q] <= 1'b0;
        load_q[core] <= load_q[core] + best_work_q;
        queued_q[core] <= queued_q[core] + 1'b1;
        scheduled_q <= scheduled_q + 1'b1;
        is_scheduling_q <= scheduled_q + 1'b1 != count_q;
        has_best_q <= 1'b0;
      end else if (is_scheduling_q) begin
        if (is_better) begin
          has_best_q <= 1'b1;
          best_q <= place_q;
          best_work_q <= works_q[place_q];
        end
        place_q <= is_last_place ? '0 : place_q + 1'b1;
        assigns_q <= is_last_place;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_i) begin
      jobs_q[JobBits'(count_q)] <= job_i;
      works_q[JobBits'(count_q)] <= work_i;
    end
    if (assigns_q) queue_q[core][JobBits'(queued_q[core])] <= best_q;
  end

  for (genvar i = 0; i < Cores; i++) begin : gen_core
    assign valid_o[i] = taken_q[i] != queued_q[i];
    assign number_o[i] = queue_q[i][JobBits'(taken_q[i])];
    assign job_o[i] = jobs_q[number_o[i]];
  end
  assign done_o = !is_scheduling_q;

`ifndef SYNTHESIS
  // There is room for an item, and all are assigned before others arrive.
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      !write_i || clear_i || count_q < (JobBits + 1)'(Jobs));
  assert property (@(posedge clk_i) disable iff (!rst_ni) !start_i || !is_scheduling_q);
`endif

endmodule
