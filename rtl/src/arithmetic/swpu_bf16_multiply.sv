// SPDX-License-Identifier: Apache-2.0
// The product of two BF16 codes in FP32. Combinational.
//
// The significand of the product, 8 by 8 bits, is exact; what leaves the range of FP32 is rounded to
// nearest, ties to even: to subnormals or to an infinity. The only NaN is 0x7FC00000.
module swpu_bf16_multiply (
  input  logic [15:0] a_i,
  input  logic [15:0] b_i,
  output logic [31:0] product_o
);

  logic sign;
  logic a_nan, b_nan, a_infinite, b_infinite, a_zero, b_zero;
  logic [15:0] significand;
  logic [3:0] leading_zeros;
  // Exponent field that the product has before it is made subnormal; below 1 for subnormals.
  logic signed [9:0] exponent;
  logic [4:0] shift;
  // 24 bits that are kept, the first set in normal numbers, one for the half, and the rest.
  logic [40:0] shifted;
  logic round_up;
  logic [31:0] magnitude;

  assign sign = a_i[15] ^ b_i[15];
  assign a_nan = &a_i[14:7] && |a_i[6:0];
  assign b_nan = &b_i[14:7] && |b_i[6:0];
  assign a_infinite = &a_i[14:7] && ~|a_i[6:0];
  assign b_infinite = &b_i[14:7] && ~|b_i[6:0];
  assign a_zero = ~|a_i[14:0];
  assign b_zero = ~|b_i[14:0];

  assign significand = {8'b0, |a_i[14:7], a_i[6:0]} * {8'b0, |b_i[14:7], b_i[6:0]};

  always_comb begin
    leading_zeros = '0;
    for (int unsigned i = 0; i < 16; i++) begin
      if (significand[i]) leading_zeros = 4'(15 - i);
    end
  end

  // A subnormal operand has the exponent of field 1.
  assign exponent =
      signed'({2'b0, a_i[14:8], a_i[7] | ~|a_i[14:7]})
      + signed'({2'b0, b_i[14:8], b_i[7] | ~|b_i[14:7]})
      - 10'sd126 - signed'({6'b0, leading_zeros});

  // Shifts of 25 places and more leave less than half of the smallest subnormal.
  always_comb begin
    if (exponent >= 10'sd1) shift = '0;
    else if (exponent < -10'sd24) shift = 5'd25;
    else shift = 5'(10'sd1 - exponent);
  end
  assign shifted = {significand << leading_zeros, 25'b0} >> shift;
  assign round_up = shifted[16] && (|shifted[15:0] || shifted[17]);
  // The hidden bit is dropped; a carry out of the fraction steps the exponent by itself.
  assign magnitude = {shifted[40] ? exponent[8:0] : 9'b0, shifted[39:17]} + 32'(round_up);

  always_comb begin
    if (a_nan || b_nan || (a_infinite && b_zero) || (a_zero && b_infinite)) begin
      product_o = 32'h7FC00000;
    end else if (a_infinite || b_infinite) begin
      product_o = {sign, 31'h7F800000};
    end else if (a_zero || b_zero) begin
      product_o = {sign, 31'b0};
    end else if (magnitude[31:23] >= 9'd255) begin
      product_o = {sign, 31'h7F800000};
    end else begin
      product_o = {sign, magnitude[30:0]};
    end
  end

endmodule
