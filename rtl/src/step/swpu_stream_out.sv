// SPDX-License-Identifier: Apache-2.0
// Rounds results while they move from the memories to the DRAM, a word of a channel a cycle, and adds up the
// sums of the channel.
//
// Raw outputs y are rounded to BF16; their sums are those of y - r and of its square, r near the mean.
// Gradients of a value are the sum of those of its uses, where the activation let the value through, else 0;
// their sums are those of g and of g · y. A value i of the channel goes to lane i mod e; at the end the
// lanes are added by a balanced tree. A word comes out 8 cycles later, its sums are complete in the cycle
// behind.
//
// A lane adds to its sums in each cycle, so the multiply-adds of the sums take one: what the other
// units do in three.
module swpu_stream_out #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::StreamElements
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  input  logic                                        valid_i,
  input  swpu_types_pkg::stream_out_t                 channel_i,
  // Values that the word has, from lane 0 on, all but the last of a channel all.
  input  logic [Lanes-1:0]                            lanes_i,
  // Results of the array; of gradients those of the other use, the value, and the raw output before it.
  input  swpu_types_pkg::sum_t [Lanes-1:0]            results_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        other_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        value_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        raw_i,
  output logic                                        valid_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        values_o,
  // With `valid_o`: the word is the first of a channel, whose sums in other blocks go on. Those of the lanes.
  input  logic                                        resumes_i,
  input  swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_i,
  output swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_o,
  // Adds the lanes up, once all words are out; the totals follow as many cycles later as the tree has
  // levels, and with them the sums are 0 again.
  input  logic                                        total_i,
  output logic                                        total_valid_o,
  output swpu_types_pkg::sum_t                        first_o,
  output swpu_types_pkg::sum_t                        second_o
);

  if (Lanes < 2 || $countones(Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Stages = 3;
  localparam int unsigned Levels = $clog2(Lanes);
  localparam sum_t One = 32'h3F800000;

  // What a word needs behind the first multiply-add.
  typedef struct packed {
    logic                 is_gradient;
    sum_t                 center;
    logic [Lanes-1:0]     lanes;
    logic [Lanes-1:0]     passes;
    operand_t [Lanes-1:0] raw;
  } word_t;

  // A word comes out behind the two multiply-adds, and between them the mask and the rounding.
  localparam int unsigned Depth = 2 * Stages + 2;

  word_t word, word_q[1:Depth];
  logic [Lanes-1:0] first_valid, term_valid;
  sum_t [Lanes-1:0] sum, masked_q, term, factor;
  operand_t [Lanes-1:0] rounded_q, values_q[1:Stages];
  logic masked_valid_q, rounded_valid_q;

  always_comb begin
    word.is_gradient = channel_i.is_gradient;
    word.center = channel_i.center;
    word.lanes = lanes_i;
    word.raw = raw_i;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      // More than 0.
      word.passes[lane] = !channel_i.is_gradient || !channel_i.activates
          || !value_i[lane][15] && value_i[lane] != '0 && value_i[lane] <= 16'h7F80;
    end
  end

  sum_t [Lanes-1:0] firsts_q, seconds_q;
  logic [Levels-1:0] level_q;
  logic is_adding_q;

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    // A raw output as it is, or a gradient and that of the other use, or -0.
    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_sum (
      .clk_i,
      .rst_ni,
      .valid_i,
      .a_i     (results_i[lane]),
      .b_i     (One),
      .c_i     (channel_i.is_gradient && channel_i.has_other ? {other_i[lane], 16'b0}
                                                             : 32'h80000000),
      .valid_o (first_valid[lane]),
      .result_o(sum[lane])
    );

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        masked_q[lane] <= '0;
        rounded_q[lane] <= '0;
      end else begin
        if (first_valid[lane]) masked_q[lane] <= word_q[Stages].passes[lane] ? sum[lane] : '0;
        if (masked_valid_q) rounded_q[lane] <= to_operand(masked_q[lane]);
      end
    end

    // Less the center.
    swpu_fp32_fma #(
      .Stages(Stages)
    ) i_difference (
      .clk_i,
      .rst_ni,
      .valid_i (rounded_valid_q),
      .a_i     ({rounded_q[lane], 16'b0}),
      .b_i     (One),
      .c_i     (word_q[Stages+2].is_gradient
          ? 32'h80000000 : {!word_q[Stages+2].center[31], word_q[Stages+2].center[30:0]}),
      .valid_o (term_valid[lane]),
      .result_o(term[lane])
    );
    assign values_o[lane] = values_q[Stages][lane];

    // The sums; while lanes are added up, each of the first half takes two neighbours.
    localparam int unsigned Left = 2 * lane % Lanes;
    localparam int unsigned Right = (2 * lane + 1) % Lanes;
    sum_t first_d, second_d;
    assign factor[lane] = word_q[Depth].is_gradient ? {word_q[Depth].raw[lane], 16'b0}
                                                         : term[lane];
    swpu_fp32_fma #(
      .Stages(0)
    ) i_first (
      .clk_i,
      .rst_ni,
      .valid_i (1'b1),
      .a_i     (is_adding_q ? firsts_q[Left] : term[lane]),
      .b_i     (One),
      .c_i     (is_adding_q ? firsts_q[Right] : resumes_i ? sums_i[0][lane] : firsts_q[lane]),
      .valid_o (),
      .result_o(first_d)
    );
    swpu_fp32_fma #(
      .Stages(0)
    ) i_second (
      .clk_i,
      .rst_ni,
      .valid_i (1'b1),
      .a_i     (is_adding_q ? seconds_q[Left] : term[lane]),
      .b_i     (is_adding_q ? One : factor[lane]),
      .c_i     (is_adding_q ? seconds_q[Right] : resumes_i ? sums_i[1][lane] : seconds_q[lane]),
      .valid_o (),
      .result_o(second_d)
    );
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        firsts_q[lane] <= '0;
        seconds_q[lane] <= '0;
      end else if (total_valid_o) begin
        firsts_q[lane] <= '0;
        seconds_q[lane] <= '0;
      end else if (is_adding_q || valid_o && word_q[Depth].lanes[lane]) begin
        firsts_q[lane] <= first_d;
        seconds_q[lane] <= second_d;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      for (int unsigned i = 1; i <= Depth; i++) word_q[i] <= '0;
      for (int unsigned i = 1; i <= Stages; i++) values_q[i] <= '0;
      masked_valid_q <= 1'b0;
      rounded_valid_q <= 1'b0;
      is_adding_q <= 1'b0;
      level_q <= '0;
      total_valid_o <= 1'b0;
    end else begin
      if (valid_i) word_q[1] <= word;
      for (int unsigned i = 2; i <= Depth; i++) word_q[i] <= word_q[i-1];
      values_q[1] <= rounded_q;
      for (int unsigned i = 2; i <= Stages; i++) values_q[i] <= values_q[i-1];
      masked_valid_q <= first_valid[0];
      rounded_valid_q <= masked_valid_q;
      if (total_i) begin
        is_adding_q <= 1'b1;
        level_q <= '0;
      end else if (is_adding_q) begin
        level_q <= level_q + 1'b1;
        if (level_q == Levels'(Levels - 1)) is_adding_q <= 1'b0;
      end
      total_valid_o <= is_adding_q && level_q == Levels'(Levels - 1);
    end
  end

  assign valid_o = &term_valid;
  assign sums_o = {seconds_q, firsts_q};
  assign first_o = firsts_q[0];
  assign second_o = seconds_q[0];

`ifndef SYNTHESIS
  // Lanes are added up when all words are out.
  assert property (@(posedge clk_i) disable iff (!rst_ni) !is_adding_q || !valid_o);
`endif

endmodule
