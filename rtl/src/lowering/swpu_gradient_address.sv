// SPDX-License-Identifier: Apache-2.0
// Addresses of the output gradients that the ports of a core read in the weight gradient: of a row's
// plane, those at the lanes of the tile. Combinational.
module swpu_gradient_address (
  input  swpu_types_pkg::lane_t [swpu_pkg::Lanes-1:0]              lanes_i,
  // Address of lane 0 in plane 0, and of each row's plane.
  input  swpu_types_pkg::address_t                                 tile_i,
  input  swpu_types_pkg::address_t [swpu_pkg::Rows-1:0]            planes_i,
  input  swpu_types_pkg::gradient_read_t [swpu_pkg::PortsPerCore-1:0] reads_i,
  output swpu_types_pkg::run_address_t [swpu_pkg::PortsPerCore-1:0] address_o
);

  import swpu_types_pkg::*;

  always_comb begin
    int lane;
    lane = 0;
    for (int port = 0; port < swpu_pkg::PortsPerCore; port++) begin
      for (int element = 0; element < swpu_pkg::PortElements; element++) begin
        lane = 32'(reads_i[port].run) * swpu_pkg::PortElements + element;
        // A run may be longer than a row has lanes.
        if (lane >= swpu_pkg::Lanes) lane = swpu_pkg::Lanes - 1;
        address_o[port][element] =
            planes_i[reads_i[port].row] + tile_i + lanes_i[PlaceBits'(lane)].offset;
      end
    end
  end

endmodule
