// SPDX-License-Identifier: Apache-2.0
// The compress network in front of a row's multipliers (T3): packs the operand vectors that the row
// needs of a window to the front, and returns packed results to their places.
//
// The settings of the switches are recorded once for a window; data then pass in either direction in
// the same cycle.
module swpu_compress_network #(
  // Lanes E, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  // Bits of a lane.
  parameter int unsigned Width = 16
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  // Records the settings for the lanes of `needed_i`; they hold from the next cycle on.
  input  logic                        record_i,
  input  logic [Lanes-1:0]            needed_i,
  // 0 packs, 1 returns packed results to their places.
  input  logic                        expand_i,
  input  logic [Lanes-1:0][Width-1:0] data_i,
  // Lanes that receive nothing are 0.
  output logic [Lanes-1:0][Width-1:0] data_o
);

  localparam int unsigned Stages = $clog2(Lanes);

  logic [Stages-1:0][Lanes-1:0] occupied_d, occupied_q, moving_d, moving_q;

  swpu_compress_settings #(
    .Lanes(Lanes)
  ) i_settings (
    .needed_i,
    .occupied_o(occupied_d),
    .moving_o  (moving_d)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      occupied_q <= '0;
      moving_q <= '0;
    end else if (record_i) begin
      occupied_q <= occupied_d;
      moving_q <= moving_d;
    end
  end

  swpu_compress_stages #(
    .Lanes(Lanes),
    .Width(Width)
  ) i_stages (
    .expand_i,
    .occupied_i(occupied_q),
    .moving_i  (moving_q),
    .data_i,
    .data_o
  );

endmodule
