// SPDX-License-Identifier: Apache-2.0
// Words of a stream out of the halves of 16 bits in which it arrives from the DRAM, a word a cycle, each in
// the cycle behind that in which its last half arrived.
//
// A word is a value in each lane; or, where zeros are packed, a bitmap and the values that are not zero, so
// that words vary in length and begin wherever the one before them ends.
module swpu_word_reader #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::StreamElements,
  localparam int unsigned BitmapHalves = (Lanes + 15) / 16,
  localparam int unsigned RecordHalves = Lanes + BitmapHalves,
  // Halves that can wait: a record, and what arrives in two cycles.
  localparam int unsigned Depth = RecordHalves + 2 * Lanes,
  localparam int unsigned CountBits = $clog2(Depth + 1)
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  // Halves that arrive, from the lowest on; there has to be room for them.
  output logic [CountBits-1:0]                  room_o,
  input  logic [CountBits-1:0]                  count_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]  halves_i,
  // The word, taken in the cycle in which it is valid; whether its zeros are packed.
  input  logic                                  is_packed_i,
  output logic                                  valid_o,
  output logic [Lanes-1:0]                      bitmap_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]  values_o
);

  if (Lanes < 2 || $countones(Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  import swpu_types_pkg::*;

  localparam int unsigned ShiftBits = CountBits + 4;

  operand_t [Depth-1:0] waiting_d, waiting_q, rest, arriving;
  logic [CountBits-1:0] count_q, taken, left, length;

  assign bitmap_o = Lanes'(waiting_q);
  assign values_o = is_packed_i ? waiting_q[BitmapHalves+:Lanes] : waiting_q[0+:Lanes];
  assign length = is_packed_i ? CountBits'(BitmapHalves) + CountBits'($countones(bitmap_o))
                              : CountBits'(Lanes);
  // What is not here yet is 0, so a bitmap that is not has no ones.
  assign valid_o = count_q >= length && (!is_packed_i || count_q >= CountBits'(BitmapHalves));
  assign taken = valid_o ? length : '0;
  assign left = count_q - taken;
  assign room_o = CountBits'(Depth) - count_q;

  always_comb begin
    arriving = '0;
    for (int unsigned half = 0; half < Lanes; half++) begin
      if (CountBits'(half) < count_i) arriving[half] = halves_i[half];
    end
    rest = waiting_q >> {ShiftBits'(taken) << 4};
    waiting_d = rest | arriving << {ShiftBits'(left) << 4};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting_q <= '0;
      count_q <= '0;
    end else begin
      waiting_q <= waiting_d;
      count_q <= left + count_i;
    end
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk_i) disable iff (!rst_ni) count_i <= room_o);
  assert property (@(posedge clk_i) disable iff (!rst_ni) count_i <= CountBits'(Lanes));
`endif

endmodule
