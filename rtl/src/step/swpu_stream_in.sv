// SPDX-License-Identifier: Apache-2.0
// Makes values for the array while they move from the DRAM to the memories, a word of a channel a cycle.
//
// What a convolution reads, of a raw output y: max(0, fma(y, scale, shift) + shortcut), the maximum only
// behind an activation. The gradient of a raw output behind a normalisation, of the gradient g behind it:
// fma(-Q, y, fma(S, g, -P)). FP32, and rounded to BF16 at last; a word comes out 8 cycles later.
module swpu_stream_in #(
  // Values of a word.
  parameter int unsigned Lanes = swpu_pkg::StreamElements
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  input  logic                                        valid_i,
  input  swpu_types_pkg::stream_in_t                  channel_i,
  // Raw outputs; shortcuts, where there are any, or gradients.
  input  swpu_types_pkg::operand_t [Lanes-1:0]        raw_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        other_i,
  output logic                                        valid_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        values_o
);

  if (Lanes < 1) begin : gen_lanes
    $error("Lanes is %0d; 1 or more are allowed", Lanes);
  end

  import swpu_types_pkg::*;

  // Cycles of a multiply-add.
  localparam int unsigned Stages = 3;
  localparam sum_t One = 32'h3F800000;

  // What the second multiply-add takes besides the first: of a value its shortcut once, and without one -0,
  // to which any number adds itself.
  typedef struct packed {
    operand_t [Lanes-1:0] factors;
    sum_t                 factor;
    logic                 activates;
  } second_t;

  second_t second, second_q[1:Stages];
  logic [2*Stages:1] activates_q;
  logic [Lanes-1:0] first_valid, result_valid;
  sum_t [Lanes-1:0] first, result, maximum_q;
  logic maximum_valid_q;

  always_comb begin
    second.activates = channel_i.activates && !channel_i.is_gradient;
    second.factor = channel_i.is_gradient ? {!channel_i.slope[31], channel_i.slope[30:0]} : One;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      second.factors[lane] = channel_i.is_gradient ? raw_i[lane]
          : channel_i.has_shortcut ? other_i[lane] : 16'h8000;
    end
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_first (
      .clk_i,
      .rst_ni,
      .valid_i,
      .a_i     ({channel_i.is_gradient ? other_i[lane] : raw_i[lane], 16'b0}),
      .b_i     (channel_i.scale),
      .c_i     ({channel_i.shift[31] ^ channel_i.is_gradient, channel_i.shift[30:0]}),
      .valid_o (first_valid[lane]),
      .result_o(first[lane])
    );

    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_second (
      .clk_i,
      .rst_ni,
      .valid_i (first_valid[lane]),
      .a_i     ({second_q[Stages].factors[lane], 16'b0}),
      .b_i     (second_q[Stages].factor),
      .c_i     (first[lane]),
      .valid_o (result_valid[lane]),
      .result_o(result[lane])
    );

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        maximum_q[lane] <= '0;
        values_o[lane] <= '0;
      end else begin
        if (result_valid[lane]) begin
          // The maximum of 0 and a NaN is 0, and that of 0 and -0 is -0.
          maximum_q[lane] <= activates_q[2*Stages] && (result[lane] > 32'h80000000
                                                       || result[lane][30:0] > 31'h7F800000)
              ? '0 : result[lane];
        end
        if (maximum_valid_q) values_o[lane] <= to_operand(maximum_q[lane]);
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      for (int unsigned i = 1; i <= Stages; i++) second_q[i] <= '0;
      activates_q <= '0;
      maximum_valid_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      if (valid_i) second_q[1] <= second;
      for (int unsigned i = 2; i <= Stages; i++) second_q[i] <= second_q[i-1];
      activates_q <= {activates_q[2*Stages-1:1], second.activates};
      maximum_valid_q <= result_valid[0];
      valid_o <= maximum_valid_q;
    end
  end

endmodule
