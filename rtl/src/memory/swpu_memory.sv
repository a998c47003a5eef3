// SPDX-License-Identifier: Apache-2.0
// A memory with one port to write and some to read; data arrive in the cycle after their address. A
// model: where a memory is built from macros, several read ports are copies.
module swpu_memory #(
  parameter int unsigned Words = 128,
  parameter int unsigned Width = swpu_pkg::MaskWord,
  parameter int unsigned ReadPorts = 1,
  localparam int unsigned AddressBits = $clog2(Words)
) (
  input  logic                                   clk_i,
  input  logic                                   write_i,
  input  logic [AddressBits-1:0]                 write_address_i,
  input  logic [Width-1:0]                       write_data_i,
  input  logic [ReadPorts-1:0][AddressBits-1:0]  read_address_i,
  output logic [ReadPorts-1:0][Width-1:0]        read_data_o
);

  if (Words < 2) begin : gen_words
    $error("Words is %0d; 2 or more are allowed", Words);
  end

  if (Width < 1 || ReadPorts < 1) begin : gen_sizes
    $error("%0d bits and %0d ports; 1 or more are allowed", Width, ReadPorts);
  end

  logic [Width-1:0] words_q[Words];

  always_ff @(posedge clk_i) begin
    if (write_i) words_q[write_address_i] <= write_data_i;
    for (int unsigned port = 0; port < ReadPorts; port++) begin
      read_data_o[port] <= words_q[read_address_i[port]];
    end
  end

endmodule
