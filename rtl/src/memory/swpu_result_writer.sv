// SPDX-License-Identifier: Apache-2.0
// Addresses of a core's results. It keeps where results go from the time that their last window is
// taken until the slowest row has written: the target of a tile, or the entries of a fixed window, which
// each row keeps for itself from the time that it adds up the results.
module swpu_result_writer #(
  // Results that a row writes in a cycle.
  localparam int unsigned Width =
      swpu_pkg::Lanes > swpu_pkg::Window ? swpu_pkg::Lanes : swpu_pkg::Window
) (
  input  logic                                              clk_i,
  input  swpu_types_pkg::lane_t [swpu_pkg::Lanes-1:0]       lanes_i,
  // Where the results of each row begin.
  input  swpu_types_pkg::address_t [swpu_pkg::Rows-1:0]     rows_i,
  // A tile, or a fixed window, whose results follow.
  input  swpu_types_pkg::opening_t                          opens_i,
  input  swpu_types_pkg::target_t                           target_i,
  // Results of the core.
  input  swpu_types_pkg::tile_result_t [swpu_pkg::Rows-1:0] outputs_i,
  input  swpu_types_pkg::window_result_t [swpu_pkg::Rows-1:0] gradients_i,
  // Output memory.
  output logic [swpu_pkg::Rows-1:0][Width-1:0]              write_o,
  output swpu_types_pkg::address_t [swpu_pkg::Rows-1:0][Width-1:0] address_o,
  output swpu_types_pkg::sum_t [swpu_pkg::Rows-1:0][Width-1:0] data_o
);

  import swpu_types_pkg::*;

  // Numbers whose results are pending at most: the windows of the buffer and of the load port, that
  // of which a row adds up, and those that it may leave while results are in its pipeline: it adds up
  // at least 2 cycles for each, so 3; with two banks one that it cannot turn from yet.
  localparam int unsigned Kept =
      1 << $clog2(swpu_pkg::WindowsInFlight + 4 + swpu_pkg::SumBanks);
  localparam int unsigned KeptBits = $clog2(Kept);

  target_t targets_q[Kept];
  logic [swpu_pkg::Window-1:0][EntryBits-1:0] entries_q[Kept];

  always_ff @(posedge clk_i) begin
    if (opens_i.valid) begin
      targets_q[KeptBits'(opens_i.number)] <= target_i;
      entries_q[KeptBits'(opens_i.number)] <= opens_i.entries;
    end
  end

  for (genvar row = 0; row < swpu_pkg::Rows; row++) begin : gen_row
    target_t target;
    logic [swpu_pkg::Window-1:0][EntryBits-1:0] entries;

    assign target = targets_q[KeptBits'(outputs_i[row].number)];
    always_ff @(posedge clk_i) begin
      if (gradients_i[row].begins) entries <= entries_q[KeptBits'(gradients_i[row].number)];
    end

    always_comb begin
      write_o[row] = '0;
      address_o[row] = '0;
      data_o[row] = '0;
      if (outputs_i[row].valid) begin
        for (int unsigned lane = 0; lane < swpu_pkg::Lanes; lane++) begin
          write_o[row][lane] = OutputBits'(lane) < target.outputs;
          address_o[row][lane] = rows_i[row] + target.address + lanes_i[lane].offset;
          data_o[row][lane] = outputs_i[row].sums[lane];
        end
      end else if (gradients_i[row].valid) begin
        for (int unsigned lane = 0; lane < swpu_pkg::Window; lane++) begin
          write_o[row][lane] = gradients_i[row].needed[lane];
          address_o[row][lane] = rows_i[row] + AddressBits'(entries[lane]);
          data_o[row][lane] = gradients_i[row].sums[lane];
        end
      end
    end
  end

endmodule
