// SPDX-License-Identifier: Apache-2.0
// A lane that holds changes nothing that is used. Vectors go through the registers of a row twice: as a row
// has them, and through registers in which every lane moves. What is valid is the same in both, and so are
// the operands on which the multipliers work.
module swpu_hold_formal (
  input logic                                                    clk_i,
  input swpu_types_pkg::vector_t                                 vector_i,
  input swpu_types_pkg::operand_t                                weight_i
);

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::Lanes;

  vector_t held1_q = '0, held2_q = '0, held3_q = '0;
  vector_t plain1_q = '0, plain2_q = '0, plain3_q = '0;
  always_ff @(posedge clk_i) begin
    held1_q <= hold(held1_q.values, vector_i);
    held2_q <= hold(held2_q.values, held1_q);
    held3_q <= hold(held3_q.values, held2_q);
    plain1_q <= vector_i;
    plain2_q <= plain1_q;
    plain3_q <= plain2_q;
  end

  function automatic logic is_same(vector_t held, vector_t plain);
    is_same = held.valid == plain.valid;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      if (plain.valid[lane] && held.values[lane] != plain.values[lane]) is_same = 1'b0;
    end
  endfunction

  always_comb begin
    assert (is_same(held1_q, plain1_q));
    assert (is_same(held2_q, plain2_q));
    assert (is_same(held3_q, plain3_q));
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    swpu_bf16_mac i_held (
      .clk_i,
      .rst_ni        (1'b1),
      .valid_i       (held3_q.valid[lane]),
      .a_i           (weight_i),
      .b_i           (held3_q.values[lane]),
      .adds_o        (),
      .product_o     (),
      .turn_i        ('0),
      .turn_o        (),
      .sum_i         ('0),
      .takes_others_i(1'b0),
      .others_valid_i(1'b0),
      .other_a_i     ('0),
      .other_b_i     ('0),
      .valid_o       (),
      .sum_o         ()
    );
    swpu_bf16_mac i_plain (
      .clk_i,
      .rst_ni        (1'b1),
      .valid_i       (plain3_q.valid[lane]),
      .a_i           (weight_i),
      .b_i           (plain3_q.values[lane]),
      .adds_o        (),
      .product_o     (),
      .turn_i        ('0),
      .turn_o        (),
      .sum_i         ('0),
      .takes_others_i(1'b0),
      .others_valid_i(1'b0),
      .other_a_i     ('0),
      .other_b_i     ('0),
      .valid_o       (),
      .sum_o         ()
    );
    always_comb begin
      assert (i_held.operands_valid_q == i_plain.operands_valid_q && i_held.a_q == i_plain.a_q
          && i_held.b_q == i_plain.b_q && i_held.product_valid_q == i_plain.product_valid_q);
    end
  end

endmodule
