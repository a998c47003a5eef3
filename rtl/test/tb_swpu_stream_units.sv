// SPDX-License-Identifier: Apache-2.0
// Compares the stream units and their multiply-add with the model, in every bit. The file `+vectors` holds
// cases; each begins with its kind:
// - 0, stream-in: whether it makes a gradient, has a shortcut, has an activation; scale, shift, slope; raw
//   outputs, others, and the values that come out;
// - 1, stream-out: whether they are gradients, have another use, have an activation; the center of the sums
//   and the number of words; of each word the lanes it has, results, others, values, raw outputs, and what
//   comes out; both totals;
// - 2, update: rate, momentum, decay; operands, rests, velocities, gradients, and the first three again as
//   they come out;
// - 3, multiply-add: a, b, c, and the result.
// Words come with random pauses. Words of several lanes are one number, lane 0 at its end.
module tb_swpu_stream_units;

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::StreamElements;
  localparam int unsigned MostWords = 1 << 16;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, in_valid, out_valid, update_valid, fma_valid, total;
  stream_in_t in_channel;
  stream_out_t out_channel;
  update_t rule;
  operand_t [Lanes-1:0] raw, other, value, operands, rests;
  logic [Lanes-1:0] lanes;
  sum_t [Lanes-1:0] results, velocities, gradients;
  sum_t a, b, c, fma_result, first, second;
  logic in_done, out_done, update_done, fma_done, total_done;
  operand_t [Lanes-1:0] in_values, out_values, new_operands, new_rests;
  sum_t [Lanes-1:0] new_velocities;

  swpu_stream_in i_in (
    .clk_i    (clk),
    .rst_ni   (rst_n),
    .valid_i  (in_valid),
    .channel_i(in_channel),
    .raw_i    (raw),
    .other_i  (other),
    .valid_o  (in_done),
    .values_o (in_values)
  );

  swpu_stream_out i_out (
    .clk_i        (clk),
    .rst_ni       (rst_n),
    .valid_i      (out_valid),
    .channel_i    (out_channel),
    .lanes_i      (lanes),
    .results_i    (results),
    .other_i      (other),
    .value_i      (value),
    .raw_i        (raw),
    .valid_o      (out_done),
    .values_o     (out_values),
    .resumes_i    (1'b0),
    .sums_i       ('0),
    .sums_o       (),
    .total_i      (total),
    .total_valid_o(total_done),
    .first_o      (first),
    .second_o     (second)
  );

  swpu_update i_update (
    .clk_i       (clk),
    .rst_ni      (rst_n),
    .valid_i     (update_valid),
    .rule_i      (rule),
    .operands_i  (operands),
    .rests_i     (rests),
    .velocities_i(velocities),
    .gradients_i (gradients),
    .valid_o     (update_done),
    .operands_o  (new_operands),
    .rests_o     (new_rests),
    .velocities_o(new_velocities)
  );

  swpu_fp32_fma i_fma (
    .clk_i   (clk),
    .rst_ni  (rst_n),
    .valid_i (fma_valid),
    .a_i     (a),
    .b_i     (b),
    .c_i     (c),
    .valid_o (fma_done),
    .result_o(fma_result)
  );

  // What is expected, word after word, and how much of it came.
  operand_t [Lanes-1:0] expected_in[MostWords], expected_out[MostWords];
  operand_t [Lanes-1:0] expected_operands[MostWords], expected_rests[MostWords];
  logic [Lanes-1:0] expected_lanes[MostWords];
  sum_t [Lanes-1:0] expected_velocities[MostWords];
  sum_t expected_fma[MostWords], expected_first, expected_second;
  int in_count, out_count, update_count, fma_count, total_count;
  int in_seen, out_seen, update_seen, fma_seen, total_seen;
  int checked, differing, file;

  function automatic void check(string what, logic is_equal, int number);
    checked++;
    if (!is_equal) begin
      differing++;
      if (differing <= 5) $display("%s %0d differs", what, number);
    end
  endfunction

  always @(posedge clk) begin
    if (in_done) begin
      check("stream-in word", in_values === expected_in[in_seen], in_seen);
      in_seen++;
    end
    if (out_done) begin
      logic is_equal;
      is_equal = 1'b1;
      for (int lane = 0; lane < Lanes; lane++) begin
        if (expected_lanes[out_seen][lane]
            && out_values[lane] !== expected_out[out_seen][lane]) is_equal = 1'b0;
      end
      check("stream-out word", is_equal, out_seen);
      out_seen++;
    end
    if (total_done) begin
      check("first total", first === expected_first, total_seen);
      check("second total", second === expected_second, total_seen);
      total_seen++;
    end
    if (update_done) begin
      check("updated word", new_operands === expected_operands[update_seen]
            && new_rests === expected_rests[update_seen]
            && new_velocities === expected_velocities[update_seen], update_seen);
      update_seen++;
    end
    if (fma_done) begin
      check($sformatf("multiply-add %h, not %h,", fma_result, expected_fma[fma_seen]),
            fma_result === expected_fma[fma_seen], fma_seen);
      fma_seen++;
    end
  end

  task automatic pause();
    in_valid = 1'b0;
    out_valid = 1'b0;
    update_valid = 1'b0;
    fma_valid = 1'b0;
    while ($urandom_range(3) == 0) @(negedge clk);
  endtask

  task automatic rest();
    pause();
    repeat (12) @(negedge clk);
  endtask

  // Scanning into a part of a structure does not reach the logic behind it in Verilator.
  logic [Lanes*32-1:0] wide;
  task automatic scan();
    if ($fscanf(file, "%h", wide) != 1) $fatal(1, "a number is missing");
  endtask
  task automatic scan_operands(output operand_t [Lanes-1:0] word);
    scan();
    word = wide[Lanes*16-1:0];
  endtask
  task automatic scan_sums(output sum_t [Lanes-1:0] word);
    scan();
    word = wide;
  endtask
  task automatic scan_number(output sum_t number);
    scan();
    number = wide[31:0];
  endtask
  task automatic scan_bit(output logic one);
    scan();
    one = wide[0];
  endtask

  initial begin
    string path;
    int kind, words;
    sum_t number;
    in_count = 0;
    out_count = 0;
    update_count = 0;
    fma_count = 0;
    total_count = 0;
    in_seen = 0;
    out_seen = 0;
    update_seen = 0;
    fma_seen = 0;
    total_seen = 0;
    checked = 0;
    differing = 0;
    rst_n = 1'b0;
    total = 1'b0;
    in_channel = '0;
    out_channel = '0;
    rule = '0;
    raw = '0;
    other = '0;
    value = '0;
    operands = '0;
    rests = '0;
    lanes = '0;
    results = '0;
    velocities = '0;
    gradients = '0;
    a = '0;
    b = '0;
    c = '0;
    in_valid = 1'b0;
    out_valid = 1'b0;
    update_valid = 1'b0;
    fma_valid = 1'b0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    while ($fscanf(file, "%d", kind) == 1) begin
      if (in_count >= MostWords || out_count >= MostWords - 64 || update_count >= MostWords
          || fma_count >= MostWords) $fatal(1, "too many words");
      pause();
      case (kind)
        0: begin
          scan_bit(in_channel.is_gradient);
          scan_bit(in_channel.has_shortcut);
          scan_bit(in_channel.activates);
          scan_number(in_channel.scale);
          scan_number(in_channel.shift);
          scan_number(in_channel.slope);
          scan_operands(raw);
          scan_operands(other);
          scan_operands(expected_in[in_count]);
          in_count++;
          in_valid = 1'b1;
          @(negedge clk);
        end
        1: begin
          scan_bit(out_channel.is_gradient);
          scan_bit(out_channel.has_other);
          scan_bit(out_channel.activates);
          scan_number(out_channel.center);
          scan_number(number);
          words = int'(number);
          for (int word = 0; word < words; word++) begin
            scan();
            lanes = wide[Lanes-1:0];
            expected_lanes[out_count] = lanes;
            scan_sums(results);
            scan_operands(other);
            scan_operands(value);
            scan_operands(raw);
            scan_operands(expected_out[out_count]);
            out_count++;
            out_valid = 1'b1;
            @(negedge clk);
            pause();
          end
          rest();
          scan_number(expected_first);
          scan_number(expected_second);
          total_count++;
          total = 1'b1;
          @(negedge clk);
          total = 1'b0;
          rest();
        end
        2: begin
          scan_number(rule.rate);
          scan_number(rule.momentum);
          scan_number(rule.decay);
          scan_operands(operands);
          scan_operands(rests);
          scan_sums(velocities);
          scan_sums(gradients);
          scan_operands(expected_operands[update_count]);
          scan_operands(expected_rests[update_count]);
          scan_sums(expected_velocities[update_count]);
          update_count++;
          update_valid = 1'b1;
          @(negedge clk);
        end
        default: begin
          scan_number(a);
          scan_number(b);
          scan_number(c);
          scan_number(expected_fma[fma_count]);
          fma_count++;
          fma_valid = 1'b1;
          @(negedge clk);
        end
      endcase
    end
    rest();
    if (in_seen != in_count || out_seen != out_count || update_seen != update_count
        || fma_seen != fma_count || total_seen != total_count) $fatal(1, "words are missing");
    $fclose(file);
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
