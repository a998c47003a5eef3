// SPDX-License-Identifier: Apache-2.0
// The lines of a window: which of its entries begin one that has to be read, and which are ready from
// the window before. Combinational.
module swpu_window_lines (
  input  swpu_types_pkg::found_t               window_i,
  // No line is ready.
  input  logic                                 is_fresh_i,
  // The last line of the window before, and of this one.
  input  logic [swpu_types_pkg::EntryBits-1:0] last_line_i,
  output logic [swpu_pkg::Window-1:0]          heads_o,
  output logic [swpu_pkg::Window-1:0]          stored_o,
  output logic [swpu_types_pkg::EntryBits-1:0] last_line_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;

  always_comb begin
    last_line_o = last_line_i;
    for (int unsigned lane = 0; lane < Window; lane++) begin
      stored_o[lane] = !is_fresh_i && window_i.entries[lane].line == last_line_i;
      heads_o[lane] = CountBits'(lane) < window_i.count && !stored_o[lane];
      if (lane > 0 && window_i.entries[lane].line == window_i.entries[lane-1].line) begin
        heads_o[lane] = 1'b0;
      end
      if (CountBits'(lane + 1) == window_i.count) last_line_o = window_i.entries[lane].line;
    end
  end

endmodule
