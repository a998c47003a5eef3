// SPDX-License-Identifier: Apache-2.0
// Repeats the model's multiply-adds, a pair of operands a cycle, with adders of 1, 2 and 3
// stages, and one that makes products of zeros too. A line of the file `+vectors`: whether there are
// operands in this cycle, the operands, the partial sum, whether a product is made where zeros are
// gated, the new sum there, and the new sum where they are not.
module tb_swpu_bf16_mac;

  localparam int unsigned Units = 4;
  // Cycles of the slowest, that nothing is left on its way.
  localparam int unsigned Depth = 5;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n = 1'b0;
  logic valid = 1'b0;
  logic [15:0] a = '0, b = '0;
  logic [31:0] sum_in = '0;

  // The requests: [0] in this cycle, [1] in the one before, …
  typedef struct packed {
    logic        is_vector;
    logic        valid;
    logic [15:0] a, b;
    logic [31:0] sum;
    logic        is_made;
    logic [31:0] gated, ungated;
  } vector_t;
  vector_t history[Depth+1];

  int checked[Units], differing[Units];

  for (genvar index = 0; index < Units; index++) begin : gen_unit
    localparam bit Gates = index < 3;
    localparam int unsigned AdderStages = Gates ? index + 1 : 2;
    logic adds, valid_out;
    logic [31:0] sum, product;
    // Goes on by one in every cycle.
    logic [swpu_types_pkg::index_bits(AdderStages)-1:0] turn, turn_out, turn_expected;

    swpu_bf16_mac #(
      .AdderStages     (AdderStages),
      .GateZeroOperands(Gates)
    ) dut (
      .clk_i         (clk),
      .rst_ni        (rst_n),
      .valid_i       (valid),
      .a_i           (a),
      .b_i           (b),
      .adds_o        (adds),
      .product_o     (product),
      .turn_i        (turn),
      .turn_o        (turn_out),
      .sum_i         (sum_in),
      // The first unit adds product and sum as two other numbers.
      .takes_others_i(index == 0),
      .others_valid_i(adds),
      .other_a_i     (product),
      .other_b_i     (sum_in),
      .valid_o       (valid_out),
      .sum_o         (sum)
    );

    initial begin
      checked[index] = 0;
      differing[index] = 0;
      turn = '0;
      turn_expected = '0;
    end

    // `history` is that of the negative edge before.
    always @(negedge clk) begin
      vector_t expected;
      logic is_made;
      logic [31:0] result;
      expected = history[AdderStages+1];
      is_made = Gates ? expected.is_made : expected.valid;
      result = Gates ? expected.gated : expected.ungated;
      if (expected.is_vector) begin
        checked[index]++;
        if (valid_out !== is_made || (is_made && sum !== result)) begin
          differing[index]++;
          if (differing[index] == 1) begin
            $display("first difference: %0d stages, %h + %h * %h = %h, not %h (valid %b, not %b)",
                     AdderStages, expected.sum, expected.a, expected.b, result, sum, is_made,
                     valid_out);
          end
        end
      end
      if (adds !== (Gates ? history[1].is_made : history[1].valid)) begin
        differing[index]++;
        $display("first difference: %0d stages ask for a sum at the wrong time", AdderStages);
      end
      // The turn advances with a product that is made, and stays without.
      if (Gates ? history[1].is_made : history[1].valid) turn_expected = turn;
      if (turn_out !== turn_expected) begin
        differing[index]++;
        $display("first difference: %0d stages, turn %0d, not %0d", AdderStages, turn_out,
                 turn_expected);
      end
      turn <= 32'(turn) + 1 == AdderStages ? '0 : turn + 1'b1;
    end
  end

  initial begin
    string path;
    int file, left;
    for (int i = 0; i <= Depth; i++) history[i] = '0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors in %s", path);
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    left = Depth + 1;
    while (left > 0) begin
      logic is_valid, is_made;
      logic [15:0] first, second;
      logic [31:0] partial, gated, ungated;
      vector_t vector;
      @(negedge clk);
      #1;
      if ($fscanf(file, "%h %h %h %h %h %h %h\n", is_valid, first, second, partial, is_made, gated,
                  ungated) == 7) begin
        vector = {1'b1, is_valid, first, second, partial, is_made, gated, ungated};
      end else begin
        vector = '0;
        left--;
      end
      for (int i = Depth; i > 0; i--) history[i] = history[i-1];
      history[0] = vector;
      valid = vector.valid;
      a = vector.a;
      b = vector.b;
      // Where a product comes out 2 cycles after its operands, its partial sum is there.
      sum_in = history[2].sum;
    end
    $display("checked %0d differing %0d", checked.sum(), differing.sum());
    $finish;
  end

endmodule
