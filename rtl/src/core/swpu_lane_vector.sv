// SPDX-License-Identifier: Apache-2.0
// The operand vector of one lane of a window, as it grows by the runs of a cycle. Combinational.
module swpu_lane_vector (
  // Its part so far: nothing, if the window begins.
  input  logic                                              clears_i,
  input  swpu_types_pkg::vector_t                           vector_i,
  // The kernel column of its entry.
  input  logic [swpu_types_pkg::KernelBits-1:0]             column_i,
  // Its line is ready from the window before, column by column.
  input  logic                                              uses_stored_i,
  input  swpu_types_pkg::vector_t
               [swpu_types_pkg::KernelSize-1:0]             stored_i,
  // Ports that read its line, and what their runs hold of it, column by column.
  input  logic [swpu_pkg::PortsPerCore-1:0]                 hits_i,
  input  swpu_types_pkg::vector_t [swpu_pkg::PortsPerCore-1:0]
               [swpu_types_pkg::KernelSize-1:0]             gathered_i,
  output swpu_types_pkg::vector_t                           vector_o
);

  always_comb begin
    vector_o = clears_i ? '0 : vector_i;
    if (uses_stored_i) vector_o = stored_i[column_i];
    for (int unsigned port = 0; port < swpu_pkg::PortsPerCore; port++) begin
      if (hits_i[port]) vector_o = vector_o | gathered_i[port][column_i];
    end
  end

endmodule
