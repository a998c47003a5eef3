// The scan of the detect-before-load controller (T2): ORs the masks of a group's rows, finds the
// entries that any row needs, one set bit after the next, and packs them into windows of E, with what
// each row needs of them.
//
// Masks come a word at a time, of all rows together, with the entries of the word whose tap reads
// inside the map in the tile at hand; only those are emitted. A window is complete when it is full or
// the last word is through, and stays until it is taken.
module swpu_scan_unit #(
  // Rows G of a group.
  parameter int unsigned Rows = swpu_pkg::Rows,
  // Entries E of a window.
  parameter int unsigned Window = swpu_pkg::Window,
  // Words of a row's mask at most.
  parameter int unsigned RowWords = 128,
  // Entries found in a cycle, all in one word.
  parameter int unsigned Finds = 4,
  localparam int unsigned WordBits = $clog2(RowWords),
  localparam int unsigned EntryBits = $clog2(RowWords * swpu_pkg::MaskWord),
  localparam int unsigned CountBits = $clog2(Window + 1)
) (
  input  logic                                    clk_i,
  input  logic                                    rst_ni,
  // Words in order; those of rows that the group does not have are 0.
  input  logic                                    word_valid_i,
  output logic                                    word_ready_o,
  input  logic [Rows-1:0][swpu_pkg::MaskWord-1:0] masks_i,
  input  logic           [swpu_pkg::MaskWord-1:0] inside_i,
  input  logic                                    last_word_i,
  // A window.
  output logic                                    window_valid_o,
  input  logic                                    window_ready_i,
  // Entries in the window, and the number of each; lanes from `count_o` on hold 0.
  output logic [CountBits-1:0]                    count_o,
  output logic [Window-1:0][EntryBits-1:0]        entries_o,
  // Lanes that each row needs, and how many.
  output logic [Rows-1:0][Window-1:0]             needed_o,
  output logic [Rows-1:0][CountBits-1:0]          needed_count_o,
  // No entry is left behind the window.
  output logic                                    last_window_o,
  // All windows of the masks are taken, or there was none; for one cycle.
  output logic                                    done_o
);

  // The word under way, and its entries that are still to be packed.
  logic has_word_q, last_word_q;
  logic [WordBits-1:0] word_q;
  logic [Rows-1:0][swpu_pkg::MaskWord-1:0] masks_q;
  logic [swpu_pkg::MaskWord-1:0] rest_d, rest_q;

  logic [CountBits-1:0] count_d, count_q;
  logic [Window-1:0][EntryBits-1:0] entries_d, entries_q;
  logic [Rows-1:0][Window-1:0] needed_d, needed_q;
  logic [Rows-1:0][CountBits-1:0] needed_count_d, needed_count_q;

  logic is_through, takes_word, takes_window;
  logic [swpu_pkg::MaskWord-1:0] wanted;

  // The last word is through. (Held back until then, a full window knows whether it is the last.)
  assign is_through = has_word_q && last_word_q && rest_q == '0;
  assign window_valid_o = (count_q == CountBits'(Window) && rest_q != '0)
      || (count_q != '0 && is_through);
  assign last_window_o = is_through;
  assign takes_window = window_valid_o && window_ready_i;
  assign done_o = is_through && count_q == '0;
  assign word_ready_o = !has_word_q || done_o || (rest_d == '0 && !last_word_q);
  assign takes_word = word_valid_i && word_ready_o;

  always_comb begin
    wanted = '0;
    for (int unsigned row = 0; row < Rows; row++) wanted = wanted | masks_i[row];
    wanted = wanted & inside_i;
  end

  // Bits of a word whose number has bit i set, for each i: they turn one set bit into its number.
  localparam logic [5:0][swpu_pkg::MaskWord-1:0] HasBit = {
    64'hFFFFFFFF00000000,
    64'hFFFF0000FFFF0000,
    64'hFF00FF00FF00FF00,
    64'hF0F0F0F0F0F0F0F0,
    64'hCCCCCCCCCCCCCCCC,
    64'hAAAAAAAAAAAAAAAA
  };

  always_comb begin
    logic [swpu_pkg::MaskWord-1:0] found;
    logic [5:0] bit_index;
    logic [$clog2(Window)-1:0] lane;
    found = '0;
    bit_index = '0;
    lane = '0;
    rest_d = rest_q;
    count_d = count_q;
    entries_d = entries_q;
    needed_d = needed_q;
    needed_count_d = needed_count_q;
    if (takes_window) begin
      count_d = '0;
      entries_d = '0;
      needed_d = '0;
      needed_count_d = '0;
    end else begin
      for (int unsigned find = 0; find < Finds; find++) begin
        if (rest_d != '0 && count_d != CountBits'(Window)) begin
          found = rest_d & -rest_d;
          for (int unsigned i = 0; i < 6; i++) bit_index[i] = |(found & HasBit[i]);
          lane = count_d[$clog2(Window)-1:0];
          entries_d[lane] = {word_q, bit_index};
          for (int unsigned row = 0; row < Rows; row++) begin
            needed_d[row][lane] = |(masks_q[row] & found);
            needed_count_d[row] = needed_count_d[row] + CountBits'(|(masks_q[row] & found));
          end
          rest_d = rest_d & ~found;
          count_d = count_d + 1'b1;
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      has_word_q <= 1'b0;
      last_word_q <= 1'b0;
      word_q <= '0;
      masks_q <= '0;
      rest_q <= '0;
      count_q <= '0;
      entries_q <= '0;
      needed_q <= '0;
      needed_count_q <= '0;
    end else begin
      count_q <= count_d;
      entries_q <= entries_d;
      needed_q <= needed_d;
      needed_count_q <= needed_count_d;
      if (takes_word) begin
        has_word_q <= 1'b1;
        last_word_q <= last_word_i;
        word_q <= has_word_q && !done_o ? word_q + 1'b1 : '0;
        masks_q <= masks_i;
        rest_q <= wanted;
      end else begin
        rest_q <= rest_d;
        if (done_o) has_word_q <= 1'b0;
      end
    end
  end

  assign count_o = count_q;
  assign entries_o = entries_q;
  assign needed_o = needed_q;
  assign needed_count_o = needed_count_q;

endmodule
