// SPDX-License-Identifier: Apache-2.0
// The reorder unit (T1): puts the rows of a layer into groups by the Hamming distance of their masks.
//
// A group is seeded with the row that needs least of those left, then takes again and again the row
// whose distances to the group's rows sum to the least. Equal rows are taken by number.
//
// It reads a word of the mask memory each cycle: all rows once, to count their bits; then, for each
// row that joins a group that is not yet full, that row's words and after them those of every row
// left. The seed of the next group takes a cycle for each row left.
module swpu_hamming_unit #(
  // Rows G of a group.
  parameter int unsigned Rows = swpu_pkg::Rows,
  // Rows of a layer at most.
  parameter int unsigned LayerRows = 512,
  // Words of a row's mask at most.
  parameter int unsigned RowWords = 128,
  localparam int unsigned RowBits = $clog2(LayerRows),
  localparam int unsigned WordBits = $clog2(RowWords),
  localparam int unsigned BitsBits = $clog2(RowWords * swpu_pkg::MaskWord + 1)
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  // Starts on a layer whose last row and last word of a row have these numbers.
  input  logic                          start_i,
  input  logic [RowBits-1:0]            last_row_i,
  input  logic [WordBits-1:0]           last_word_i,
  // Mask memory: data arrive in the cycle after the request.
  output logic                          read_o,
  output logic [RowBits-1:0]            read_row_o,
  output logic [WordBits-1:0]           read_word_o,
  input  logic [swpu_pkg::MaskWord-1:0] read_data_i,
  // The next row of the order.
  output logic                          valid_o,
  output logic [RowBits-1:0]            row_o,
  // The row is the first of a group.
  output logic                          seed_o,
  // A row's bits are counted: rows in order, before the first joins a group.
  output logic                          counted_o,
  output logic [BitsBits-1:0]           bits_o,
  output logic                          busy_o
);

  if (Rows < 1 || Rows > LayerRows) begin : gen_rows
    $error("Rows is %0d; 1 to LayerRows are allowed", Rows);
  end

  if (LayerRows < 2 || RowWords < 2) begin : gen_layer
    $error("%0d rows of %0d words; 2 or more are allowed", LayerRows, RowWords);
  end

  localparam int unsigned CountBits = $clog2(swpu_pkg::MaskWord + 1);
  // Bits of a row, and distances to all rows of a group.
  localparam int unsigned SumBits = $clog2(Rows * RowWords * swpu_pkg::MaskWord + 1);
  localparam int unsigned MemberBits = $clog2(Rows + 1);

  typedef enum logic [2:0] {
    // Nothing to do.
    Idle,
    // Reads all rows and counts their bits.
    Count,
    // Reads the words of the row that joined.
    Fetch,
    // Reads the rows left and adds their distances to it.
    Compare,
    // The last word read is still on its way.
    Drain,
    // Looks for the row left that needs least.
    Seed,
    // The best row joins.
    Join
  } state_e;

  state_e state_d, state_q;

  logic [WordBits-1:0] last_word_q;

  // Rows that are left, in no particular order.
  logic [RowBits-1:0] left_q[LayerRows];
  logic [RowBits:0] left_count_d, left_count_q;
  // Bits that a row needs, and its summed distance to the current group.
  logic [SumBits-1:0] needed_q[LayerRows];
  logic [SumBits-1:0] distance_q[LayerRows];
  // The row that joined last.
  logic [swpu_pkg::MaskWord-1:0] joined_q[RowWords];
  logic [RowBits-1:0] joined_row_q;

  // Rows of the current group.
  logic [MemberBits-1:0] members_d, members_q;

  // Place in the list of rows left, and word of that row.
  logic [RowBits-1:0] place_d, place_q;
  logic [WordBits-1:0] word_d, word_q;
  logic is_last_place, is_last_word;

  assign is_last_place = {1'b0, place_q} == left_count_q - 1'b1;
  assign is_last_word = word_q == last_word_q;

  // The read that was asked for in the cycle before.
  logic read_q, fetches_q, read_last_q;
  logic [RowBits-1:0] read_row_q, read_place_q;
  logic [WordBits-1:0] read_word_q;

  assign read_o = state_q == Count || state_q == Fetch || state_q == Compare;
  assign read_word_o = word_q;
  always_comb begin
    unique case (state_q)
      Count: read_row_o = place_q;
      Fetch: read_row_o = joined_row_q;
      default: read_row_o = left_q[place_q];
    endcase
  end

  // Bits of the word that came, those in which it differs when rows are compared.
  logic counts_q;
  logic [swpu_pkg::MaskWord-1:0] word;
  logic [CountBits-1:0] count;
  logic [SumBits-1:0] sum_d, sum_q, total;

  assign word = counts_q ? read_data_i : read_data_i ^ joined_q[read_word_q];
  always_comb begin
    count = '0;
    for (int unsigned i = 0; i < swpu_pkg::MaskWord; i++) count = count + CountBits'(word[i]);
  end
  assign sum_d = (read_word_q == '0 ? '0 : sum_q) + SumBits'(count);
  // The group's seed is the first row that others are compared with.
  assign total = sum_d + (counts_q || members_q == MemberBits'(1) ? '0 : distance_q[read_row_q]);

  // The best row of a round: the least value, of equal ones the least number.
  logic candidate, is_better, has_best_q;
  logic [SumBits-1:0] candidate_value, best_value_q;
  logic [RowBits-1:0] candidate_row, candidate_place, best_row_q, best_place_q;

  always_comb begin
    if (state_q == Seed) begin
      candidate = 1'b1;
      candidate_place = place_q;
      candidate_row = left_q[place_q];
      candidate_value = needed_q[candidate_row];
    end else begin
      candidate = read_q && !fetches_q && read_last_q;
      candidate_place = read_place_q;
      candidate_row = read_row_q;
      candidate_value = total;
    end
    is_better = !has_best_q || candidate_value < best_value_q
        || (candidate_value == best_value_q && candidate_row < best_row_q);
  end

  assign counted_o = read_q && counts_q && read_last_q;
  assign bits_o = BitsBits'(total);
  assign valid_o = state_q == Join;
  assign row_o = best_row_q;
  assign seed_o = members_q == '0;
  assign busy_o = state_q != Idle;

  always_comb begin
    state_d = state_q;
    place_d = place_q;
    word_d = word_q;
    members_d = members_q;
    left_count_d = left_count_q;
    unique case (state_q)
      Idle: begin
        place_d = '0;
        word_d = '0;
        members_d = '0;
        left_count_d = {1'b0, last_row_i} + 1'b1;
        if (start_i) state_d = Count;
      end
      Fetch: begin
        word_d = is_last_word ? '0 : word_q + 1'b1;
        if (is_last_word) state_d = Compare;
      end
      Count, Compare: begin
        word_d = is_last_word ? '0 : word_q + 1'b1;
        if (is_last_word) place_d = place_q + 1'b1;
        if (is_last_word && is_last_place) state_d = Drain;
      end
      Drain: state_d = Join;
      Seed: begin
        place_d = place_q + 1'b1;
        if (is_last_place) state_d = Join;
      end
      Join: begin
        place_d = '0;
        left_count_d = left_count_q - 1'b1;
        if (members_q == MemberBits'(Rows - 1)) begin
          members_d = '0;
          state_d = Seed;
        end else begin
          members_d = members_q + 1'b1;
          state_d = Fetch;
        end
        if (left_count_q == (RowBits + 1)'(1)) state_d = Idle;
      end
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      last_word_q <= '0;
      left_count_q <= '0;
      members_q <= '0;
      place_q <= '0;
      word_q <= '0;
      joined_row_q <= '0;
      read_q <= 1'b0;
      fetches_q <= 1'b0;
      counts_q <= 1'b0;
      read_last_q <= 1'b0;
      read_row_q <= '0;
      read_place_q <= '0;
      read_word_q <= '0;
      sum_q <= '0;
      has_best_q <= 1'b0;
      best_value_q <= '0;
      best_row_q <= '0;
      best_place_q <= '0;
    end else begin
      state_q <= state_d;
      left_count_q <= left_count_d;
      members_q <= members_d;
      place_q <= place_d;
      word_q <= word_d;
      if (start_i && state_q == Idle) last_word_q <= last_word_i;
      read_q <= read_o;
      fetches_q <= state_q == Fetch;
      counts_q <= state_q == Count;
      read_last_q <= is_last_word;
      read_row_q <= read_row_o;
      read_place_q <= place_q;
      read_word_q <= read_word_o;
      if (read_q) sum_q <= sum_d;
      if (state_q == Join) joined_row_q <= best_row_q;
      if (state_q == Idle || state_q == Join) begin
        has_best_q <= 1'b0;
      end else if (candidate && is_better) begin
        has_best_q <= 1'b1;
        best_value_q <= candidate_value;
        best_row_q <= candidate_row;
        best_place_q <= candidate_place;
      end
    end
  end

  // Memories of the unit; each word is written before it is read.
  always_ff @(posedge clk_i) begin
    if (state_q == Count) left_q[place_q] <= place_q;
    else if (state_q == Join) left_q[best_place_q] <= left_q[RowBits'(left_count_q - 1'b1)];
    if (read_q && fetches_q) joined_q[read_word_q] <= read_data_i;
    if (read_q && !fetches_q && read_last_q) begin
      if (counts_q) needed_q[read_row_q] <= total;
      else distance_q[read_row_q] <= total;
    end
  end

`ifndef SYNTHESIS
  // A layer begins when the one before has ended.
  assert property (@(posedge clk_i) disable iff (!rst_ni) !start_i || !busy_o);
`endif

endmodule
