// SPDX-License-Identifier: Apache-2.0
// The estimated cycles of a window, by which items are scheduled: the turns of its slowest row, or the
// cycles in which its lines (in the weight gradient its output gradients) are read, whichever is more.
// Combinational.
module swpu_window_work #(
  // Of a window: entries of a row, or runs of every entry and row.
  localparam int unsigned Most = swpu_pkg::Window + swpu_pkg::Rows,
  localparam int unsigned WorkBits =
      $clog2(Most + 1) + swpu_types_pkg::RunBits
) (
  input  swpu_types_pkg::found_t                                    window_i,
  input  logic                                                      makes_gradients_i,
  // Entries that begin a line that has to be read.
  input  logic [swpu_pkg::Window-1:0]                               heads_i,
  // Runs of a line of each kernel row, and of a row's output gradients.
  input  logic [swpu_types_pkg::KernelSize-1:0]
               [swpu_types_pkg::RunBits-1:0]                        runs_i,
  input  logic [swpu_types_pkg::RunBits-1:0]                        gradient_runs_i,
  output logic [WorkBits-1:0]                                       work_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Slots = swpu_pkg::Slots;
  localparam int unsigned Ports = swpu_pkg::PortsPerCore;

  always_comb begin
    int unsigned work, runs, gradient_runs, entries;
    work = 1;
    runs = 0;
    gradient_runs = 0;
    for (int unsigned lane = 0; lane < swpu_pkg::Window; lane++) begin
      if (heads_i[lane]) runs = runs + 32'(runs_i[window_i.entries[lane].row]);
    end
    for (int unsigned row = 0; row < swpu_pkg::Rows; row++) begin
      entries = 0;
      for (int unsigned lane = 0; lane < swpu_pkg::Window; lane++) begin
        entries = entries + 32'(window_i.needed[row][lane]);
      end
      if (entries != 0) gradient_runs = gradient_runs + 32'(gradient_runs_i);
      if ((entries + Slots - 1) / Slots > work) work = (entries + Slots - 1) / Slots;
    end
    if (makes_gradients_i && gradient_runs > runs) runs = gradient_runs;
    if ((runs + Ports - 1) / Ports > work) work = (runs + Ports - 1) / Ports;
    work_o = WorkBits'(work);
  end

endmodule
