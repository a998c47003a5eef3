// SPDX-License-Identifier: Apache-2.0
// A Benes network: 2·log2(E) - 1 columns of E/2 two-by-two switches. Any permutation of the lanes, with
// the switches set from outside (finding them is a search along loops, which is not part of it).
// Combinational.
//
// Columns are a butterfly, lanes E/2 apart first, and its mirror image.
module swpu_benes_network #(
  // Lanes E of the network, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  // Bits of a lane.
  parameter int unsigned Width = 16,
  localparam int unsigned Columns = 2 * $clog2(Lanes) - 1
) (
  // Bit i of a column crosses the pair whose lower lane is the i-th of the lower lanes.
  input  logic [Columns-1:0][Lanes/2-1:0] crosses_i,
  input  logic [Lanes-1:0][Width-1:0]     data_i,
  output logic [Lanes-1:0][Width-1:0]     data_o
);

  if (Lanes < 2 || $countones(Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  logic [Lanes-1:0][Width-1:0] column[Columns+1]  /* verilator split_var */;

  assign column[0] = data_i;
  assign data_o = column[Columns];

  for (genvar place = 0; place < Columns; place++) begin : gen_column
    localparam int unsigned Middle = Columns / 2;
    localparam int unsigned FromMiddle = place < Middle ? Middle - place : place - Middle;
    localparam int unsigned Apart = 1 << FromMiddle;

    for (genvar pair = 0; pair < Lanes / 2; pair++) begin : gen_switch
      localparam int unsigned Low = pair / Apart * 2 * Apart + pair % Apart;
      localparam int unsigned High = Low + Apart;

      assign column[place+1][Low] =
          crosses_i[place][pair] ? column[place][High] : column[place][Low];
      assign column[place+1][High] =
          crosses_i[place][pair] ? column[place][Low] : column[place][High];
    end
  end

endmodule
