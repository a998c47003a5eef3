// SPDX-License-Identifier: Apache-2.0
// Loads the masks and weights of a group into a core: row after row, in the order that the reorder unit
// gave them, a word of the mask or a weight a cycle; then its list, a line a cycle. Data of all memories arrive in the cycle after.
module swpu_group_loader #(
  // Whether it loads lists too.
  parameter bit LoadsLists = swpu_pkg::ListLines
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  // A group: its part, the place of its first row in the order, and rows behind that; they stay until
  // it is loaded.
  input  logic                                  start_i,
  input  swpu_types_pkg::part_t                 part_i,
  input  logic [swpu_types_pkg::OrderBits-1:0]  first_row_i,
  input  logic [swpu_types_pkg::RowBits-1:0]    last_row_i,
  // Where its list begins, and the last word of the scan.
  input  swpu_types_pkg::address_t              list_base_i,
  input  logic [swpu_types_pkg::ScanWordBits-1:0] last_scan_word_i,
  // Order of the rows, and the record of each.
  output logic [swpu_types_pkg::OrderBits-1:0]  order_address_o,
  input  logic [swpu_types_pkg::PlaneBits-1:0]  plane_i,
  output logic [swpu_types_pkg::OrderBits-1:0]  row_address_o,
  input  swpu_types_pkg::row_t                  row_i,
  // Mask and weight memory.
  output swpu_types_pkg::address_t              mask_address_o,
  input  logic [swpu_pkg::MaskWord-1:0]         mask_i,
  output swpu_types_pkg::address_t              weight_address_o,
  input  swpu_types_pkg::operand_t              weight_i,
  // Memory of the lists.
  output swpu_types_pkg::address_t              list_address_o,
  input  swpu_types_pkg::listed_line_t          line_i,
  // To the core.
  output swpu_types_pkg::mask_write_t           mask_o,
  output swpu_types_pkg::list_write_t           list_o,
  output swpu_types_pkg::weight_write_t         weight_o,
  // The row of all of these, its plane, and its weights, when they are known.
  output logic [swpu_types_pkg::RowBits-1:0]    row_o,
  output logic                                  knows_row_o,
  output logic [swpu_types_pkg::PlaneBits-1:0]  plane_o,
  output logic [swpu_types_pkg::EntryBits:0]    weights_o,
  output logic                                  done_o
);

  import swpu_types_pkg::*;

  typedef enum logic [2:0] {
    Idle,
    // Asks for the row's plane.
    Order,
    // Reads its record.
    Row,
    Known,
    Masks,
    Weights,
    Lines,
    // The last word is on its way.
    Drain
  } state_e;

  state_e state_d, state_q;
  logic [RowBits-1:0] row_d, row_q, written_row_q;
  logic [PlaneBits-1:0] plane_q;
  row_t known_q;
  // Word of the mask, or weight, that is requested, and that arrives.
  logic [WeightBits:0] place_d, place_q;
  logic [WeightBits-1:0] written_place_q;
  logic reads_mask_q, reads_weight_q;
  // The same of a line; of masks the last word is not that of a list.
  logic [EntryBits-1:0] line_q, written_line_q;
  logic [EntryBits-$clog2(LinesPerScan)-1:0] last_scan_word;
  logic reads_line_q;
  logic is_last_row;

  assign is_last_row = row_q == last_row_i;
  assign last_scan_word = (EntryBits - $clog2(LinesPerScan))'(last_scan_word_i);

  always_comb begin
    state_d = state_q;
    row_d = row_q;
    place_d = place_q;
    unique case (state_q)
      Idle: begin
        row_d = '0;
        if (start_i) state_d = Order;
      end
      Order: state_d = Row;
      Row: state_d = Known;
      Known: begin
        place_d = '0;
        state_d = Masks;
      end
      Masks: begin
        place_d = place_q + 1'b1;
        if (place_q == (WeightBits + 1)'(part_i.last_word)) begin
          place_d = '0;
          state_d = Weights;
        end
      end
      // The weight gradient has none.
      Weights: begin
        place_d = place_q + 1'b1;
        if (part_i.makes_gradients || (EntryBits + 1)'(place_d) >= known_q.weights) begin
          row_d = row_q + 1'b1;
          state_d = is_last_row ? (LoadsLists ? Lines : Drain) : Order;
        end
      end
      Lines: if (line_q == {last_scan_word, {$clog2(LinesPerScan){1'b1}}}) state_d = Drain;
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      row_q <= '0;
      written_row_q <= '0;
      plane_q <= '0;
      known_q <= '0;
      place_q <= '0;
      written_place_q <= '0;
      reads_mask_q <= 1'b0;
      reads_weight_q <= 1'b0;
      line_q <= '0;
      written_line_q <= '0;
      reads_line_q <= 1'b0;
    end else begin
      state_q <= state_d;
      row_q <= row_d;
      written_row_q <= row_q;
      if (state_q == Row) plane_q <= plane_i;
      if (state_q == Known) known_q <= row_i;
      place_q <= place_d;
      written_place_q <= WeightBits'(place_q);
      reads_mask_q <= state_q == Masks;
      reads_weight_q <= state_q == Weights && !part_i.makes_gradients
          && (EntryBits + 1)'(place_q) < known_q.weights;
      line_q <= state_q == Lines ? line_q + 1'b1 : '0;
      written_line_q <= line_q;
      reads_line_q <= state_q == Lines;
    end
  end

  assign order_address_o = first_row_i + OrderBits'(row_q);
  assign row_address_o = part_i.order_base + OrderBits'(plane_i);
  assign mask_address_o = AddressBits'(32'(part_i.mask_base)
      + 32'(plane_q) * (32'(part_i.last_word) + 1) + 32'(place_q));
  assign weight_address_o = known_q.first_weight + AddressBits'(place_q);
  assign mask_o = '{
    valid: reads_mask_q, row: row_o, word: WordBits'(written_place_q), mask: mask_i
  };
  assign weight_o = '{
    valid: reads_weight_q, row: row_o, address: written_place_q, weight: weight_i
  };
  assign list_address_o = list_base_i + AddressBits'(line_q);
  assign list_o = '{valid: reads_line_q, place: written_line_q, line: line_i};
  assign row_o = state_q == Known ? row_q : written_row_q;
  assign knows_row_o = state_q == Known;
  assign plane_o = plane_q;
  assign weights_o = row_i.weights;
  assign done_o = state_q == Drain;

endmodule
