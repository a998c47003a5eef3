// SPDX-License-Identifier: Apache-2.0
// A crossbar: an E:1 multiplexer for each lane, with the number of the lane that it takes. Combinational.
module swpu_crossbar_network #(
  // Lanes E of the network, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  // Bits of a lane.
  parameter int unsigned Width = 16,
  localparam int unsigned LaneBits = $clog2(Lanes)
) (
  input  logic [Lanes-1:0][LaneBits-1:0] takes_i,
  input  logic [Lanes-1:0][Width-1:0]    data_i,
  output logic [Lanes-1:0][Width-1:0]    data_o
);

  if (Lanes < 2 || $countones(Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    assign data_o[lane] = data_i[takes_i[lane]];
  end

endmodule
