// SPDX-License-Identifier: Apache-2.0
// The control of a row: it takes the published windows in order, L entries a cycle, and adds up its
// partial sums where a window asks for it. Windows in which it has nothing to do take it no time: a
// priority encoder over the window buffer skips all of them in one cycle.
//
// With two banks of sums the row turns to its other bank instead, as soon as the sums there are written, and
// goes on; a window in which it only turns takes it no time either. In the weight gradient the sums of a
// bank are written in a cycle in which the row takes nothing: as it turns to that bank, or at the end of the
// item.
module swpu_row_sequencer #(
  // Number of the row.
  parameter int unsigned Row = 0
) (
  input  logic                                   clk_i,
  input  logic                                   rst_ni,
  // The group has this row.
  input  logic                                   is_used_i,
  // No more windows follow.
  input  logic                                   is_through_i,
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
  // Bank and partial sum that take part in this cycle.
  output logic                                   bank_o,
  output logic [swpu_types_pkg::index_bits(swpu_pkg::AdderStages)-1:0] turn_o,
  // The first cycle of adding up, what for, and lanes of the results.
  output logic                                   drains_o,
  output logic [swpu_types_pkg::NumberBits-1:0]  number_o,
  output logic [swpu_pkg::Window-1:0]            own_o,
  output logic [swpu_types_pkg::CountBits-1:0]   own_count_o,
  // Results of the weight gradient return through the network.
  output logic                                   writes_o,
  output logic                                   is_idle_o
);

  if (Row >= swpu_pkg::Rows) begin : gen_row
    $error("Row is %0d; the core has fewer rows", Row);
  end

  if (swpu_pkg::Window < 2 || $countones(swpu_pkg::Window) != 1) begin : gen_window_size
    $error("Window is %0d; powers of two from 2 on are allowed", swpu_pkg::Window);
  end

  if (swpu_pkg::SumBanks < 1 || swpu_pkg::SumBanks > 2) begin : gen_banks
    $error("SumBanks is %0d; 1 or 2 are allowed", swpu_pkg::SumBanks);
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
  localparam bit HasBanks = swpu_pkg::SumBanks == 2;
  // Cycles in which a row takes nothing as it turns behind a tile: `outputTurnCycles`.
  localparam int unsigned TurnCycles = Taken * Stages > 2 ? (Taken * Stages - 2) * Stages : 0;

  typedef enum logic [1:0] {
    // Idle until a window is published.
    Idle,
    // Takes entries of one.
    Take,
    // Adds up; with two banks, turns.
    Drain,
    // Stalls until it can turn.
    Leave
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
  logic [CountBits-1:0] own_count_d, own_count_q;

  // Cycles of a round over the partial sums of all entries.
  function automatic logic [DrainBits-1:0] rounds(logic [CountBits-1:0] entries);
    logic [DrainBits-1:0] cycles;
    cycles = (DrainBits'(entries) + DrainBits'(Taken - 1)) / DrainBits'(Taken);
    return cycles < DrainBits'(Stages) ? DrainBits'(Stages) : cycles;
  endfunction

  // What the row adds up: of a tile, or of a fixed window and its lanes.
  typedef struct packed {
    logic [NumberBits-1:0] number;
    logic [Window-1:0]     own;
  } sums_t;

  sums_t sums_d, sums_q;
  // Banks: the current one; cycles until the other is added up; whether that holds results to write; the
  // sums that the row leaves when it can turn.
  logic bank_d, bank_q, is_pending_d, is_pending_q;
  logic [DrainBits-1:0] adding_d, adding_q;
  sums_t leaving_d, leaving_q;

  logic takes_last, is_free;
  // The row looks at the window that is published in this cycle.
  logic meets_publish;
  control_t chosen;
  logic [Window-1:0] chosen_needed;

  assign takes_last = state_q == Take
      && (CountBits + 1)'(first_q) + (CountBits + 1)'(Taken) >= (CountBits + 1)'(count_q);

  // Whether the row has sums to add up behind a window. With two banks it has none of a fixed window of
  // which it needs nothing.
  function automatic logic ends_sums(control_t control, logic makes_gradients);
    return control.drains && !(HasBanks && makes_gradients && control.own[Row] == '0);
  endfunction

  function automatic sums_t sums_of(control_t control);
    return '{number: control.number, own: control.own[Row]};
  endfunction

  // The first of some windows from one on around the ring.
  function automatic logic [Slots-1:0] first_of(logic [Slots-1:0] windows, logic [Slots-1:0] from);
    logic [Slots-1:0] ahead;
    ahead = windows & from;
    return ahead != '0 ? ahead & -ahead : windows & -windows;
  endfunction

  // Windows that are left, from the next on around the ring: all are gone past up to the first in which
  // there is something to do, and that too if it only ends sums. Behind one in which the row only turns it
  // takes the next in the same cycle.
  logic [Slots-1:0] open, work, stops, from_next, first_pick, next_pick, pick;
  logic [Slots-1:0] up_to_pick, passed, last;
  logic skips;
  control_t first_picked, next_picked, current;

  // In the cycle in which a row looks for a window it is done with its own.
  for (genvar slot = 0; slot < Slots; slot++) begin : gen_window
    assign open[slot] = left_q[slot] && !(state_q == Take && slot_q == SlotBits'(slot));
    assign work[slot] = controls_i[slot].needed[Row] != '0;
    assign stops[slot] =
        open[slot] && (work[slot] || ends_sums(controls_i[slot], makes_gradients_i));
    assign up_to_pick[slot] = |(pick >> slot);
  end
  assign from_next = {Slots{1'b1}} << next_q;
  assign first_pick = first_of(stops, from_next);
  assign next_pick = HasBanks ? first_of(stops & ~first_pick, from_next) : '0;
  assign pick = skips ? next_pick : first_pick;
  always_comb begin
    passed = '1;
    if ((pick & from_next) != '0) passed = from_next & up_to_pick;
    else if (pick != '0) passed = from_next | up_to_pick;
  end

  // The window behind which the next search starts, where nothing is found.
  logic [Slots-1:0] wrapped, ending;
  assign wrapped = open & ~from_next;
  assign ending = wrapped != '0 ? wrapped : open;
  for (genvar slot = 0; slot < Slots; slot++) begin : gen_last
    assign last[slot] = ending[slot] && ending >> slot == Slots'(1);
  end

  always_comb begin
    first_picked = '0;
    next_picked = '0;
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      if (first_pick[slot]) first_picked = first_picked | controls_i[slot];
      if (next_pick[slot]) next_picked = next_picked | controls_i[slot];
    end
    current = controls_i[slot_q];
  end

  // Sums of the window that the row is done with are due; it turns for them, or is free without. It may
  // turn for the window that it finds next only if it does not for its own.
  logic is_bank_free, turns_at_once, is_due, turns_own, may_turn;
  always_comb begin
    is_bank_free = adding_q <= DrainBits'(1)
        && !(makes_gradients_i && is_pending_q && state_q != Leave);
    turns_at_once = makes_gradients_i || TurnCycles == 0;
    is_due = state_q == Leave || takes_last && ends_sums(current, makes_gradients_i);
    turns_own = HasBanks && is_due && is_bank_free;
    may_turn = HasBanks && !is_due && is_bank_free;
    unique case (state_q)
      Idle: is_free = 1'b1;
      Take: is_free = takes_last && (!is_due || turns_own && turns_at_once);
      Leave: is_free = turns_own && turns_at_once;
      default: is_free = drain_q == DrainBits'(1);
    endcase
    skips = is_free && may_turn && turns_at_once && first_pick != '0
        && first_picked.needed[Row] == '0;
  end

  logic finds, stops_here, turns_here, turns, begins_drain;
  logic [Slots-1:0] seen;
  sums_t own_sums, ended;

  always_comb begin
    // The search does not depend on whether the row is free.
    seen = pick != '0 ? pick : last;
    chosen = skips ? next_picked : first_picked;
    meets_publish = 1'b0;
    if (pick == '0 && publish_i && is_used_i) begin
      meets_publish = is_free;
      chosen = publish_control_i;
    end
    chosen_needed = chosen.needed[Row];
    finds = is_free && chosen_needed != '0;
    stops_here = is_free && !finds && ends_sums(chosen, makes_gradients_i);
    turns_here = stops_here && may_turn && !skips;
    turns = turns_own || skips || turns_here;
    begins_drain = HasBanks ? turns : is_due || stops_here;

    state_d = state_q;
    slot_d = slot_q;
    next_d = next_q;
    left = left_q;
    first_d = first_q;
    count_d = count_q;
    turn_d = turn_q;
    drain_d = drain_q;
    leaving_d = leaving_q;
    writes_o = 1'b0;

    // The row's own window.
    own_sums = state_q == Leave ? leaving_q : sums_of(current);
    unique case (state_q)
      // The last results of an item.
      Idle: writes_o = HasBanks && is_pending_q && is_through_i && left_q == '0
          && adding_q <= DrainBits'(1);
      Take: begin
        first_d = first_q + CountBits'(Taken);
        if (takes_last) left[slot_q] = 1'b0;
        // A turn for each cycle of a tile, or for each tile of a fixed window.
        if (!makes_gradients_i || takes_last) begin
          turn_d = turn_q == TurnBits'(Stages - 1) ? '0 : turn_q + 1'b1;
        end
      end
      Leave: writes_o = turns;
      default: begin
        drain_d = drain_q - 1'b1;
        writes_o = !HasBanks && drain_q == DrainBits'(1);
      end
    endcase
    if (is_due) begin
      state_d = !HasBanks || turns_own ? Drain : Leave;
      leaving_d = own_sums;
    end

    // The next window.
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
      if (finds) begin
        state_d = Take;
        first_d = '0;
        count_d = count_ones(chosen_needed);
      end else if (stops_here) begin
        state_d = !HasBanks || turns_here ? Drain : Leave;
        if (turns_here && turns_at_once) state_d = Idle;
        leaving_d = sums_of(chosen);
      end
    end

    // Sums that are added up from the next cycle on.
    ended = is_due ? own_sums : skips ? sums_of(first_picked) : sums_of(chosen);
    sums_d = begins_drain ? ended : sums_q;
    own_count_d = begins_drain ? count_ones(ended.own) : own_count_q;
    drains_d = begins_drain;
    bank_d = bank_q ^ turns;
    adding_d = adding_q == '0 ? '0 : adding_q - 1'b1;
    is_pending_d = is_pending_q && !writes_o;
    if (begins_drain) begin
      turn_d = '0;
      drain_d = DrainBits'(OutputDrain);
      if (makes_gradients_i) begin
        drain_d = DrainBits'(ProductDelay + Stages + (Stages > 1 ? Stages - 1 : 1))
            + DrainBits'(Stages - 1) * rounds(own_count_d);
      end
    end
    if (turns) begin
      adding_d = drain_d;
      drain_d = DrainBits'(TurnCycles);
      is_pending_d = makes_gradients_i;
    end

    // The switches are set for the window that is taken next, else for results that are to return.
    record_o = finds || makes_gradients_i && (begins_drain || HasBanks && takes_last);
    record_needed_o = finds ? chosen_needed : sums_d.own;
  end

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
      sums_q <= '0;
      own_count_q <= '0;
      bank_q <= 1'b0;
      is_pending_q <= 1'b0;
      adding_q <= '0;
      leaving_q <= '0;
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
      sums_q <= sums_d;
      own_count_q <= own_count_d;
      bank_q <= bank_d;
      is_pending_q <= is_pending_d;
      adding_q <= adding_d;
      leaving_q <= leaving_d;
    end
  end

  assign left_o = left;
  assign slot_o = slot_q;
  assign takes_o = state_q == Take;
  assign first_o = first_q;
  assign count_o = count_q;
  assign turn_o = turn_q;
  assign drains_o = drains_q;
  assign bank_o = bank_q;
  assign number_o = sums_q.number;
  assign own_o = sums_q.own;
  assign own_count_o = own_count_q;
  assign is_idle_o = state_q == Idle && left_q == '0 && adding_q == '0 && !is_pending_q;

`ifndef SYNTHESIS
  // A row that takes has something left to take, and chooses one window at most.
  assert property (@(posedge clk_i) disable iff (!rst_ni) state_q != Take || first_q < count_q);
  assert property (@(posedge clk_i) disable iff (!rst_ni) $onehot0(pick));
  // A bank is turned to when its sums are written.
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      !turns || adding_q <= DrainBits'(1) && (!is_pending_q || writes_o));
`endif

endmodule
