// SPDX-License-Identifier: Apache-2.0
// FP32 addition, rounded to nearest, ties to even, with subnormals and infinities; the only NaN that
// it gives is 0x7FC00000. A new sum each cycle, each `AdderStages` cycles later.
module swpu_fp32_add #(
  // Cycles A: 1, 2 (align and add; normalise and round) or 3 (align; add; normalise and round).
  parameter int unsigned AdderStages = swpu_pkg::AdderStages
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        valid_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic        valid_o,
  output logic [31:0] sum_o
);

  if (AdderStages < 1 || AdderStages > 3) begin : gen_stages
    $error("AdderStages is %0d; 1 to 3 are allowed", AdderStages);
  end

  typedef struct packed {
    logic        is_nan;
    logic        is_infinite;
    // Of the larger operand.
    logic        sign;
    logic [7:0]  exponent;
    logic        subtracts;
    // Significands with three more places: the half, the quarter, and whether anything is below.
    logic [26:0] larger;
    logic [26:0] lesser;
  } aligned_t;

  typedef struct packed {
    logic        is_nan;
    logic        is_infinite;
    logic        sign;
    logic [7:0]  exponent;
    logic [27:0] magnitude;
  } added_t;

  aligned_t aligned_d, aligned;
  added_t added_d, added;
  logic aligned_valid, added_valid;
  logic [31:0] sum_d;

  // Align.
  logic [31:0] larger, lesser;
  logic [7:0] lesser_exponent, distance;
  logic [53:0] shifted;

  always_comb begin
    {larger, lesser} = b_i[30:0] > a_i[30:0] ? {b_i, a_i} : {a_i, b_i};
    aligned_d.subtracts = larger[31] ^ lesser[31];
    // A number that is not finite has the larger magnitude, and a NaN a larger one than infinity.
    aligned_d.is_nan = &larger[30:23]
        && (|larger[22:0] || (&lesser[30:23] && aligned_d.subtracts));
    aligned_d.is_infinite = &larger[30:23];
    aligned_d.sign = larger[31];
    // A subnormal has the exponent of field 1 and no hidden bit.
    aligned_d.exponent = {larger[30:24], larger[23] | ~|larger[30:23]};
    lesser_exponent = {lesser[30:24], lesser[23] | ~|lesser[30:23]};
    distance = aligned_d.exponent - lesser_exponent;
    shifted = {|lesser[30:23], lesser[22:0], 30'b0} >> (distance > 8'd27 ? 8'd27 : distance);
    aligned_d.larger = {|larger[30:23], larger[22:0], 3'b0};
    aligned_d.lesser = {shifted[53:28], |shifted[27:0]};
  end

  // Add.
  always_comb begin
    added_d.is_nan = aligned.is_nan;
    added_d.is_infinite = aligned.is_infinite;
    added_d.exponent = aligned.exponent;
    added_d.magnitude = aligned.subtracts ? {1'b0, aligned.larger} - {1'b0, aligned.lesser}
                                    : {1'b0, aligned.larger} + {1'b0, aligned.lesser};
    // Numbers that cancel give +0.
    added_d.sign = aligned.sign && !(aligned.subtracts && added_d.magnitude == '0);
  end

  // Normalise and round.
  logic [4:0] leading_zeros, shift;
  logic [8:0] exponent;
  logic [26:0] normal;
  logic round_up;
  logic [31:0] magnitude;

  always_comb begin
    leading_zeros = 5'd27;
    for (int unsigned i = 0; i < 27; i++) begin
      if (added.magnitude[i]) leading_zeros = 5'(26 - i);
    end
    // Numbers below the normal ones stop at exponent 1.
    shift = {3'b0, leading_zeros} < added.exponent ? leading_zeros : 5'(added.exponent - 8'd1);
    if (added.magnitude[27]) begin
      normal = {added.magnitude[27:2], |added.magnitude[1:0]};
      exponent = {1'b0, added.exponent} + 9'd1;
    end else begin
      normal = added.magnitude[26:0] << shift;
      exponent = {1'b0, added.exponent} - {4'b0, shift};
    end
    round_up = normal[2] && (|normal[1:0] || normal[3]);
    // A carry out of the fraction steps the exponent by itself.
    magnitude = {normal[26] ? exponent : 9'b0, normal[25:3]} + 32'(round_up);
    if (added.is_nan) sum_d = 32'h7FC00000;
    else if (added.is_infinite || magnitude[31:23] >= 9'd255) sum_d = {added.sign, 31'h7F800000};
    else sum_d = {added.sign, magnitude[30:0]};
  end

  if (AdderStages >= 3) begin : gen_aligned_register
    aligned_t aligned_q;
    logic valid_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        aligned_q <= '0;
        valid_q <= 1'b0;
      end else begin
        if (valid_i) aligned_q <= aligned_d;
        valid_q <= valid_i;
      end
    end
    assign aligned = aligned_q;
    assign aligned_valid = valid_q;
  end else begin : gen_aligned_wire
    assign aligned = aligned_d;
    assign aligned_valid = valid_i;
  end

  if (AdderStages >= 2) begin : gen_added_register
    added_t added_q;
    logic valid_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        added_q <= '0;
        valid_q <= 1'b0;
      end else begin
        if (aligned_valid) added_q <= added_d;
        valid_q <= aligned_valid;
      end
    end
    assign added = added_q;
    assign added_valid = valid_q;
  end else begin : gen_added_wire
    assign added = added_d;
    assign added_valid = aligned_valid;
  end

  logic [31:0] sum_q;
  logic valid_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sum_q <= '0;
      valid_q <= 1'b0;
    end else begin
      if (added_valid) sum_q <= sum_d;
      valid_q <= added_valid;
    end
  end
  assign valid_o = valid_q;
  assign sum_o = sum_q;

endmodule
