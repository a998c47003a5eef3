// SPDX-License-Identifier: Apache-2.0
// The update of kept weights while their gradients are on the chip, a word of weights a cycle: SGD with
// momentum, v' = fma(momentum, v, fma(decay, w, g)), w' = fma(-rate, v', w).
//
// A weight is two planes: its operand in BF16, to nearest, and the signed rest of its bits; of a tie the rest
// is -32768. They come out 9 cycles later.
module swpu_update #(
  // Weights of a word.
  parameter int unsigned Lanes = swpu_pkg::StreamElements
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  input  logic                                        valid_i,
  input  swpu_types_pkg::update_t                     rule_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        operands_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        rests_i,
  input  swpu_types_pkg::sum_t [Lanes-1:0]            velocities_i,
  input  swpu_types_pkg::sum_t [Lanes-1:0]            gradients_i,
  output logic                                        valid_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        operands_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        rests_o,
  output swpu_types_pkg::sum_t [Lanes-1:0]            velocities_o
);

  if (Lanes < 1) begin : gen_lanes
    $error("Lanes is %0d; 1 or more are allowed", Lanes);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Stages = 3;

  update_t rule_q[1:2*Stages];
  logic [Lanes-1:0] decayed_valid, velocity_valid, weight_valid;

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    sum_t weight, decayed, velocity, updated;
    sum_t weight_q[1:2*Stages], velocity_q[1:Stages];

    assign weight = {operands_i[lane], 16'b0} + {{16{rests_i[lane][15]}}, rests_i[lane]};

    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_decay (
      .clk_i,
      .rst_ni,
      .valid_i,
      .a_i     (rule_i.decay),
      .b_i     (weight),
      .c_i     (gradients_i[lane]),
      .valid_o (decayed_valid[lane]),
      .result_o(decayed)
    );

    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_velocity (
      .clk_i,
      .rst_ni,
      .valid_i (decayed_valid[lane]),
      .a_i     (rule_q[Stages].momentum),
      .b_i     (velocity_q[Stages]),
      .c_i     (decayed),
      .valid_o (velocity_valid[lane]),
      .result_o(velocity)
    );

    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_weight (
      .clk_i,
      .rst_ni,
      .valid_i (velocity_valid[lane]),
      .a_i     ({!rule_q[2*Stages].rate[31], rule_q[2*Stages].rate[30:0]}),
      .b_i     (velocity),
      .c_i     (weight_q[2*Stages]),
      .valid_o (weight_valid[lane]),
      .result_o(updated)
    );

    // The velocity waits for its weight.
    sum_t moved_q[1:Stages];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        for (int unsigned i = 1; i <= 2 * Stages; i++) weight_q[i] <= '0;
        for (int unsigned i = 1; i <= Stages; i++) begin
          velocity_q[i] <= '0;
          moved_q[i] <= '0;
        end
      end else begin
        weight_q[1] <= weight;
        velocity_q[1] <= velocities_i[lane];
        moved_q[1] <= velocity;
        for (int unsigned i = 2; i <= 2 * Stages; i++) weight_q[i] <= weight_q[i-1];
        for (int unsigned i = 2; i <= Stages; i++) begin
          velocity_q[i] <= velocity_q[i-1];
          moved_q[i] <= moved_q[i-1];
        end
      end
    end

    assign operands_o[lane] = updated[31:16] + 16'(updated[15]);
    assign rests_o[lane] = updated[15:0];
    assign velocities_o[lane] = moved_q[Stages];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      for (int unsigned i = 1; i <= 2 * Stages; i++) rule_q[i] <= '0;
    end else begin
      rule_q[1] <= rule_i;
      for (int unsigned i = 2; i <= 2 * Stages; i++) rule_q[i] <= rule_q[i-1];
    end
  end

  assign valid_o = &weight_valid;

endmodule
