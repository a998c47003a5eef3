// SPDX-License-Identifier: Apache-2.0
// Packed values are restored, whatever is behind the codes; codes are at the front in their
// order, as many as are counted, and none of them is zero.
module swpu_zero_pack_formal #(
  parameter int unsigned Lanes = 8,
  parameter int unsigned Width = 16,
  localparam int unsigned CountBits = $clog2(Lanes + 1)
) (
  input logic [Lanes-1:0][Width-1:0] values_i,
  input logic [Lanes-1:0][Width-1:0] rubbish_i
);

  logic [Lanes-1:0] bitmap;
  logic [Lanes-1:0][Width-1:0] codes, read, values;
  logic [CountBits-1:0] count;

  swpu_zero_pack #(
    .Lanes(Lanes),
    .Width(Width)
  ) i_pack (
    .values_i,
    .bitmap_o(bitmap),
    .codes_o (codes),
    .count_o (count)
  );

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_rubbish
    assign read[lane] = CountBits'(lane) < count ? codes[lane] : rubbish_i[lane];
  end

  swpu_zero_unpack #(
    .Lanes(Lanes),
    .Width(Width)
  ) i_unpack (
    .bitmap_i(bitmap),
    .codes_i (read),
    .values_o(values)
  );

  // The codes one after the other.
  logic [Lanes-1:0][Width-1:0] expected;
  logic [CountBits-1:0] place;
  always_comb begin
    expected = '0;
    place = '0;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      if (values_i[lane] != '0) begin
        for (int unsigned i = 0; i <= lane; i++) begin
          if (place == CountBits'(i)) expected[i] = values_i[lane];
        end
        place = place + 1'b1;
      end
    end
  end

  always_comb begin
    assert (values == values_i);
    assert (codes == expected);
    assert (count == place);
  end

endmodule
