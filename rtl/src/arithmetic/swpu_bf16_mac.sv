// SPDX-License-Identifier: Apache-2.0
// A multiplier of a row and its adder: adds the product of two BF16 operands to a partial sum in
// FP32. The partial sums, as many as the adder has stages, are kept and interleaved by the row.
//
// Operands and product take a cycle each, the adder A. A sum is asked for when its adder starts, so
// a partial sum can be added to again A cycles later. A product with a zero operand is not made where
// zeros are gated: nothing switches behind the operand registers, and there is no result. Which partial sum
// is asked for then stays too, so that the adder does not see them take turns.
//
// The adder can add two other numbers instead: nodes of the weight gradient's tree, partial sums.
module swpu_bf16_mac #(
  // Cycles A of the adder.
  parameter int unsigned AdderStages = swpu_pkg::AdderStages,
  // Whether a multiplier whose operand is zero is clock-gated.
  parameter bit GateZeroOperands = 1'b1
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        valid_i,
  input  logic [15:0] a_i,
  input  logic [15:0] b_i,
  // The adder takes `sum_i` in this cycle: 2 cycles after the operands.
  output logic        adds_o,
  output logic [31:0] product_o,
  // Which partial sum `sum_i` has to be. Given a cycle before the adder takes it.
  input  logic [swpu_types_pkg::index_bits(AdderStages)-1:0] turn_i,
  output logic [swpu_types_pkg::index_bits(AdderStages)-1:0] turn_o,
  input  logic [31:0] sum_i,
  // The adder leaves the product alone, and takes other numbers where they are valid.
  input  logic        takes_others_i,
  input  logic        others_valid_i,
  input  logic [31:0] other_a_i,
  input  logic [31:0] other_b_i,
  // A sum is complete: 2 + A cycles after the operands.
  output logic        valid_o,
  output logic [31:0] sum_o
);

  if (AdderStages < 1 || AdderStages > 3) begin : gen_stages
    $error("AdderStages is %0d; 1 to 3 are allowed", AdderStages);
  end

  logic multiplies;
  logic operands_valid_q, product_valid_q;
  logic [15:0] a_q, b_q;
  logic [31:0] product_d, product_q;
  logic [swpu_types_pkg::index_bits(AdderStages)-1:0] turn_q;

  assign multiplies = valid_i && !(GateZeroOperands && (~|a_i[14:0] || ~|b_i[14:0]));

  swpu_bf16_multiply i_multiply (
    .a_i      (a_q),
    .b_i      (b_q),
    .product_o(product_d)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      operands_valid_q <= 1'b0;
      product_valid_q <= 1'b0;
      a_q <= '0;
      b_q <= '0;
      product_q <= '0;
      turn_q <= '0;
    end else begin
      operands_valid_q <= multiplies;
      product_valid_q <= operands_valid_q;
      if (multiplies) begin
        a_q <= a_i;
        b_q <= b_i;
      end
      if (operands_valid_q) begin
        product_q <= product_d;
        turn_q <= turn_i;
      end
    end
  end

  swpu_fp32_add #(
    .AdderStages(AdderStages)
  ) i_add (
    .clk_i,
    .rst_ni,
    .valid_i(takes_others_i ? others_valid_i : product_valid_q),
    .a_i    (takes_others_i ? other_a_i : sum_i),
    .b_i    (takes_others_i ? other_b_i : product_q),
    .valid_o,
    .sum_o
  );
  assign adds_o = product_valid_q;
  assign product_o = product_q;
  assign turn_o = turn_q;

endmodule
