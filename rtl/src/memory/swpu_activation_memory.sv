// SPDX-License-Identifier: Apache-2.0
// The memory of the operand vectors' feature map: activations, or output gradients. A model, as
// swpu_memory is: each port gathers the elements of a run, which need not be neighbours where a tile
// spans several rows or images. Data arrive in the cycle after.
module swpu_activation_memory #(
  parameter int unsigned Elements = swpu_pkg::ActivationKibibytes * 512,
  parameter int unsigned Ports = swpu_pkg::Cores * swpu_pkg::PortsPerCore,
  localparam int unsigned IndexBits = $clog2(Elements)
) (
  input  logic                                     clk_i,
  input  logic                                     write_i,
  input  logic [IndexBits-1:0]                     write_address_i,
  input  swpu_types_pkg::operand_t                 write_data_i,
  // A word of a stream, from an element on.
  input  logic                                     word_write_i,
  input  logic [IndexBits-1:0]                     word_address_i,
  input  swpu_types_pkg::stream_operands_t         word_i,
  input  logic [Ports-1:0]                         read_i,
  input  swpu_types_pkg::run_address_t [Ports-1:0] address_i,
  output swpu_types_pkg::run_t [Ports-1:0]         data_o
);

  if (Elements < 2 || IndexBits > swpu_types_pkg::AddressBits) begin : gen_elements
    $error("Elements is %0d; 2 to as many as an address numbers are allowed", Elements);
  end

  swpu_types_pkg::operand_t elements_q[Elements];

  always_ff @(posedge clk_i) begin
    if (write_i) elements_q[write_address_i] <= write_data_i;
    if (word_write_i) begin
      for (int unsigned lane = 0; lane < swpu_pkg::StreamElements; lane++) begin
        elements_q[word_address_i+IndexBits'(lane)] <= word_i[lane];
      end
    end
    for (int unsigned port = 0; port < Ports; port++) begin
      if (read_i[port]) begin
        for (int unsigned element = 0; element < swpu_pkg::PortElements; element++) begin
          data_o[port][element] <= elements_q[IndexBits'(address_i[port][element])];
        end
      end
    end
  end

endmodule
