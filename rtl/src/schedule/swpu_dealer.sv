// SPDX-License-Identifier: Apache-2.0
// Deals the items of a pass to the cores: the one with the most work left to the core with the least so
// far, of equal ones the first. It looks through the items left for each that it deals, one a cycle, and
// cores may begin with the first while it looks for the next.
module swpu_dealer #(
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
  input  logic                                             deal_i,
  // The next item of each core.
  output logic [Cores-1:0]                                 valid_o,
  input  logic [Cores-1:0]                                 ready_i,
  output logic [Cores-1:0][swpu_types_pkg::JobBits-1:0]    number_o,
  output swpu_types_pkg::job_t [Cores-1:0]                 job_o,
  // All items are dealt.
  output logic                                             done_o
);

  if (Cores < 1 || Cores > swpu_types_pkg::MostCores) begin : gen_cores
    $error("Cores is %0d; 1 to MostCores are allowed", Cores);
  end

  import swpu_types_pkg::*;

  localparam int unsigned CoreBits = index_bits(Cores);

  job_t jobs_q[Jobs];
  logic [31:0] works_q[Jobs];
  logic [JobBits:0] count_q, dealt_q;
  logic [Jobs-1:0] left_q;
  // The queue of each core.
  logic [JobBits-1:0] queue_q[Cores][Jobs];
  logic [Cores-1:0][JobBits:0] queued_q, taken_q;
  logic [31:0] load_q[Cores];

  // The item that is looked at, and the best so far.
  logic is_dealing_q, has_best_q;
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

  // The round is through: the best item is dealt.
  logic deals_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
      dealt_q <= '0;
      left_q <= '0;
      queued_q <= '0;
      taken_q <= '0;
      is_dealing_q <= 1'b0;
      has_best_q <= 1'b0;
      place_q <= '0;
      best_q <= '0;
      best_work_q <= '0;
      deals_q <= 1'b0;
      for (int unsigned i = 0; i < Cores; i++) load_q[i] <= '0;
    end else if (clear_i) begin
      count_q <= '0;
      dealt_q <= '0;
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
      deals_q <= 1'b0;
      if (deal_i) begin
        is_dealing_q <= count_q != '0;
        place_q <= '0;
        has_best_q <= 1'b0;
      end else if (deals_q) begin
        left_q[best_q] <= 1'b0;
        load_q[core] <= load_q[core] + best_work_q;
        queued_q[core] <= queued_q[core] + 1'b1;
        dealt_q <= dealt_q + 1'b1;
        is_dealing_q <= dealt_q + 1'b1 != count_q;
        has_best_q <= 1'b0;
      end else if (is_dealing_q) begin
        if (is_better) begin
          has_best_q <= 1'b1;
          best_q <= place_q;
          best_work_q <= works_q[place_q];
        end
        place_q <= is_last_place ? '0 : place_q + 1'b1;
        deals_q <= is_last_place;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_i) begin
      jobs_q[JobBits'(count_q)] <= job_i;
      works_q[JobBits'(count_q)] <= work_i;
    end
    if (deals_q) queue_q[core][JobBits'(queued_q[core])] <= best_q;
  end

  for (genvar i = 0; i < Cores; i++) begin : gen_core
    assign valid_o[i] = taken_q[i] != queued_q[i];
    assign number_o[i] = queue_q[i][JobBits'(taken_q[i])];
    assign job_o[i] = jobs_q[number_o[i]];
  end
  assign done_o = !is_dealing_q;

`ifndef SYNTHESIS
  // There is room for an item, and all are dealt before others come.
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      !write_i || clear_i || count_q < (JobBits + 1)'(Jobs));
  assert property (@(posedge clk_i) disable iff (!rst_ni) !deal_i || !is_dealing_q);
`endif

endmodule
