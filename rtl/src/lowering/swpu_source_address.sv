// SPDX-License-Identifier: Apache-2.0
// Addresses of the elements that the ports of a core read of the map: run after run of a line, whose
// source in the tile is its columns, then its rows, then its images. Combinational but for where a line
// continues that is not read to its end.
module swpu_source_address (
  input  logic                                                     clk_i,
  input  logic                                                     rst_ni,
  input  swpu_types_pkg::part_t                                    part_i,
  input  swpu_types_pkg::line_read_t [swpu_pkg::PortsPerCore-1:0]  reads_i,
  input  swpu_types_pkg::origin_t                                  origin_i,
  output swpu_types_pkg::run_address_t [swpu_pkg::PortsPerCore-1:0] address_o
);

  import swpu_types_pkg::*;

  // Behind an element: its address, its row among those that the line reads, and its column.
  address_t address_d, address_q;
  logic [OutputBits-1:0] row_d, row_q;
  size_t column_d, column_q;

  // From the last column of a row to the first of the next, and of the next image's first row.
  int to_row, to_image;

  always_comb begin
    int width, step, plane, last_row;
    width = 32'(part_i.column_axis.source);
    step = 32'(part_i.row_axis.step) * width;
    plane = 0;
    last_row = 0;
    to_row = step - 32'(origin_i.columns) + 1;
    to_image = 0;
    address_d = address_q;
    row_d = row_q;
    column_d = column_q;
    for (int port = 0; port < swpu_pkg::PortsPerCore; port++) begin
      last_row = 32'(origin_i.rows[reads_i[port].row]) - 1;
      to_image = 32'(part_i.source_image) - last_row * step - 32'(origin_i.columns) + 1;
      if (reads_i[port].run == '0) begin
        plane = (32'(reads_i[port].line) - 32'(reads_i[port].row))
            / (32'(part_i.row_axis.last_tap) + 1);
        address_d = AddressBits'(
            32'(origin_i.image) * 32'(part_i.source_image) + plane * 32'(part_i.source_plane)
            + 32'(origin_i.row[reads_i[port].row]) * width + 32'(origin_i.column));
        row_d = '0;
        column_d = '0;
      end
      for (int element = 0; element < swpu_pkg::PortElements; element++) begin
        address_o[port][element] = address_d;
        if (column_d != origin_i.columns - 1'b1) begin
          address_d = address_d + 1'b1;
          column_d = column_d + 1'b1;
        end else begin
          column_d = '0;
          if (32'(row_d) != last_row) begin
            address_d = AddressBits'(32'(address_d) + to_row);
            row_d = row_d + 1'b1;
          end else begin
            address_d = AddressBits'(32'(address_d) + to_image);
            row_d = '0;
          end
        end
      end
      // Where a port does not read, nothing continues.
      if (!reads_i[port].valid) address_o[port] = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      address_q <= '0;
      row_q <= '0;
      column_q <= '0;
    end else begin
      address_q <= address_d;
      row_q <= row_d;
      column_q <= column_d;
    end
  end

endmodule
