// SPDX-License-Identifier: Apache-2.0
// An inverse butterfly: log2(E) columns of E/2 two-by-two switches, column j over lanes 2^j apart.
// Packs any window as the compress network does, with the switches set from outside; a lane always
// sees both inputs of its switch, whether they move or not. Combinational.
module swpu_butterfly_network #(
  // Lanes E of the network, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  // Bits of a lane.
  parameter int unsigned Width = 16,
  localparam int unsigned Stages = $clog2(Lanes)
) (
  // Bit i of a column crosses the pair whose lower lane is the i-th of the lower lanes.
  input  logic [Stages-1:0][Lanes/2-1:0] crosses_i,
  input  logic [Lanes-1:0][Width-1:0]    data_i,
  output logic [Lanes-1:0][Width-1:0]    data_o
);

  if (Lanes < 2 || $countones(Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  logic [Lanes-1:0][Width-1:0] column[Stages+1]  /* verilator split_var */;

  assign column[0] = data_i;
  assign data_o = column[Stages];

  for (genvar stage = 0; stage < Stages; stage++) begin : gen_column
    for (genvar pair = 0; pair < Lanes / 2; pair++) begin : gen_switch
      localparam int unsigned Apart = 1 << stage;
      localparam int unsigned Low = pair / Apart * 2 * Apart + pair % Apart;
      localparam int unsigned High = Low + Apart;

      assign column[stage+1][Low] =
          crosses_i[stage][pair] ? column[stage][High] : column[stage][Low];
      assign column[stage+1][High] =
          crosses_i[stage][pair] ? column[stage][Low] : column[stage][High];
    end
  end

endmodule
