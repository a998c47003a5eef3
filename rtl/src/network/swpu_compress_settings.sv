// SPDX-License-Identifier: Apache-2.0
// The switches that pack the needed lanes of a window to the front. Combinational.
//
// A vector moves down by the number of unneeded lanes below it: by 1 in stage 0 if bit 0 of that
// number is set, by 2 in stage 1 if bit 1 is set, and so on. In this order no two vectors meet.
module swpu_compress_settings #(
  // Lanes E of the network, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::Window,
  localparam int unsigned Stages = $clog2(Lanes)
) (
  input  logic [Lanes-1:0]             needed_i,
  // Lanes that hold a needed vector before each stage.
  output logic [Stages-1:0][Lanes-1:0] occupied_o,
  // Lanes whose vector stage k moves down by 2^k.
  output logic [Stages-1:0][Lanes-1:0] moving_o
);

  if (Lanes < 2 || Lanes != 1 << Stages) begin : gen_lanes
    $error("Lanes is %0d; powers of two from 2 on are allowed", Lanes);
  end

  logic [Lanes-1:0] occupied[Stages+1]  /* verilator split_var */;
  // How far the vector at a lane has to move in all, bit by bit; it travels with the vector.
  logic [Stages-1:0][Lanes-1:0] distance[Stages+1]  /* verilator split_var */;
  logic [Stages-1:0][Lanes-1:0] unneeded_below;

  // Unneeded lanes below each lane, by parallel prefixes: after level k those of the 2^k lanes below.
  logic [Lanes-1:0][Stages-1:0] below[Stages+1]  /* verilator split_var */;
  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_below
    if (lane == 0) begin : gen_first
      assign below[0][lane] = '0;
    end else begin : gen_other
      assign below[0][lane] = Stages'(!needed_i[lane-1]);
    end
    for (genvar level = 0; level < Stages; level++) begin : gen_level
      if (lane >= 1 << level) begin : gen_add
        assign below[level+1][lane] = below[level][lane] + below[level][lane-(1<<level)];
      end else begin : gen_keep
        assign below[level+1][lane] = below[level][lane];
      end
    end
    for (genvar i = 0; i < Stages; i++) begin : gen_bit
      assign unneeded_below[i][lane] = below[Stages][lane][i];
    end
  end
  assign occupied[0] = needed_i;
  assign distance[0] = unneeded_below;

  for (genvar stage = 0; stage < Stages; stage++) begin : gen_stage
    localparam int unsigned Step = 1 << stage;
    logic [Lanes-1:0] moving, kept;

    assign moving = occupied[stage] & distance[stage][stage];
    assign kept = occupied[stage] & ~moving;
    assign occupied[stage+1] = kept | moving >> Step;
    for (genvar i = 0; i < Stages; i++) begin : gen_distance
      assign distance[stage+1][i] =
          (distance[stage][i] & kept) | (distance[stage][i] & moving) >> Step;
    end

    assign occupied_o[stage] = occupied[stage];
    assign moving_o[stage] = moving;
  end

endmodule
