// SPDX-License-Identifier: Apache-2.0
// Brings the values of a word back to their places, as `swpu_zero_pack` packed them. Combinational.
module swpu_zero_unpack #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::PortElements,
  // Bits of a value.
  parameter int unsigned Width = 16
) (
  input  logic [Lanes-1:0]            bitmap_i,
  // Codes from lane 0 on; lanes behind those that the bitmap has are ignored.
  input  logic [Lanes-1:0][Width-1:0] codes_i,
  output logic [Lanes-1:0][Width-1:0] values_o
);

  localparam int unsigned Stages = $clog2(Lanes);

  logic [Stages-1:0][Lanes-1:0] occupied, moving;

  swpu_compress_settings #(
    .Lanes(Lanes)
  ) i_settings (
    .needed_i  (bitmap_i),
    .occupied_o(occupied),
    .moving_o  (moving)
  );

  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(Width)
  ) i_stages (
    .expand_i  (1'b1),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i    (codes_i),
    .data_o    (values_o)
  );

endmodule
