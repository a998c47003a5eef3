// SPDX-License-Identifier: Apache-2.0
// A run's elements of a line's vector through one kernel column. Combinational.
module swpu_run_gather (
  // A run is there, and its number in its line.
  input  logic                                             read_i,
  input  logic [swpu_types_pkg::RunBits-1:0]               run_i,
  input  swpu_types_pkg::run_t                             data_i,
  // Where each lane reads through the line's kernel row and through the column: the sum of both is the
  // element of the line.
  input  swpu_types_pkg::place_t [swpu_pkg::Lanes-1:0]     rows_i,
  input  swpu_types_pkg::place_t [swpu_pkg::Lanes-1:0]     columns_i,
  output swpu_types_pkg::vector_t                          vector_o
);

  if (swpu_pkg::PortElements < 1 || $countones(swpu_pkg::PortElements) != 1) begin : gen_elements
    $error("PortElements is %0d; powers of two are allowed", swpu_pkg::PortElements);
  end

  if (swpu_pkg::HoldZeroLanes && !swpu_pkg::GateZeroOperands) begin : gen_hold
    $error("HoldZeroLanes is 1 and GateZeroOperands 0; lanes that hold are gated");
  end

  import swpu_types_pkg::*;

  localparam int unsigned Elements = swpu_pkg::PortElements;
  localparam int unsigned ElementBits = index_bits(Elements);

  always_comb begin
    logic [PositionBits-1:0] position;
    logic [ElementBits-1:0] element;
    for (int unsigned lane = 0; lane < swpu_pkg::Lanes; lane++) begin
      position = rows_i[lane].position + columns_i[lane].position;
      element = Elements > 1 ? ElementBits'(position) : '0;
      vector_o.valid[lane] = read_i && rows_i[lane].inside_map && columns_i[lane].inside_map
          && 32'(position) >> OffsetBits == 32'(run_i)
          && !(swpu_pkg::HoldZeroLanes && data_i[element][14:0] == '0);
      vector_o.values[lane] = vector_o.valid[lane] ? data_i[element] : '0;
    end
  end

endmodule
