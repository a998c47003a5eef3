// SPDX-License-Identifier: Apache-2.0
// What a block gives, from the memory of results through the stream-out unit to the buffer of what is
// written: reads a word a cycle. It is in the buffer 12 cycles later: a cycle the memory, a register on each
// side, eight in the stream-out unit, two for the zeros that are packed.
//
// Sums of a channel go on from block to block; between two they are outside.
module swpu_store_stream #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::StreamElements,
  localparam int unsigned BitmapHalves = (Lanes + 15) / 16,
  localparam int unsigned RecordHalves = Lanes + BitmapHalves,
  localparam int unsigned RecordBits = $clog2(RecordHalves + 1)
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  // The last cycle before the first of a block.
  input  logic                                        begins_i,
  input  swpu_types_pkg::operation_t                  operation_i,
  input  swpu_types_pkg::block_t                      block_i,
  // Nothing is left of the block behind this cycle; the halves that it has in the buffer then.
  output logic                                        done_o,
  output logic [31:0]                                 halves_o,
  // Words of results and what belongs to them, a cycle behind their number.
  output logic                                        read_o,
  output logic [31:0]                                 read_address_o,
  input  swpu_types_pkg::sum_t [Lanes-1:0]            results_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        other_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        value_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        raw_i,
  // What becomes of the results of a channel.
  output logic [31:0]                                 channel_o,
  input  swpu_types_pkg::stream_out_t                 channel_i,
  // The sums of a channel, in the cycle of its first word; and behind its last.
  output logic [31:0]                                 sums_channel_o,
  input  swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_i,
  output logic                                        sums_write_o,
  output logic [31:0]                                 sums_write_channel_o,
  output swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_o,
  // Halves for the buffer, from one of them on.
  output logic                                        write_o,
  output logic [31:0]                                 write_address_o,
  output logic [RecordBits-1:0]                       write_count_o,
  output swpu_types_pkg::operand_t [RecordHalves-1:0] write_halves_o
);

  import swpu_types_pkg::*;

  // Which channel a word is of, and where in it.
  typedef struct packed {
    logic [31:0] channel;
    logic [31:0] word;
  } place_t;

  function automatic place_t behind(place_t place, logic [31:0] channel_words);
    behind = place.word + 1 == channel_words ? '{channel: place.channel + 1, word: '0}
                                             : '{channel: place.channel, word: place.word + 1};
  endfunction

  typedef struct packed {
    sum_t [Lanes-1:0]     results;
    operand_t [Lanes-1:0] other;
    operand_t [Lanes-1:0] value;
    operand_t [Lanes-1:0] raw;
  } word_t;

  typedef struct packed {
    logic [RecordBits-1:0]       count;
    operand_t [RecordHalves-1:0] halves;
  } record_t;

  logic [31:0] read_q;
  logic [1:0] valid_q;
  word_t word_q;
  place_t in_place_q, out_place_q;
  logic values_valid;
  operand_t [Lanes-1:0] values, codes;
  logic [Lanes-1:0] bitmap;
  logic [$clog2(Lanes+1)-1:0] nonzero;
  record_t record_d, record_q[1:2];
  logic [2:1] record_valid_q;
  logic [31:0] written_q, words_written_q;
  logic is_through_q;

  assign read_o = read_q < block_i.store_words;
  assign read_address_o = read_q;
  assign channel_o = in_place_q.channel;

  swpu_stream_out #(
    .Lanes(Lanes)
  ) i_stream_out (
    .clk_i,
    .rst_ni,
    .valid_i      (valid_q[1]),
    .channel_i,
    .lanes_i      ('1),
    .results_i    (word_q.results),
    .other_i      (word_q.other),
    .value_i      (word_q.value),
    .raw_i        (word_q.raw),
    .valid_o      (values_valid),
    .values_o     (values),
    .resumes_i    (out_place_q.word == '0),
    .sums_i,
    .sums_o,
    .total_i      (1'b0),
    .total_valid_o(),
    .first_o      (),
    .second_o     ()
  );
  assign sums_channel_o = out_place_q.channel;

  // The registers behind it are for synthesis to move into it.
  swpu_zero_pack #(
    .Lanes(Lanes)
  ) i_pack (
    .values_i(values),
    .bitmap_o(bitmap),
    .codes_o (codes),
    .count_o (nonzero)
  );

  always_comb begin
    record_d.count = RecordBits'(Lanes);
    record_d.halves = (RecordHalves * 16)'(values);
    if (operation_i.results_packed) begin
      record_d.count = RecordBits'(BitmapHalves) + RecordBits'(nonzero);
      record_d.halves = {codes, (BitmapHalves * 16)'(bitmap)};
    end
  end

  assign write_o = record_valid_q[2];
  assign write_address_o = written_q;
  assign write_count_o = record_q[2].count;
  assign write_halves_o = record_q[2].halves;
  assign done_o = block_i.store_words == '0 || is_through_q
      || write_o && words_written_q + 1 == block_i.store_words;
  assign halves_o = written_q + (write_o ? 32'(write_count_o) : 32'b0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q <= '0;
      valid_q <= '0;
      word_q <= '0;
      in_place_q <= '0;
      out_place_q <= '0;
      sums_write_o <= 1'b0;
      sums_write_channel_o <= '0;
      record_valid_q <= '0;
      record_q[1] <= '0;
      record_q[2] <= '0;
      written_q <= '0;
      words_written_q <= '0;
      is_through_q <= 1'b0;
    end else begin
      if (read_o) read_q <= read_q + 1;
      valid_q <= {valid_q[0], read_o};
      if (valid_q[0]) begin
        word_q <= '{results: results_i, other: other_i, value: value_i, raw: raw_i};
      end
      if (valid_q[1]) in_place_q <= behind(in_place_q, block_i.store_channel_words);
      if (values_valid) out_place_q <= behind(out_place_q, block_i.store_channel_words);
      sums_write_o <= values_valid && out_place_q.word + 1 == block_i.store_channel_words;
      sums_write_channel_o <= out_place_q.channel;
      record_valid_q <= {record_valid_q[1], values_valid};
      if (values_valid) record_q[1] <= record_d;
      if (record_valid_q[1]) record_q[2] <= record_q[1];
      if (write_o) begin
        written_q <= halves_o;
        words_written_q <= words_written_q + 1;
      end
      is_through_q <= done_o;
      if (begins_i) begin
        read_q <= '0;
        in_place_q <= '0;
        out_place_q <= '0;
        written_q <= '0;
        words_written_q <= '0;
        is_through_q <= 1'b0;
      end
    end
  end

endmodule
