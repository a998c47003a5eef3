// SPDX-License-Identifier: Apache-2.0
// Packs the zeros out of a word of values on their way to the DRAM: a bit for each value, and the codes
// of those that are not zero, in their order. Combinational.
//
// Only +0 is left out, so that -0 is restored. The compress network moves the codes.
module swpu_zero_pack #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::PortElements,
  // Bits of a value.
  parameter int unsigned Width = 16
) (
  input  logic [Lanes-1:0][Width-1:0] values_i,
  // Whether each value is there.
  output logic [Lanes-1:0]            bitmap_o,
  // The codes of those that are, from lane 0 on; the lanes behind them are 0.
  output logic [Lanes-1:0][Width-1:0] codes_o,
  output logic [$clog2(Lanes+1)-1:0]  count_o
);

  localparam int unsigned Stages = $clog2(Lanes);
  localparam int unsigned CountBits = $clog2(Lanes + 1);

  logic [Stages-1:0][Lanes-1:0] occupied, moving;

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_bitmap
    assign bitmap_o[lane] = values_i[lane] != '0;
  end

  swpu_compress_settings #(
    .Lanes(Lanes)
  ) i_settings (
    .needed_i  (bitmap_o),
    .occupied_o(occupied),
    .moving_o  (moving)
  );

  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(Width)
  ) i_stages (
    .expand_i  (1'b0),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i    (values_i),
    .data_o    (codes_o)
  );

  // Ones of the bitmap, by a tree.
  always_comb begin
    logic [Lanes-1:0][CountBits-1:0] counts;
    for (int unsigned lane = 0; lane < Lanes; lane++) counts[lane] = CountBits'(bitmap_o[lane]);
    for (int unsigned level = 1; level <= Stages; level++) begin
      for (int unsigned i = 0; i < Lanes >> level; i++) counts[i] = counts[2*i] + counts[2*i+1];
    end
    count_o = counts[0];
  end

endmodule
