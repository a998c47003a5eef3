// SPDX-License-Identifier: Apache-2.0
// Makes the list of the lines that a group needs, in an order in which each row needs about equally many
// entries of every window. Greedy: of the next lines that are left in ascending order it takes the one that
// minimises the largest less the mean of the rows' counts in the current window; on a tie the one of which
// more is needed, then the first.
//
// It goes through the masks a line a cycle, and lists a line a cycle as soon as it has as many to choose
// among as it looks ahead, or the last. A window that a line fills in its middle begins anew with the rest
// of the line.
module swpu_line_list #(
  // Lines that it chooses among.
  parameter int unsigned Lookahead = 32
) (
  input  logic                                                      clk_i,
  input  logic                                                      rst_ni,
  // Starts on the masks of a group; what describes them stays until the list is done.
  input  logic                                                      start_i,
  input  logic [swpu_types_pkg::RowBits-1:0]                        last_row_i,
  input  logic [swpu_types_pkg::WordBits-1:0]                       last_word_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_kernel_row_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]                     last_kernel_column_i,
  // Mask memory: the word that is looked at in the next cycle, and that of this cycle. Rows that the group
  // does not have need nothing.
  output logic [swpu_types_pkg::WordBits-1:0]                       word_o,
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::MaskWord-1:0]         masks_i,
  // A line of the list. Behind the last come as many that no row needs as fill a word of the scan.
  output swpu_types_pkg::list_write_t                               list_o,
  // The list is done in this cycle.
  output logic                                                      done_o
);

  if (Lookahead < 1) begin : gen_lookahead
    $error("Lookahead is %0d; 1 or more are allowed", Lookahead);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Bits = swpu_pkg::MaskWord;
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned HeldBits = $clog2(Lookahead + 1);
  // Counts of a row: entries of a window, and of a line more.
  localparam int unsigned SumBits = $clog2(Window + KernelSize + 1);
  localparam int unsigned KeyBits = SumBits + $clog2(Rows + 1);
  localparam int unsigned ColumnBits = $clog2(KernelSize + 1);
  // Places of the trees over the lines and over the rows.
  localparam int unsigned Levels = $clog2(Lookahead);
  localparam int unsigned Places = 1 << Levels;
  localparam int unsigned IndexBits = index_bits(Lookahead);
  localparam int unsigned RowLevels = $clog2(Rows);
  localparam int unsigned RowPlaces = 1 << RowLevels;
  // Counts the entries of a window and of a line behind it.
  localparam int unsigned ReachBits = $clog2(Window + KernelSize + 1);

  typedef logic [KernelSize-1:0] taps_t;
  typedef logic [SumBits-1:0] counts_t;

  typedef enum logic [1:0] {
    Idle,
    // The first word arrives.
    Begin,
    Run,
    // Fills the last word of the list.
    Fill
  } state_e;

  state_e state_d, state_q;

  function automatic logic [ColumnBits-1:0] ones(taps_t taps);
    ones = '0;
    for (int unsigned i = 0; i < KernelSize; i++) ones = ones + ColumnBits'(taps[i]);
  endfunction

  // The masks in their order: a word of each row, and the next one, of which the memory holds the address;
  // where the line begins in the word, and what it is.
  logic [Rows-1:0][Bits-1:0] current_q;
  // The word behind the current one, a bit wider than a word's number.
  logic [WordBits:0] next_d, next_q;
  logic [BitBits:0] first_d, first_q;
  logic [EntryBits-1:0] entry_d, entry_q, line_d, line_q;
  logic [KernelBits-1:0] row_d, row_q;
  logic is_through, looks, crosses;
  listed_line_t looked;
  logic is_needed;

  assign is_through = next_q > (WordBits + 1)'(last_word_i) + 1'b1;
  assign crosses = 32'(first_q) + 32'(last_kernel_column_i) + 1 >= Bits;

  always_comb begin
    logic [2*Bits-1:0] words;
    looked = '{entry: entry_q, line: line_q, row: row_q, needed: '0};
    for (int unsigned row = 0; row < Rows; row++) begin
      words = {next_q > (WordBits + 1)'(last_word_i) ? Bits'(0) : masks_i[row], current_q[row]};
      looked.needed[row] = KernelSize'(words >> first_q)
          & ~({KernelSize{1'b1}} << last_kernel_column_i << 1);
    end
    is_needed = looks && looked.needed != '0;
  end

  // Lines to choose among, in ascending order.
  listed_line_t [Lookahead-1:0] left_d, left_q;
  logic [HeldBits-1:0] count_d, count_q;
  // Of the current window: what each row needs so far, and its entries.
  counts_t [Rows-1:0] counts_d, counts_q;
  logic [CountBits-1:0] held_d, held_q;

  // A line and what speaks for it, and what is so behind it if it is chosen. The key: rows · (max - mean),
  // then what is not needed of it. The least, the first of equals. All that depends on the counts is
  // made for all lines at once, and the choice is a tree, so a choice takes a cycle.
  typedef struct packed {
    logic [KeyBits-1:0]    spread;
    logic [ColumnBits-1:0] unneeded;
  } key_t;

  typedef struct packed {
    logic [IndexBits-1:0] index;
    listed_line_t         line;
    counts_t [Rows-1:0]   counts;
    logic [CountBits-1:0] held;
  } chosen_t;

  typedef struct packed {
    key_t    key;
    chosen_t chosen;
  } choice_t;

  choice_t [Places-1:0] choices;

  for (genvar i = 0; i < Places; i++) begin : gen_choice
    if (i < Lookahead) begin : gen_line
      always_comb begin
        taps_t emitted, belongs;
        counts_t [RowPlaces-1:0] most;
        logic [RowPlaces-1:0][KeyBits-1:0] sum;
        logic [KernelSize-1:0][ReachBits-1:0] reach;
        logic [ReachBits-1:0] last;
        emitted = '0;
        most = '0;
        sum = '0;
        for (int unsigned row = 0; row < Rows; row++) begin
          emitted = emitted | left_q[i].needed[row];
          most[row] = counts_q[row] + SumBits'(ones(left_q[i].needed[row]));
          sum[row] = KeyBits'(most[row]);
        end
        for (int unsigned level = 1; level <= RowLevels; level++) begin
          for (int unsigned k = 0; k < RowPlaces >> level; k++) begin
            most[k] = most[2*k] > most[2*k+1] ? most[2*k] : most[2*k+1];
            sum[k] = sum[2*k] + sum[2*k+1];
          end
        end
        choices[i].key.spread = KeyBits'(32'(most[0]) * (32'(last_row_i) + 1)) - sum[0];
        choices[i].key.unneeded = ColumnBits'(KernelSize) - ones(emitted);
        if (HeldBits'(i) >= count_q) choices[i].key = '1;
        choices[i].chosen.index = IndexBits'(i);
        choices[i].chosen.line = left_q[i];
        // Which entry of this window and the next ones a column is, from 0; a row counts those in the last.
        for (int unsigned column = 0; column < KernelSize; column++) begin
          reach[column] = ReachBits'(held_q) - 1'b1
              + ReachBits'(ones(emitted & ~({KernelSize{1'b1}} << column << 1)));
        end
        last = reach[KernelSize-1];
        for (int unsigned column = 0; column < KernelSize; column++) begin
          belongs[column] = reach[column] / ReachBits'(Window) == last / ReachBits'(Window);
        end
        for (int unsigned row = 0; row < Rows; row++) begin
          choices[i].chosen.counts[row] = (last < ReachBits'(Window) ? counts_q[row] : '0)
              + SumBits'(ones(left_q[i].needed[row] & belongs));
        end
        choices[i].chosen.held = CountBits'(last % ReachBits'(Window)) + 1'b1;
      end
    end else begin : gen_none
      assign choices[i] = '1;
    end
  end

  logic chooses;
  chosen_t best;

  assign chooses = state_q == Run && count_q != '0
      && (count_q == HeldBits'(Lookahead) || is_through);
  always_comb begin
    choice_t [Places-1:0] tree;
    tree = choices;
    for (int unsigned level = 1; level <= Levels; level++) begin
      for (int unsigned k = 0; k < Places >> level; k++) begin
        tree[k] = tree[2*k+1].key < tree[2*k].key ? tree[2*k+1] : tree[2*k];
      end
    end
    best = tree[0].chosen;
  end

  always_comb begin
    counts_d = counts_q;
    held_d = held_q;
    if (chooses) begin
      counts_d = best.counts;
      held_d = best.held;
    end
    if (start_i) begin
      counts_d = '0;
      held_d = '0;
    end
  end

  // A line that is needed joins the others, in the place behind the last; among as many as it looks ahead
  // one is chosen meanwhile.
  assign looks = state_q == Run && !is_through;
  always_comb begin
    left_d = left_q;
    for (int unsigned i = 0; i < Lookahead; i++) begin
      if (chooses && best.index <= IndexBits'(i)) begin
        left_d[i] = i + 1 < Lookahead ? left_q[(i+1)%Lookahead] : '0;
      end
    end
    count_d = count_q - HeldBits'(chooses);
    for (int unsigned i = 0; i < Lookahead; i++) begin
      if (is_needed && count_d == HeldBits'(i)) left_d[i] = looked;
    end
    count_d = count_d + HeldBits'(is_needed);
    if (start_i) count_d = '0;
  end

  // Places of the list.
  logic [EntryBits-1:0] place_d, place_q;
  logic is_word;
  assign is_word = place_q[$clog2(LinesPerScan)-1:0] == '0;

  always_comb begin
    state_d = state_q;
    next_d = next_q;
    first_d = first_q;
    entry_d = entry_q;
    line_d = line_q;
    row_d = row_q;
    place_d = place_q;
    list_o = '{valid: chooses, place: place_q, line: best.line};
    done_o = 1'b0;
    unique case (state_q)
      Idle: ;
      Begin: begin
        next_d = (WordBits + 1)'(1);
        state_d = Run;
      end
      Run: begin
        if (looks) begin
          first_d = first_q + (BitBits + 1)'(last_kernel_column_i) + 1'b1;
          if (crosses) begin
            first_d = first_d - (BitBits + 1)'(Bits);
            next_d = next_q + 1'b1;
          end
          entry_d = entry_q + EntryBits'(last_kernel_column_i) + 1'b1;
          line_d = line_q + 1'b1;
          row_d = row_q == last_kernel_row_i ? '0 : row_q + 1'b1;
        end
        if (is_through && count_q == '0) state_d = Fill;
      end
      default: begin
        list_o.valid = !is_word;
        list_o.line = '0;
        done_o = is_word;
        if (is_word) state_d = Idle;
      end
    endcase
    if (list_o.valid) place_d = place_q + 1'b1;
    if (start_i) begin
      state_d = Begin;
      next_d = '0;
      first_d = '0;
      entry_d = '0;
      line_d = '0;
      row_d = '0;
      place_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      current_q <= '0;
      next_q <= '0;
      first_q <= '0;
      entry_q <= '0;
      line_q <= '0;
      row_q <= '0;
      left_q <= '0;
      count_q <= '0;
      counts_q <= '0;
      held_q <= '0;
      place_q <= '0;
    end else begin
      state_q <= state_d;
      if (state_q == Begin || looks && crosses) current_q <= masks_i;
      next_q <= next_d;
      first_q <= first_d;
      entry_q <= entry_d;
      line_q <= line_d;
      row_q <= row_d;
      left_q <= left_d;
      count_q <= count_d;
      counts_q <= counts_d;
      held_q <= held_d;
      place_q <= place_d;
    end
  end

  assign word_o = next_d[WordBits-1:0];

endmodule
