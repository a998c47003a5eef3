// SPDX-License-Identifier: Apache-2.0
// The data path of the compress network: log2(E) columns of one 3:1 multiplexer a lane, used in both
// directions. Combinational.
//
// Packing runs through stages 0, 1, …; the way back through the same settings in the opposite order.
// So column j moves vectors down by 2^j, or up by what stage Stages-1-j moved them down. Every input
// of a multiplexer is isolated where it leaves its lane: the wires of a lane that does not move, or
// that carries nothing, rest at 0.
module swpu_compress_stages #(
  // Lanes E of the network, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  // Bits of a lane.
  parameter int unsigned Width = 16,
  localparam int unsigned Stages = $clog2(Lanes)
) (
  // 0 packs, 1 returns packed results to their places.
  input  logic                         expand_i,
  input  logic [Stages-1:0][Lanes-1:0] occupied_i,
  input  logic [Stages-1:0][Lanes-1:0] moving_i,
  input  logic [Lanes-1:0][Width-1:0]  data_i,
  // Lanes that receive nothing are 0.
  output logic [Lanes-1:0][Width-1:0]  data_o
);

  if (Lanes < 2 || Lanes != 1 << Stages) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  if (Width < 1) begin : gen_width
    $error("Width is %0d; 1 or more are allowed", Width);
  end

  logic [Lanes-1:0][Width-1:0] column[Stages+1]  /* verilator split_var */;

  assign column[0] = data_i;
  assign data_o = column[Stages];

  for (genvar stage = 0; stage < Stages; stage++) begin : gen_column
    // The stage whose settings this column undoes on the way back.
    localparam int unsigned Back = Stages - 1 - stage;
    localparam int unsigned Down = 1 << stage;
    localparam int unsigned Up = 1 << Back;

    logic [Lanes-1:0] stays, falls, rises;
    logic [Lanes-1:0][Width-1:0] stay, fall, rise;

    assign stays = expand_i ? occupied_i[Back] & ~moving_i[Back]
                            : occupied_i[stage] & ~moving_i[stage];
    assign falls = expand_i ? '0 : moving_i[stage];
    assign rises = expand_i ? moving_i[Back] >> Up : '0;

    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_isolation
      assign stay[lane] = column[stage][lane] & {Width{stays[lane]}};
      assign fall[lane] = column[stage][lane] & {Width{falls[lane]}};
      assign rise[lane] = column[stage][lane] & {Width{rises[lane]}};
    end
    assign column[stage+1] = stay | fall >> Down * Width | rise << Up * Width;
  end

endmodule
