// SPDX-License-Identifier: Apache-2.0
// Repeats the model's additions, a pair a cycle, in adders of 1, 2 and 3 stages. A line of the file
// `+vectors`: whether there is a pair in this cycle, the pair, the sum.
module tb_swpu_fp32_add;

  localparam int unsigned Adders = 3;
  // Cycles of the slowest, that nothing is left on its way.
  localparam int unsigned Depth = 3;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n = 1'b0;
  logic valid = 1'b0;
  logic [31:0] a = '0, b = '0;

  // The requests: [0] in this cycle, [1] in the one before, …
  typedef struct packed {
    logic        is_vector;
    logic        valid;
    logic [31:0] a, b, sum;
  } vector_t;
  vector_t history[Depth+1];

  int checked[Adders], differing[Adders];

  for (genvar index = 0; index < Adders; index++) begin : gen_adder
    localparam int unsigned AdderStages = index + 1;
    logic valid_out;
    logic [31:0] sum;

    swpu_fp32_add #(
      .AdderStages(AdderStages)
    ) dut (
      .clk_i  (clk),
      .rst_ni (rst_n),
      .valid_i(valid),
      .a_i    (a),
      .b_i    (b),
      .valid_o(valid_out),
      .sum_o  (sum)
    );

    initial begin
      checked[index] = 0;
      differing[index] = 0;
    end

    // `history` is that of the negative edge before.
    always @(negedge clk) begin
      vector_t expected;
      expected = history[AdderStages-1];
      if (expected.is_vector) begin
        checked[index]++;
        if (valid_out !== expected.valid || (expected.valid && sum !== expected.sum)) begin
          differing[index]++;
          if (differing[index] == 1) begin
            $display("first difference: %0d stages, %h + %h = %h, not %h (valid %b)", AdderStages,
                     expected.a, expected.b, expected.sum, sum, valid_out);
          end
        end
      end
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
      logic is_valid;
      logic [31:0] first, second, total;
      vector_t vector;
      @(negedge clk);
      #1;
      if ($fscanf(file, "%h %h %h %h\n", is_valid, first, second, total) == 4) begin
        vector = {1'b1, is_valid, first, second, total};
      end else begin
        vector = '0;
        left--;
      end
      for (int i = Depth; i > 0; i--) history[i] = history[i-1];
      history[0] = vector;
      valid = vector.valid;
      a = vector.a;
      b = vector.b;
    end
    $display("checked %0d differing %0d", checked.sum(), differing.sum());
    $finish;
  end

endmodule
