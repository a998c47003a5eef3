// SPDX-License-Identifier: Apache-2.0
// The list of a group is a permutation of the lines that it needs: none is lost, none is there twice, no
// other one, and each with what the rows need of it.
//
// For any one line, in any state that the unit can reach; masks are arbitrary.
module swpu_line_list_formal #(
  parameter int unsigned Lookahead = 4
) (
  input logic                                              clk_i,
  input logic                                              start_i,
  input logic [swpu_types_pkg::RowBits-1:0]                last_row_i,
  input logic [swpu_types_pkg::WordBits-1:0]               last_word_i,
  input logic [swpu_types_pkg::KernelBits-1:0]             last_kernel_row_i,
  input logic [swpu_types_pkg::KernelBits-1:0]             last_kernel_column_i,
  input logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0] masks_i,
  // The line whose fate is followed.
  input logic [swpu_types_pkg::EntryBits-1:0]              line_i
);

  import swpu_types_pkg::*;

  list_write_t list;
  logic        done;

  swpu_line_list #(
    .Lookahead(Lookahead)
  ) i_list (
    .clk_i,
    .rst_ni (1'b1),
    .start_i,
    .last_row_i,
    .last_word_i,
    .last_kernel_row_i,
    .last_kernel_column_i,
    .word_o (),
    .masks_i,
    .list_o (list),
    .done_o (done)
  );

  localparam logic [1:0] Idle = 0, Begin = 1, Run = 2, Fill = 3;

  // What was so when the unit looked at the line, and whether it has listed it.
  logic was_needed_q = 1'b0, was_listed_q = 1'b0, is_listed;
  logic [swpu_pkg::Rows-1:0][KernelSize-1:0] needed_q;
  assign is_listed = i_list.chooses && list.line.line == line_i;
  always_ff @(posedge clk_i) begin
    if (start_i) begin
      was_needed_q <= 1'b0;
      was_listed_q <= 1'b0;
    end else begin
      if (i_list.looks && i_list.line_q == line_i) begin
        was_needed_q <= i_list.looked.needed != '0;
        needed_q <= i_list.looked.needed;
      end
      if (is_listed) was_listed_q <= 1'b1;
    end
  end

  logic has_past_q = 1'b0;
  logic [WordBits-1:0] last_word_q;
  logic [KernelBits-1:0] last_column_q;
  logic [EntryBits-1:0] followed_q;
  always_ff @(posedge clk_i) begin
    has_past_q <= 1'b1;
    last_word_q <= last_word_i;
    last_column_q <= last_kernel_column_i;
    followed_q <= line_i;
  end

  logic is_left, are_ascending, are_behind, is_unchanged;
  always_comb begin
    is_left = 1'b0;
    are_ascending = 1'b1;
    are_behind = 1'b1;
    is_unchanged = 1'b1;
    for (int unsigned i = 0; i < Lookahead; i++) begin
      if (i < 32'(i_list.count_q)) begin
        if (i_list.left_q[i].line == line_i) begin
          is_left = 1'b1;
          if (i_list.left_q[i].needed != needed_q) is_unchanged = 1'b0;
        end
        if (i_list.left_q[i].line >= i_list.line_q) are_behind = 1'b0;
        if (i > 0 && i_list.left_q[i].line <= i_list.left_q[(i+Lookahead-1)%Lookahead].line) begin
          are_ascending = 1'b0;
        end
      end
    end
  end

  always_comb begin
    assume (!start_i || i_list.state_q == Idle);
    assume (last_kernel_column_i < KernelBits'(KernelSize));
    // Lines and entries keep their number of bits.
    assume (32'(last_word_i) < RowWords - 2);
    assume (!has_past_q || i_list.state_q == Idle
        || last_word_i == last_word_q && last_kernel_column_i == last_column_q);
    assume (!has_past_q || line_i == followed_q);

    // It goes through all entries, line by line.
    assert (i_list.state_q != Run || i_list.next_q != '0
        && 32'(i_list.entry_q)
            == (32'(i_list.next_q) - 1) * swpu_pkg::MaskWord + 32'(i_list.first_q));
    assert (i_list.state_q != Run || 32'(i_list.next_q) <= 32'(last_word_i) + 2
        && 32'(i_list.first_q) < swpu_pkg::MaskWord && i_list.line_q <= i_list.entry_q);
    assert (i_list.state_q != Begin || i_list.line_q == '0 && i_list.entry_q == '0
        && i_list.first_q == '0);
    assert (32'(i_list.count_q) <= Lookahead && (i_list.state_q == Run || i_list.count_q == '0));
    assert (are_ascending && are_behind);
    assert (i_list.state_q != Fill || 32'(i_list.next_q) == 32'(last_word_i) + 2);
    // A line that is needed is left or listed, and not both; no other one is.
    assert (was_needed_q == (is_left || was_listed_q) && !(is_left && was_listed_q));
    assert (!is_left || is_unchanged);
    assert (!was_needed_q || line_i < i_list.line_q);
    // It is listed once, with what is needed of it, and has been when the list is done.
    assert (!is_listed || was_needed_q && !was_listed_q && list.line.needed == needed_q);
    assert (!done || was_needed_q == was_listed_q);
  end

endmodule
