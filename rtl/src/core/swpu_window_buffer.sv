// SPDX-License-Identifier: Apache-2.0
// The window buffer of a core: D windows, published in order, each of which stays until no row needs
// it any more. Every row looks at a window of its own choice.
module swpu_window_buffer (
  input  logic                                             clk_i,
  input  logic                                             rst_ni,
  // The next slot is given to a window, which is published in the cycle after.
  output logic                                             slot_free_o,
  input  logic                                             hands_over_i,
  input  logic                                             publish_i,
  input  swpu_types_pkg::control_t                         control_i,
  input  swpu_types_pkg::vector_t [swpu_pkg::Window-1:0]   vectors_i,
  input  swpu_types_pkg::operand_t [swpu_pkg::Rows-1:0][swpu_pkg::Lanes-1:0] gradients_i,
  // Slot of the window that is published.
  output logic [swpu_types_pkg::SlotBits-1:0]              publish_slot_o,
  // Windows that each row is not done with, after this cycle.
  input  logic [swpu_pkg::Rows-1:0][swpu_pkg::WindowsInFlight-1:0] left_i,
  // The record of each window for the rows.
  output swpu_types_pkg::control_t                         controls_o[swpu_pkg::WindowsInFlight],
  // The window that each row looks at.
  input  logic [swpu_pkg::Rows-1:0][swpu_types_pkg::SlotBits-1:0] slot_i,
  output swpu_types_pkg::vector_t [swpu_pkg::Window-1:0]   vectors_o[swpu_pkg::Rows],
  output swpu_types_pkg::operand_t [swpu_pkg::Lanes-1:0]   gradients_o[swpu_pkg::Rows]
);

  if (swpu_pkg::WindowsInFlight < 1) begin : gen_slots
    $error("WindowsInFlight is %0d; 1 or more are allowed", swpu_pkg::WindowsInFlight);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Slots = swpu_pkg::WindowsInFlight;
  localparam int unsigned Rows = swpu_pkg::Rows;

  control_t controls_q[Slots];
  vector_t [swpu_pkg::Window-1:0] vectors_q[Slots];
  operand_t [Rows-1:0][swpu_pkg::Lanes-1:0] gradients_q[Slots];

  // Slot of the next window, and of the one that is published.
  logic [SlotBits-1:0] next_q, publish_slot_q;
  logic [Slots-1:0] left;

  always_comb begin
    left = '0;
    for (int unsigned row = 0; row < Rows; row++) left = left | left_i[row];
    if (publish_i) left[publish_slot_q] = 1'b1;
  end
  assign slot_free_o = !left[next_q];
  assign publish_slot_o = publish_slot_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      next_q <= '0;
      publish_slot_q <= '0;
    end else if (hands_over_i) begin
      next_q <= next_q == SlotBits'(Slots - 1) ? '0 : next_q + 1'b1;
      publish_slot_q <= next_q;
    end
  end

  vector_t [swpu_pkg::Window-1:0] vectors;
  for (genvar entry = 0; entry < swpu_pkg::Window; entry++) begin : gen_entry
    assign vectors[entry] = hold(vectors_q[publish_slot_q][entry].values, vectors_i[entry]);
  end

  always_ff @(posedge clk_i) begin
    if (publish_i) begin
      controls_q[publish_slot_q] <= control_i;
      vectors_q[publish_slot_q] <= vectors;
      gradients_q[publish_slot_q] <= gradients_i;
    end
  end

  for (genvar slot = 0; slot < Slots; slot++) begin : gen_control
    assign controls_o[slot] = controls_q[slot];
  end
  for (genvar row = 0; row < Rows; row++) begin : gen_row
    assign vectors_o[row] = vectors_q[slot_i[row]];
    assign gradients_o[row] = gradients_q[slot_i[row]][row];
  end

`ifndef SYNTHESIS
  // A window is handed over into a slot that is free.
  assert property (@(posedge clk_i) disable iff (!rst_ni) !hands_over_i || slot_free_o);
`endif

endmodule
