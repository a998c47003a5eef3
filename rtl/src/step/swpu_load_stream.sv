// SPDX-License-Identifier: Apache-2.0
// What a block reads, from the DRAM through the stream-in unit to the memory: takes a word a cycle, in the
// cycle behind the arrival of its last half. Its values are in the memory 12 cycles later: a cycle a register
// on each side, two for the zeros that are unpacked, eight in the stream-in unit.
module swpu_load_stream #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::StreamElements,
  localparam int unsigned RecordHalves = Lanes + (Lanes + 15) / 16,
  localparam int unsigned CountBits = $clog2(RecordHalves + 2 * Lanes + 1)
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  // The last cycle before the first of a block.
  input  logic                                  begins_i,
  input  swpu_types_pkg::operation_t            operation_i,
  input  swpu_types_pkg::block_t                block_i,
  // Nothing is left of the block behind this cycle.
  output logic                                  done_o,
  // Halves that arrive.
  output logic [CountBits-1:0]                  room_o,
  input  logic [CountBits-1:0]                  count_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]  halves_i,
  // What becomes of the values of a channel.
  output logic [31:0]                           channel_o,
  input  swpu_types_pkg::stream_in_t            channel_i,
  // Words of values, by their number in the block.
  output logic                                  write_o,
  output logic [31:0]                           address_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]  values_o
);

  import swpu_types_pkg::*;

  // A word as it was taken, and as it is unpacked.
  typedef struct packed {
    logic                 is_packed;
    // The second of a pair.
    logic                 is_other;
    logic [Lanes-1:0]     bitmap;
    operand_t [Lanes-1:0] values;
  } word_t;

  typedef struct packed {
    logic                 is_other;
    operand_t [Lanes-1:0] values;
  } unpacked_t;

  word_t word_d, word_q;
  unpacked_t unpacked_d, unpacked_q[1:2];
  operand_t [Lanes-1:0] restored, raw_q;
  logic takes, word_valid_q, fires, values_valid;
  logic [2:1] unpacked_valid_q;
  operand_t [Lanes-1:0] values;
  logic is_other_q;
  logic [31:0] word_number_q, channel_q;

  assign word_d.is_other = is_other_q;
  assign word_d.is_packed = is_other_q ? operation_i.other_packed : operation_i.raw_packed;

  swpu_word_reader #(
    .Lanes(Lanes)
  ) i_reader (
    .clk_i,
    .rst_ni,
    .room_o,
    .count_i,
    .halves_i,
    .is_packed_i(word_d.is_packed),
    .valid_o    (takes),
    .bitmap_o   (word_d.bitmap),
    .values_o   (word_d.values)
  );

  // The registers behind it are for synthesis to move into it.
  swpu_zero_unpack #(
    .Lanes(Lanes)
  ) i_unpack (
    .bitmap_i(word_q.bitmap),
    .codes_i (word_q.values),
    .values_o(restored)
  );
  assign unpacked_d = '{
    is_other: word_q.is_other, values: word_q.is_packed ? restored : word_q.values
  };

  assign fires = unpacked_valid_q[2] && (!operation_i.has_pairs || unpacked_q[2].is_other);
  assign channel_o = channel_q;

  swpu_stream_in #(
    .Lanes(Lanes)
  ) i_stream_in (
    .clk_i,
    .rst_ni,
    .valid_i  (fires),
    .channel_i,
    .raw_i    (operation_i.has_pairs ? raw_q : unpacked_q[2].values),
    .other_i  (unpacked_q[2].values),
    .valid_o  (values_valid),
    .values_o (values)
  );

  logic is_through_q;
  logic [31:0] words;
  assign words = operation_i.has_pairs ? block_i.load_words >> 1 : block_i.load_words;
  assign done_o = block_i.load_words == '0 || is_through_q || write_o && address_o + 1 == words;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      is_other_q <= 1'b0;
      word_valid_q <= 1'b0;
      word_q <= '0;
      unpacked_valid_q <= '0;
      unpacked_q[1] <= '0;
      unpacked_q[2] <= '0;
      raw_q <= '0;
      word_number_q <= '0;
      channel_q <= '0;
      write_o <= 1'b0;
      address_o <= '0;
      values_o <= '0;
      is_through_q <= 1'b0;
    end else begin
      word_valid_q <= takes;
      if (takes) begin
        word_q <= word_d;
        is_other_q <= operation_i.has_pairs && !is_other_q;
      end
      unpacked_valid_q <= {unpacked_valid_q[1], word_valid_q};
      if (word_valid_q) unpacked_q[1] <= unpacked_d;
      if (unpacked_valid_q[1]) unpacked_q[2] <= unpacked_q[1];
      if (unpacked_valid_q[2]) raw_q <= unpacked_q[2].values;
      if (fires) begin
        word_number_q <= word_number_q + 1;
        if (word_number_q + 1 == block_i.load_channel_words) begin
          word_number_q <= '0;
          channel_q <= channel_q + 1;
        end
      end
      write_o <= values_valid;
      if (values_valid) values_o <= values;
      if (write_o) address_o <= address_o + 1;
      is_through_q <= done_o;
      if (begins_i) begin
        is_other_q <= 1'b0;
        word_number_q <= '0;
        channel_q <= '0;
        address_o <= '0;
        is_through_q <= 1'b0;
      end
    end
  end

endmodule
