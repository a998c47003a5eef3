// SPDX-License-Identifier: Apache-2.0
// a · b + c in FP32, rounded once to nearest, ties to even, with subnormals and infinities; the only NaN
// that it gives is 0x7FC00000. A new one each cycle.
//
// The product is exact. In a frame whose lowest place is that of the product, or 51 places below that of c
// where c is above all of the product, the two are added; what lies below the frame is one bit.
module swpu_fp32_fma #(
  // Cycles: 0 (combinational), 1 (the result is registered) or 3 (also product and sum).
  parameter int unsigned Stages = 3
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        valid_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  input  logic [31:0] c_i,
  output logic        valid_o,
  output logic [31:0] result_o
);

  if (Stages != 0 && Stages != 1 && Stages != 3) begin : gen_stages
    $error("Stages is %0d; 0, 1 and 3 are allowed", Stages);
  end

  // Places above that of c at which the product is only a bit below it.
  localparam int unsigned Above = 51;
  // Bits of c so far up, a carry, and the bit for what is below the frame.
  localparam int unsigned FrameBits = 24 + Above + 2;
  typedef logic signed [10:0] exponent_t;

  typedef struct packed {
    // Results that are no sum.
    logic        is_nan;
    logic        is_infinite;
    logic        infinite_sign;
    logic        is_zero;
    logic        zero_sign;
    logic        sign;
    logic        c_sign;
    // The exponent of the lowest place of the product.
    exponent_t   exponent;
    logic [47:0] product;
    // How far c lies above that, and its significand.
    exponent_t   distance;
    logic [23:0] c;
  } multiplied_t;

  typedef struct packed {
    logic        is_special;
    logic [31:0] special;
    logic        sign;
    // The exponent of the lowest place of the magnitude.
    exponent_t   exponent;
    logic [FrameBits-1:0] magnitude;
  } added_t;

  multiplied_t multiplied_d, multiplied;
  added_t added_d, added;
  logic multiplied_valid, added_valid;
  logic [31:0] result_d;

  // A significand with its first bit set and its exponent: of a subnormal below the smallest.
  typedef struct packed {
    exponent_t   exponent;
    logic [23:0] significand;
  } normal_t;

  function automatic normal_t normalise(logic [31:0] number);
    logic [4:0] zeros;
    zeros = '0;
    for (int unsigned i = 0; i < 23; i++) if (number[i]) zeros = 5'(23 - i);
    if (number[30:23] != '0) zeros = '0;
    normalise.significand = {number[30:23] != '0, number[22:0]} << zeros;
    normalise.exponent = exponent_t'({3'b0, number[30:24], number[23] | ~|number[30:23]})
        - exponent_t'({6'b0, zeros});
  endfunction

  // Multiply.
  always_comb begin
    normal_t a, b;
    logic a_infinite, b_infinite, c_infinite, a_zero, b_zero, is_any_nan;
    a = normalise(a_i);
    b = normalise(b_i);
    a_infinite = a_i[30:0] == 31'h7F800000;
    b_infinite = b_i[30:0] == 31'h7F800000;
    c_infinite = c_i[30:0] == 31'h7F800000;
    a_zero = a_i[30:0] == '0;
    b_zero = b_i[30:0] == '0;
    is_any_nan = a_i[30:0] > 31'h7F800000 || b_i[30:0] > 31'h7F800000 || c_i[30:0] > 31'h7F800000;
    multiplied_d.sign = a_i[31] ^ b_i[31];
    multiplied_d.c_sign = c_i[31];
    multiplied_d.is_nan = is_any_nan || a_infinite && b_zero || a_zero && b_infinite
        || (a_infinite || b_infinite) && c_infinite && multiplied_d.sign != c_i[31];
    multiplied_d.is_infinite = a_infinite || b_infinite || c_infinite;
    multiplied_d.infinite_sign = c_infinite ? c_i[31] : multiplied_d.sign;
    multiplied_d.is_zero = (a_zero || b_zero) && c_i[30:0] == '0;
    multiplied_d.zero_sign = multiplied_d.sign && c_i[31];
    multiplied_d.product = 48'(a.significand) * 48'(b.significand);
    // A significand of exponent field e has its lowest place at e - 150.
    multiplied_d.exponent = a.exponent + b.exponent - 11'sd300;
    multiplied_d.c = {c_i[30:23] != '0, c_i[22:0]};
    multiplied_d.distance =
        exponent_t'({3'b0, c_i[30:24], c_i[23] | ~|c_i[30:23]}) - 11'sd150 - multiplied_d.exponent;
    // Nothing lies above c where it is 0, nor above a product that is.
    if (c_i[30:0] == '0) multiplied_d.distance = '0;
    if (a_zero || b_zero) begin
      multiplied_d.exponent = multiplied_d.exponent + multiplied_d.distance - 11'sd24;
      multiplied_d.distance = 11'sd24;
    end
  end

  // Add. The frame is twice as fine as the product's lowest place: its last bit is what lies below.
  always_comb begin
    logic [FrameBits-1:0] product, c, sum;
    logic [48:0] below;
    logic subtracts;
    subtracts = multiplied.sign ^ multiplied.c_sign;
    product = FrameBits'({multiplied.product, 1'b0});
    c = FrameBits'({multiplied.c, 1'b0});
    below = '0;
    added_d.exponent = multiplied.exponent - 11'sd1;
    if (multiplied.distance > exponent_t'(Above)) begin
      product = FrameBits'(multiplied.product != '0);
      c = c << Above;
      added_d.exponent = multiplied.exponent + multiplied.distance - exponent_t'(Above + 1);
    end else if (multiplied.distance >= 0) begin
      c = c << 6'(multiplied.distance);
    end else begin
      below = {multiplied.c, 25'b0}
          >> (multiplied.distance < -11'sd25 ? 5'd25 : 5'(-multiplied.distance));
      c = FrameBits'({below[48:25], |below[24:0]});
    end
    added_d.sign = multiplied.sign;
    if (!subtracts) begin
      sum = product + c;
    end else if (c > product) begin
      sum = c - product;
      added_d.sign = multiplied.c_sign;
    end else begin
      sum = product - c;
    end
    added_d.magnitude = sum;
    added_d.is_special = 1'b1;
    if (multiplied.is_nan) begin
      added_d.special = 32'h7FC00000;
    end else if (multiplied.is_infinite) begin
      added_d.special = {multiplied.infinite_sign, 31'h7F800000};
    end else if (multiplied.is_zero) begin
      added_d.special = {multiplied.zero_sign, 31'b0};
    end else begin
      // Numbers that cancel give +0.
      added_d.special = '0;
      added_d.is_special = sum == '0;
    end
  end

  // Normalise and round: the first bit comes to the top, or the place of the smallest subnormal to its own.
  always_comb begin
    logic [6:0] zeros, shift;
    exponent_t exponent;
    logic [FrameBits-1:0] normal;
    logic [FrameBits+24:0] subnormal;
    logic [22:0] kept;
    logic half, rest, is_tiny;
    logic [31:0] magnitude;
    zeros = '0;
    for (int unsigned i = 0; i < FrameBits; i++) begin
      if (added.magnitude[i]) zeros = 7'(FrameBits - 1 - i);
    end
    // The field of a number whose first bit is at the top.
    exponent = added.exponent + exponent_t'(FrameBits - 1) + 11'sd127
        - exponent_t'({4'b0, zeros});
    normal = added.magnitude << zeros;
    is_tiny = exponent < 11'sd1;
    shift = '0;
    if (is_tiny) shift = exponent < -11'sd24 ? 7'd25 : 7'(11'sd1 - exponent);
    subnormal = {normal, 25'b0} >> shift;
    // The first bit of a normal number is dropped.
    kept = subnormal[FrameBits+23-:23];
    half = subnormal[FrameBits];
    rest = |subnormal[FrameBits-1:0];
    // A carry out of the fraction steps the exponent by itself.
    magnitude = {is_tiny ? 9'b0 : 9'(exponent), kept} + 32'(half && (rest || kept[0]));
    if (added.is_special) result_d = added.special;
    else if (exponent > 11'sd254 || magnitude[31:23] >= 9'd255) begin
      result_d = {added.sign, 31'h7F800000};
    end else result_d = {added.sign, magnitude[30:0]};
  end

  if (Stages == 3) begin : gen_registers
    multiplied_t multiplied_q;
    added_t added_q;
    logic multiplied_valid_q, added_valid_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        multiplied_q <= '0;
        added_q <= '0;
        multiplied_valid_q <= 1'b0;
        added_valid_q <= 1'b0;
      end else begin
        if (valid_i) multiplied_q <= multiplied_d;
        if (multiplied_valid) added_q <= added_d;
        multiplied_valid_q <= valid_i;
        added_valid_q <= multiplied_valid;
      end
    end
    assign multiplied = multiplied_q;
    assign added = added_q;
    assign multiplied_valid = multiplied_valid_q;
    assign added_valid = added_valid_q;
  end else begin : gen_wires
    assign multiplied = multiplied_d;
    assign added = added_d;
    assign multiplied_valid = valid_i;
    assign added_valid = multiplied_valid;
  end

  if (Stages > 0) begin : gen_result_register
    logic valid_q;
    logic [31:0] result_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid_q <= 1'b0;
        result_q <= '0;
      end else begin
        if (added_valid) result_q <= result_d;
        valid_q <= added_valid;
      end
    end
    assign valid_o = valid_q;
    assign result_o = result_q;
  end else begin : gen_result_wire
    assign valid_o = added_valid;
    assign result_o = result_d;
  end

endmodule
