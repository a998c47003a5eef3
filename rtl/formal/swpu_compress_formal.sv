// SPDX-License-Identifier: Apache-2.0
// The properties of the network for every mask and all data, one bit a lane (all bits of a lane are
// routed alike): it returns packed data to their places, whatever is behind them, and it
// packs all of them to the front.
//
// If two vectors met at a place on their way, one bit would represent two that may differ, and not
// both could be restored: so the first property also proves that no two vectors meet.
module swpu_compress_formal #(
  parameter int unsigned Lanes = 8,
  localparam int unsigned Stages = $clog2(Lanes)
) (
  input logic [Lanes-1:0] needed_i,
  input logic [Lanes-1:0] data_i,
  input logic [Lanes-1:0] rubbish_i
);

  logic [Stages-1:0][Lanes-1:0] occupied, moving;
  logic [Lanes-1:0] front, packed_data, ones, returned;

  swpu_compress_settings #(
    .Lanes(Lanes)
  ) i_settings (
    .needed_i,
    .occupied_o(occupied),
    .moving_o  (moving)
  );

  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(1)
  ) i_compress (
    .expand_i  (1'b0),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i,
    .data_o    (packed_data)
  );

  // The places of packed data: at the front, as many as are needed.
  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(1)
  ) i_places (
    .expand_i  (1'b0),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i    ('1),
    .data_o    (ones)
  );
  always_comb begin
    front = '0;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      if (needed_i[lane]) front = {front[Lanes-2:0], 1'b1};
    end
  end

  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(1)
  ) i_expand (
    .expand_i  (1'b1),
    .occupied_i(occupied),
    .moving_i  (moving),
    .data_i    (packed_data | (rubbish_i & ~front)),
    .data_o    (returned)
  );

  always_comb begin
    assert (returned == (data_i & needed_i));
    assert (ones == front);
  end

endmodule
