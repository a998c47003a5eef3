// SPDX-License-Identifier: Apache-2.0
// The control of a row: it takes the published windows in order, L entries a cycle, and adds up its
// partial sums where a window asks for it. Windows in which it has nothing to do take it no time: a
// priority encoder over the window buffer skips all of them in one cycle.
module swpu_row_sequencer #(
  // Number of the row.
  parameter int unsigned Row = 0
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,
  // The group has this row.
  input  logic                                   is_used_i,
  input  logic                                   makes_gradients_i,
  // Window buffer.
  input  logic                                   publish_i,
  input  logic [swpu_types_pkg::SlotBits-1:0]    publish_slot_i,
  input  swpu_types_pkg::control_t               publish_control_i,
  input  swpu_types_pkg::control_t               controls_i[swpu_pkg::WindowsInFlight],
  output logic [swpu_pkg::WindowsInFlight-1:0]   left_o,
  output logic [swpu_types_pkg::SlotBits-1:0]    slot_o,
  // The switches are set for these lanes, for the window that is taken or expanded next.
  output logic                                   record_o,
  output logic [swpu_pkg::Window-1:0]            record_needed_o,
  // Takes packed entries from this on, as many as L if there are so many.
  output logic                                   takes_o,
  output logic [swpu_types_pkg::CountBits-1:0]   first_o,
  output logic [swpu_types_pkg::CountBits-1:0]   count_o,
  // Partial sum that takes part in this cycle.
  output logic [swpu_types_pkg::index_bits(swpu_pkg::AdderStages)-1:0] turn_o,
  // The first cycle of adding up, what for, and lanes of the results.
  output logic                                   drains_o,
  output logic [swpu_types_pkg::NumberBits-1:0]  number_o,
  output logic [swpu_pkg::Window-1:0]            own_o,
  output logic [swpu_types_pkg::CountBits-1:0]   own_count_o,
  // The last cycle of adding up.
  output logic                                   ends_drain_o,
  output logic                                   is_idle_o
);

  if (Row >= swpu_pkg::Rows) begin : gen_row
    $error("Row is %0d; the core has fewer rows", Row);
  end

  if (swpu_pkg::Window < 2 || $countones(swpu_pkg::Window) != 1) begin : gen_window_size
    $error("Window is %0d; powers of two from 2 on are allowed", swpu_pkg::Window);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Slots = swpu_pkg::WindowsInFlight;
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Taken = swpu_pkg::Slots;
  localparam int unsigned Stages = swpu_pkg::AdderStages;
  localparam int unsigned TurnBits = index_bits(Stages);
  // Cycles of adding up: `outputDrainCycles` and, for the most entries, `gradientDrainCycles`.
  localparam int unsigned OutputDrain = Taken * Stages * Stages + 1;
  localparam int unsigned ProductDelay = TakeToAdd + TreeLevels * Stages;
  localparam int unsigned GradientDrain =
      ProductDelay + Stages + (Stages - 1) * (Window + Stages) + Stages;
  localparam int unsigned DrainBits =
      $clog2((OutputDrain > GradientDrain ? OutputDrain : GradientDrain) + 1);

  typedef enum logic [1:0] {
    // Idle until a window is published.
    Idle,
    // Takes entries of one.
    Take,
    // Adds up.
    Drain
  } state_e;

  function automatic logic [CountBits-1:0] count_ones(logic [Window-1:0] lanes);
    logic [Window-1:0][CountBits-1:0] counts;
    for (int unsigned lane = 0; lane < Window; lane++) counts[lane] = CountBits'(lanes[lane]);
    // By a tree; a window has a power of two of lanes.
    for (int unsigned level = 1; level <= LaneBits; level++) begin
      for (int unsigned i = 0; i < Window >> level; i++) counts[i] = counts[2*i] + counts[2*i+1];
    end
    return counts[0];
  endfunction

  function automatic logic [SlotBits-1:0] after(logic [SlotBits-1:0] slot);
    return slot == SlotBits'(Slots - 1) ? '0 : slot + 1'b1;
  endfunction

  state_e state_d, state_q;
  logic [SlotBits-1:0] slot_d, slot_q, next_d, next_q;
  logic [Slots-1:0] left, left_q;
  logic [CountBits-1:0] first_d, first_q, count_d, count_q;
  logic [TurnBits-1:0] turn_d, turn_q;
  logic [DrainBits-1:0] drain_d, drain_q;
  logic drains_d, drains_q;
  logic [NumberBits-1:0] number_d, number_q;
  logic [Window-1:0] own_d, own_q;
  logic [CountBits-1:0] own_count_d, own_count_q;

  logic takes_last, begins_drain, is_free, finds;
  // The row looks at the window that is published in this cycle.
  logic meets_publish;
  control_t chosen;
  logic [Window-1:0] chosen_needed;

  assign takes_last = state_q == Take
      && (CountBits + 1)'(first_q) + (CountBits + 1)'(Taken) >= (CountBits + 1)'(count_q);

  // Windows that are left, from the next on around the ring: all are gone past up to the first in which
  // there is something to do, and that too if it only drains.
  logic [Slots-1:0] open, work, stops, from_next, stops_ahead, pick, up_to_pick, passed, last;
  control_t picked, current;

  // In the cycle in which a row looks for a window it is done with its own.
  for (genvar slot = 0; slot < Slots; slot++) begin : gen_window
    assign open[slot] = left_q[slot] && !(state_q == Take && slot_q == SlotBits'(slot));
    assign work[slot] = controls_i[slot].needed[Row] != '0;
    assign stops[slot] = open[slot] && (work[slot] || controls_i[slot].drains);
    assign up_to_pick[slot] = |(pick >> slot);
  end
  assign from_next = {Slots{1'b1}} << next_q;
  assign stops_ahead = stops & from_next;
  assign pick = stops_ahead != '0 ? stops_ahead & -stops_ahead : stops & -stops;
  always_comb begin
    passed = '1;
    if (stops_ahead != '0) passed = from_next & up_to_pick;
    else if (stops != '0) passed = from_next | up_to_pick;
  end

  // The window behind which the next search starts, where nothing is found.
  logic [Slots-1:0] wrapped, ending;
  assign wrapped = open & ~from_next;
  assign ending = wrapped != '0 ? wrapped : open;
  for (genvar slot = 0; slot < Slots; slot++) begin : gen_last
    assign last[slot] = ending[slot] && ending >> slot == Slots'(1);
  end

  always_comb begin
    picked = '0;
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      if (pick[slot]) picked = picked | controls_i[slot];
    end
    current = controls_i[slot_q];
  end

  always_comb begin
    logic [Slots-1:0] seen;
    state_d = state_q;
    slot_d = slot_q;
    next_d = next_q;
    left = left_q;
    first_d = first_q;
    count_d = count_q;
    turn_d = turn_q;
    drain_d = drain_q;
    number_d = number_q;
    own_d = own_q;
    own_count_d = own_count_q;
    begins_drain = 1'b0;
    is_free = 1'b0;
    finds = 1'b0;
    meets_publish = 1'b0;
    record_o = 1'b0;

    unique case (state_q)
      Idle: is_free = 1'b1;
      Take: begin
        first_d = first_q + CountBits'(Taken);
        if (takes_last) begin
          left[slot_q] = 1'b0;
          begins_drain = current.drains;
          is_free = !begins_drain;
        end
        // A turn for each cycle of a tile, or for each tile of a fixed window.
        if (!makes_gradients_i || takes_last) begin
          turn_d = turn_q == TurnBits'(Stages - 1) ? '0 : turn_q + 1'b1;
        end
      end
      default: begin
        drain_d = drain_q - 1'b1;
        is_free = drain_q == DrainBits'(1);
      end
    endcase

    // The search does not depend on whether the row is free.
    seen = stops != '0 ? pick : last;
    chosen = picked;
    if (stops == '0 && publish_i && is_used_i) begin
      meets_publish = is_free;
      chosen = publish_control_i;
    end
    chosen_needed = chosen.needed[Row];

    if (is_free) begin
      state_d = Idle;
      left = open & ~(passed & ~work);
      for (int unsigned slot = 0; slot < Slots; slot++) begin
        if (seen[slot]) begin
          slot_d = SlotBits'(slot);
          next_d = after(SlotBits'(slot));
        end
      end
      if (meets_publish) begin
        slot_d = publish_slot_i;
        next_d = after(publish_slot_i);
      end
      finds = chosen_needed != '0 || chosen.drains;
      if (chosen_needed != '0) begin
        state_d = Take;
        first_d = '0;
        count_d = count_ones(chosen_needed);
        record_o = 1'b1;
      end else begin
        begins_drain = finds;
      end
    end else begin
      chosen = current;
    end

    record_needed_o = chosen_needed;
    if (begins_drain) begin
      state_d = Drain;
      turn_d = '0;
      number_d = chosen.number;
      own_d = chosen.own[Row];
      own_count_d = count_ones(own_d);
      drain_d = DrainBits'(OutputDrain);
      if (makes_gradients_i) begin
        record_o = 1'b1;
        record_needed_o = own_d;
        drain_d = DrainBits'(ProductDelay + Stages + (Stages > 1 ? Stages - 1 : 1))
            + DrainBits'(Stages - 1) * rounds(own_count_d);
      end
    end
    drains_d = begins_drain;
  end

  // Cycles of a round over the partial sums of all entries.
  function automatic logic [DrainBits-1:0] rounds(logic [CountBits-1:0] entries);
    logic [DrainBits-1:0] cycles;
    cycles = (DrainBits'(entries) + DrainBits'(Taken - 1)) / DrainBits'(Taken);
    return cycles < DrainBits'(Stages) ? DrainBits'(Stages) : cycles;
  endfunction

  // A window that is gone past as it is published is not left.
  logic [Slots-1:0] left_d;
  always_comb begin
    left_d = left;
    if (publish_i && is_used_i) begin
      left_d[publish_slot_i] = !meets_publish || state_d == Take;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      slot_q <= '0;
      next_q <= '0;
      left_q <= '0;
      first_q <= '0;
      count_q <= '0;
      turn_q <= '0;
      drain_q <= '0;
      drains_q <= 1'b0;
      number_q <= '0;
      own_q <= '0;
      own_count_q <= '0;
    end else begin
      state_q <= state_d;
      slot_q <= slot_d;
      next_q <= next_d;
      left_q <= left_d;
      first_q <= first_d;
      count_q <= count_d;
      turn_q <= turn_d;
      drain_q <= drain_d;
      drains_q <= drains_d;
      number_q <= number_d;
      own_q <= own_d;
      own_count_q <= own_count_d;
    end
  end

  assign left_o = left;
  assign slot_o = slot_q;
  assign takes_o = state_q == Take;
  assign first_o = first_q;
  assign count_o = count_q;
  assign turn_o = turn_q;
  assign drains_o = drains_q;
  assign number_o = number_q;
  assign own_o = own_q;
  assign own_count_o = own_count_q;
  assign ends_drain_o = state_q == Drain && drain_q == DrainBits'(1);
  assign is_idle_o = state_q == Idle && left_q == '0;

`ifndef SYNTHESIS
  // A row that takes has something left to take, and chooses one window at most.
  assert property (@(posedge clk_i) disable iff (!rst_ni) state_q != Take || first_q < count_q);
  assert property (@(posedge clk_i) disable iff (!rst_ni) $onehot0(pick));
`endif

endmodule
