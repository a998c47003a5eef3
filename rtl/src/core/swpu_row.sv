// SPDX-License-Identifier: Apache-2.0
// A row of a core: packs what it needs of a window to the front (T3), multiplies, and keeps partial
// sums: for each lane of a tile, or for each entry of a fixed window of the weight gradient, whose sums
// go back to mask order through the same switches.
//
// Forward and input gradient: slot l of the row's cycle i in a tile adds to partial sum
// (i mod A)·L + l of each lane; at the end of the tile the sums are added from the first to the last.
// Weight gradient: the adders of a slot's lanes make a tree, and the adder of lane 0 adds its sum to
// partial sum (n mod A) of the entry, in the row's n-th tile of the window.
//
// With two banks of sums those of one are added up while the row adds to the other. Behind a tile the adders
// of slot 0 do it: the first products of a tile begin a sum, so those that arrive in such a cycle need no
// adder. In the weight gradient an adder for each slot does it.
module swpu_row #(
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
  input  swpu_types_pkg::vector_t [swpu_pkg::Window-1:0] vectors_i,
  input  swpu_types_pkg::operand_t [swpu_pkg::Lanes-1:0] gradients_i,
  // Mask memory: weights before a word, and the word; weight memory.
  output logic [swpu_pkg::Slots-1:0][swpu_types_pkg::WordBits-1:0]   word_o,
  input  logic [swpu_pkg::Slots-1:0][swpu_types_pkg::WeightBits-1:0] weights_before_i,
  input  logic [swpu_pkg::Slots-1:0][swpu_pkg::MaskWord-1:0]         mask_i,
  output logic [swpu_pkg::Slots-1:0][swpu_types_pkg::WeightBits-1:0] weight_address_o,
  input  swpu_types_pkg::operand_t [swpu_pkg::Slots-1:0]             weight_i,
  output swpu_types_pkg::tile_result_t           outputs_o,
  output swpu_types_pkg::window_result_t         gradients_o,
  output logic                                   is_idle_o
);

  if (Row >= swpu_pkg::Rows) begin : gen_row
    $error("Row is %0d; the core has fewer rows", Row);
  end

  if (swpu_pkg::Lanes < 1 || $countones(swpu_pkg::Lanes) != 1) begin : gen_lanes
    $error("Lanes is %0d; powers of two are allowed", swpu_pkg::Lanes);
  end

  if (swpu_pkg::Slots < 1 || swpu_pkg::Slots > swpu_pkg::Window) begin : gen_slots
    $error("Slots is %0d; 1 to Window are allowed", swpu_pkg::Slots);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Lanes = swpu_pkg::Lanes;
  localparam int unsigned Slots = swpu_pkg::Slots;
  localparam int unsigned Stages = swpu_pkg::AdderStages;
  localparam int unsigned TurnBits = index_bits(Stages);
  localparam int unsigned Partials = Slots * Stages;
  localparam int unsigned Banks = swpu_pkg::SumBanks;
  localparam bit HasBanks = Banks == 2;
  localparam int unsigned ProductDelay = TakeToAdd + TreeLevels * Stages;
  localparam int unsigned OutputDrain = Slots * Stages * Stages + 1;
  localparam int unsigned DrainBits = $clog2(OutputDrain + 1);
  localparam int unsigned Carried = EntryBits + $bits(vector_t);
  localparam int unsigned Width = Carried > 32 ? Carried : 32;

  // A bank as an index.
  function automatic logic [index_bits(Banks)-1:0] of(logic number);
    return HasBanks ? number : 1'b0;
  endfunction

  // Sequencer.
  logic record, takes, drains, writes, bank;
  logic [Window-1:0] record_needed, own;
  logic [CountBits-1:0] first, count, own_count;
  logic [TurnBits-1:0] turn;
  logic [NumberBits-1:0] number;

  swpu_row_sequencer #(
    .Row(Row)
  ) i_sequencer (
    .clk_i,
    .rst_ni,
    .is_used_i,
    .is_through_i,
    .makes_gradients_i,
    .publish_i,
    .publish_slot_i,
    .publish_control_i,
    .controls_i,
    .left_o,
    .slot_o,
    .record_o       (record),
    .record_needed_o(record_needed),
    .takes_o        (takes),
    .first_o        (first),
    .count_o        (count),
    .bank_o         (bank),
    .turn_o         (turn),
    .drains_o       (drains),
    .number_o       (number),
    .own_o          (own),
    .own_count_o    (own_count),
    .writes_o       (writes),
    .is_idle_o
  );

  // The network, in both directions.
  logic expands;
  logic [Window-1:0][Width-1:0] network_in, network_out;
  sum_t [Window-1:0] totals;

  assign expands = makes_gradients_i && writes;
  for (genvar lane = 0; lane < Window; lane++) begin : gen_network_lane
    assign network_in[lane] = expands
        ? Width'(totals[lane]) : Width'({controls_i[slot_o].tags[lane], vectors_i[lane]});
    assign gradients_o.sums[lane] = network_out[lane][31:0];
  end

  swpu_compress_network #(
    .Lanes(Window),
    .Width(Width)
  ) i_network (
    .clk_i,
    .rst_ni,
    .record_i(record),
    .needed_i(record_needed),
    .expand_i(expands),
    .data_i  (network_in),
    .data_o  (network_out)
  );

  // Packed lanes that the slots take.
  logic [Slots-1:0][LaneBits-1:0] taken_lane;
  always_comb begin
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      taken_lane[slot] = LaneBits'(first) + LaneBits'(slot);
    end
  end

  // 1 cycle after the row takes them: packed vectors. 2: their mask words. 3: their weights.
  logic [Slots-1:0] valid1_q, valid2_q, valid3_q;
  logic [Slots-1:0][EntryBits-1:0] tag1_q;
  logic [Slots-1:0][BitBits-1:0] bit2_q;
  vector_t [Slots-1:0] vector1_q, vector2_q, vector3_q;
  operand_t [Lanes-1:0] gradients1_q, gradients2_q, gradients3_q;
  logic [Window-1:0] own1_q;
  // Places among the results of a fixed window, and turns, each cycle after the take.
  logic [Slots-1:0][LaneBits-1:0] place1, place_q[2:ProductDelay];
  logic [TurnBits-1:0] turn_q[1:ProductDelay];
  logic bank_q[1:ProductDelay];

  // Ones of a word, by a tree.
  function automatic logic [BitBits:0] ones(logic [swpu_pkg::MaskWord-1:0] word);
    logic [swpu_pkg::MaskWord-1:0][BitBits:0] sums;
    for (int unsigned i = 0; i < swpu_pkg::MaskWord; i++) sums[i] = (BitBits + 1)'(word[i]);
    for (int unsigned level = 1; level <= BitBits; level++) begin
      for (int unsigned i = 0; i < swpu_pkg::MaskWord >> level; i++) begin
        sums[i] = sums[2*i] + sums[2*i+1];
      end
    end
    return sums[0];
  endfunction

  always_comb begin
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      place1[slot] = '0;
      for (int unsigned lane = 0; lane < Window; lane++) begin
        if (own1_q[lane] && EntryBits'(lane) < tag1_q[slot]) place1[slot] = place1[slot] + 1'b1;
      end
      word_o[slot] = tag1_q[slot][EntryBits-1:BitBits];
      weight_address_o[slot] = weights_before_i[slot]
          + WeightBits'(ones(mask_i[slot] & ~({swpu_pkg::MaskWord{1'b1}} << bit2_q[slot])));
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid1_q <= '0;
      valid2_q <= '0;
      valid3_q <= '0;
      tag1_q <= '0;
      bit2_q <= '0;
      vector1_q <= '0;
      vector2_q <= '0;
      vector3_q <= '0;
      gradients1_q <= '0;
      gradients2_q <= '0;
      gradients3_q <= '0;
      own1_q <= '0;
      for (int unsigned i = 1; i <= ProductDelay; i++) begin
        turn_q[i] <= '0;
        bank_q[i] <= 1'b0;
      end
      for (int unsigned i = 2; i <= ProductDelay; i++) place_q[i] <= '0;
    end else begin
      for (int unsigned slot = 0; slot < Slots; slot++) begin
        valid1_q[slot] <= takes
            && (CountBits + 1)'(first) + (CountBits + 1)'(slot) < (CountBits + 1)'(count);
        if (takes) begin
          tag1_q[slot] <= network_out[taken_lane[slot]][Carried-1-:EntryBits];
          vector1_q[slot] <= hold(vector1_q[slot].values,
                                  network_out[taken_lane[slot]][$bits(vector_t)-1:0]);
        end
        bit2_q[slot] <= tag1_q[slot][BitBits-1:0];
        vector2_q[slot] <= hold(vector2_q[slot].values, vector1_q[slot]);
        vector3_q[slot] <= hold(vector3_q[slot].values, vector2_q[slot]);
      end
      if (takes) begin
        gradients1_q <= gradients_i;
        own1_q <= controls_i[slot_o].own[Row];
      end
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
      gradients2_q <= gradients1_q;
      gradients3_q <= gradients2_q;
      turn_q[1] <= turn;
      bank_q[1] <= bank;
      for (int unsigned i = 2; i <= ProductDelay; i++) begin
        turn_q[i] <= turn_q[i-1];
        bank_q[i] <= bank_q[i-1];
      end
      place_q[2] <= place1;
      for (int unsigned i = 3; i <= ProductDelay; i++) place_q[i] <= place_q[i-1];
    end
  end

  // Multipliers and adders.
  logic [Slots-1:0][Lanes-1:0] product_valid, sum_valid, others_valid;
  sum_t [Slots-1:0][Lanes-1:0] product, sum, partial, other_a, other_b;
  logic [Slots-1:0][Lanes-1:0][TurnBits-1:0] product_turn;
  logic adds_outputs;

  for (genvar slot = 0; slot < Slots; slot++) begin : gen_slot
    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
      swpu_bf16_mac #(
        .AdderStages     (Stages),
        .GateZeroOperands(swpu_pkg::GateZeroOperands)
      ) i_mac (
        .clk_i,
        .rst_ni,
        .valid_i       (valid3_q[slot] && vector3_q[slot].valid[lane]),
        .a_i           (makes_gradients_i ? gradients3_q[lane] : weight_i[slot]),
        .b_i           (vector3_q[slot].values[lane]),
        .adds_o        (product_valid[slot][lane]),
        .product_o     (product[slot][lane]),
        .turn_i        (turn_q[TakeToAdd-1]),
        .turn_o        (product_turn[slot][lane]),
        .sum_i         (partial[slot][lane]),
        .takes_others_i(makes_gradients_i || slot == 0 && adds_outputs),
        .others_valid_i(others_valid[slot][lane]),
        .other_a_i     (other_a[slot][lane]),
        .other_b_i     (other_b[slot][lane]),
        .valid_o       (sum_valid[slot][lane]),
        .sum_o         (sum[slot][lane])
      );
    end
  end

  // Partial sums of the lanes' outputs; the turn whose sums leave the adders, and whether those of slot 0
  // are partial sums and not their additions at the end of a tile.
  sum_t [Banks-1:0][Lanes-1:0][Partials-1:0] outputs_q, outputs;
  logic [TurnBits-1:0] leaving_turn_q[1:Stages];
  logic [Stages:1] leaving_outputs_q, leaving_bank_q;

  always_comb begin
    outputs = outputs_q;
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        if (sum_valid[slot][lane] && !(slot == 0 && leaving_outputs_q[Stages])
            && !makes_gradients_i) begin
          outputs[of(leaving_bank_q[Stages])][lane][32'(leaving_turn_q[Stages])*Slots+slot] =
              sum[slot][lane];
        end
      end
    end
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        partial[slot][lane] =
            outputs[of(bank_q[TakeToAdd])][lane][32'(product_turn[slot][lane])*Slots+slot];
      end
    end
  end

  // The end of a tile: cycles since the last products were added.
  logic [TakeToAdd:1] ends_tile_q, ends_bank_q;
  logic [NumberBits-1:0] ends_number_q[1:TakeToAdd];
  // The bank that is added up.
  logic drain_bank, drain_bank_q;
  logic [DrainBits-1:0] drain, drain_q;
  localparam int unsigned PartialBits = index_bits(Partials);
  logic [PartialBits-1:0] next_partial;
  sum_t [Lanes-1:0] total_q;

  assign drain = ends_tile_q[TakeToAdd] ? DrainBits'(1) : drain_q;
  assign drain_bank = ends_tile_q[TakeToAdd] ? ends_bank_q[TakeToAdd] : drain_bank_q;

  always_comb begin
    adds_outputs = 1'b0;
    next_partial = '0;
    for (int unsigned i = 1; i < Partials; i++) begin
      if (drain == DrainBits'(i * Stages)) begin
        adds_outputs = 1'b1;
        next_partial = PartialBits'(i);
      end
    end
  end

  // Partial sums of a fixed window's results, and the results whose sums leave the adders.
  sum_t [Banks-1:0][Window-1:0][Stages-1:0] gradients_q, gradients;
  logic [Slots-1:0][LaneBits-1:0] place, leaving_place_q[1:Stages];
  logic [TurnBits-1:0] leaving_gradient_turn_q[1:Stages];
  logic [Stages:1] leaving_gradient_bank_q;
  // Rounds of additions at the end of the window, and the bank that they add up.
  localparam int unsigned WaitBits = $clog2(ProductDelay + Stages + 1);
  logic [WaitBits-1:0] wait_q;
  logic rounds_d, rounds_q, rounds_bank;
  logic [TurnBits-1:0] round_d, round_q;
  logic [CountBits:0] position_d, position_q, round_end;
  logic [Slots-1:0] adds_gradients;
  logic [Slots-1:0][LaneBits-1:0] round_place;
  // What the adders of the rounds give, where they are not those of the products.
  logic [Slots-1:0] round_valid;
  logic [Slots-1:0][LaneBits-1:0] leaving_round_place;
  sum_t [Slots-1:0] round_sum;
  // The partial sum that is added to, and its bank.
  logic [TurnBits-1:0] adding_turn;
  logic adding_bank;

  assign rounds_bank = HasBanks && !bank;
  assign adding_turn = !HasBanks && rounds_q ? '0 : turn_q[ProductDelay];
  assign adding_bank = bank_q[ProductDelay];

  always_comb begin
    gradients = gradients_q;
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      if (sum_valid[slot][0] && makes_gradients_i) begin
        gradients[of(leaving_gradient_bank_q[Stages])][leaving_place_q[Stages][slot]]
                 [leaving_gradient_turn_q[Stages]] = sum[slot][0];
      end
      if (round_valid[slot]) begin
        gradients[of(rounds_bank)][leaving_round_place[slot]][0] = round_sum[slot];
      end
    end
    for (int unsigned lane = 0; lane < Window; lane++) begin
      totals[lane] = gradients[of(rounds_bank)][lane][0];
    end
  end

  always_comb begin
    // A round over all results takes as many cycles as the adder has stages, at least.
    round_end = (CountBits + 1)'(own_count);
    if (round_end < (CountBits + 1)'((Stages - 1) * Slots + 1)) begin
      round_end = (CountBits + 1)'((Stages - 1) * Slots + 1);
    end
    rounds_d = rounds_q;
    round_d = round_q;
    position_d = position_q;
    if (rounds_q) begin
      position_d = position_q + (CountBits + 1)'(Slots);
      if (position_d >= round_end) begin
        position_d = '0;
        round_d = round_q + 1'b1;
        if (round_q == TurnBits'(Stages - 1)) rounds_d = 1'b0;
      end
    end else if (wait_q == WaitBits'(1)) begin
      rounds_d = Stages > 1;
      round_d = TurnBits'(1);
      position_d = '0;
    end
    for (int unsigned slot = 0; slot < Slots; slot++) begin
      adds_gradients[slot] = rounds_q
          && position_q + (CountBits + 1)'(slot) < (CountBits + 1)'(own_count);
      round_place[slot] = LaneBits'(position_q + (CountBits + 1)'(slot));
      place[slot] = !HasBanks && rounds_q ? round_place[slot] : place_q[ProductDelay][slot];
    end
  end

  if (HasBanks) begin : gen_rounds
    logic [Slots-1:0][LaneBits-1:0] added_place_q[1:Stages];

    for (genvar slot = 0; slot < Slots; slot++) begin : gen_slot
      swpu_fp32_add #(
        .AdderStages(Stages)
      ) i_add (
        .clk_i,
        .rst_ni,
        .valid_i(adds_gradients[slot]),
        .a_i    (gradients[of(rounds_bank)][round_place[slot]][0]),
        .b_i    (gradients[of(rounds_bank)][round_place[slot]][round_q]),
        .valid_o(round_valid[slot]),
        .sum_o  (round_sum[slot])
      );
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        for (int unsigned i = 1; i <= Stages; i++) added_place_q[i] <= '0;
      end else begin
        added_place_q[1] <= round_place;
        for (int unsigned i = 2; i <= Stages; i++) added_place_q[i] <= added_place_q[i-1];
      end
    end
    assign leaving_round_place = added_place_q[Stages];
  end else begin : gen_no_rounds
    assign round_valid = '0;
    assign leaving_round_place = '0;
    assign round_sum = '0;
  end

  // What the adders add but products to partial sums: nodes of the tree, where node n adds nodes 2n
  // and 2n + 1 or two products; a node without a number adds -0 in its place.
  for (genvar slot = 0; slot < Slots; slot++) begin : gen_others
    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
      sum_t tree_a, tree_b;
      logic tree_valid;

      if (lane == 0) begin : gen_accumulator
        sum_t b;
        logic b_valid;
        if (Lanes > 1) begin : gen_root
          assign b_valid = sum_valid[slot][1];
          assign b = sum[slot][1];
        end else begin : gen_product
          assign b_valid = product_valid[slot][0];
          assign b = product[slot][0];
        end
        assign tree_valid = !HasBanks && rounds_q ? adds_gradients[slot] : b_valid;
        assign tree_a = gradients[of(adding_bank)][place[slot]][adding_turn];
        assign tree_b =
            !HasBanks && rounds_q ? gradients[of(adding_bank)][place[slot]][round_q] : b;
      end else begin : gen_node
        logic a_valid, b_valid;
        sum_t a, b;
        if (lane >= Lanes / 2) begin : gen_products
          assign a_valid = product_valid[slot][2*lane-Lanes];
          assign b_valid = product_valid[slot][2*lane-Lanes+1];
          assign a = product[slot][2*lane-Lanes];
          assign b = product[slot][2*lane-Lanes+1];
        end else begin : gen_nodes
          assign a_valid = sum_valid[slot][2*lane];
          assign b_valid = sum_valid[slot][2*lane+1];
          assign a = sum[slot][2*lane];
          assign b = sum[slot][2*lane+1];
        end
        assign tree_valid = a_valid || b_valid;
        assign tree_a = a_valid ? a : 32'h80000000;
        assign tree_b = b_valid ? b : 32'h80000000;
      end

      // Partial sums are added in slot 0, the first to the second, their sum to the third, and so on.
      if (slot == 0) begin : gen_drain
        assign others_valid[slot][lane] = makes_gradients_i ? tree_valid : adds_outputs;
        assign other_a[slot][lane] = makes_gradients_i ? tree_a
            : next_partial == 1 ? outputs[of(drain_bank)][lane][0] : sum[0][lane];
        assign other_b[slot][lane] =
            makes_gradients_i ? tree_b : outputs[of(drain_bank)][lane][next_partial];
      end else begin : gen_tree
        assign others_valid[slot][lane] = makes_gradients_i && tree_valid;
        assign other_a[slot][lane] = tree_a;
        assign other_b[slot][lane] = tree_b;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      outputs_q <= '0;
      gradients_q <= '0;
      ends_tile_q <= '0;
      ends_bank_q <= '0;
      drain_q <= '0;
      drain_bank_q <= 1'b0;
      leaving_outputs_q <= '0;
      leaving_bank_q <= '0;
      leaving_gradient_bank_q <= '0;
      total_q <= '0;
      wait_q <= '0;
      rounds_q <= 1'b0;
      round_q <= '0;
      position_q <= '0;
      for (int unsigned i = 1; i <= TakeToAdd; i++) ends_number_q[i] <= '0;
      for (int unsigned i = 1; i <= Stages; i++) begin
        leaving_turn_q[i] <= '0;
        leaving_place_q[i] <= '0;
        leaving_gradient_turn_q[i] <= '0;
      end
    end else begin
      outputs_q <= outputs;
      gradients_q <= gradients;
      // Products that begin a sum while their adder adds up the other bank.
      for (int unsigned lane = 0; lane < Lanes; lane++) begin
        if (HasBanks && adds_outputs && product_valid[0][lane]) begin
          outputs_q[of(bank_q[TakeToAdd])][lane][32'(product_turn[0][lane])*Slots] <=
              product[0][lane] == 32'h80000000 ? '0 : product[0][lane];
        end
      end
      if (outputs_o.valid) outputs_q[of(drain_bank)] <= '0;
      if (expands) gradients_q[of(rounds_bank)] <= '0;
      ends_tile_q <= {ends_tile_q[TakeToAdd-1:1], drains && !makes_gradients_i};
      ends_bank_q <= {ends_bank_q[TakeToAdd-1:1], HasBanks && !bank};
      drain_bank_q <= drain_bank;
      ends_number_q[1] <= number;
      for (int unsigned i = 2; i <= TakeToAdd; i++) ends_number_q[i] <= ends_number_q[i-1];
      drain_q <= drain == '0 || drain == DrainBits'(OutputDrain) ? '0 : drain + 1'b1;
      if (drain == DrainBits'(OutputDrain - 1)) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          total_q[lane] <= Partials > 1 ? sum[0][lane] : outputs[of(drain_bank)][lane][0];
        end
      end
      if (drains && makes_gradients_i) wait_q <= WaitBits'(ProductDelay + Stages - 2);
      else if (wait_q != '0) wait_q <= wait_q - 1'b1;
      rounds_q <= rounds_d;
      round_q <= round_d;
      position_q <= position_d;
      leaving_turn_q[1] <= turn_q[TakeToAdd];
      leaving_outputs_q[1] <= adds_outputs;
      leaving_bank_q[1] <= bank_q[TakeToAdd];
      leaving_gradient_bank_q[1] <= adding_bank;
      leaving_place_q[1] <= place;
      leaving_gradient_turn_q[1] <= adding_turn;
      for (int unsigned i = 2; i <= Stages; i++) begin
        leaving_turn_q[i] <= leaving_turn_q[i-1];
        leaving_outputs_q[i] <= leaving_outputs_q[i-1];
        leaving_bank_q[i] <= leaving_bank_q[i-1];
        leaving_gradient_bank_q[i] <= leaving_gradient_bank_q[i-1];
        leaving_place_q[i] <= leaving_place_q[i-1];
        leaving_gradient_turn_q[i] <= leaving_gradient_turn_q[i-1];
      end
    end
  end

  // The number of a tile's drain is asked for when it begins, and needed when it ends.
  logic [NumberBits-1:0] drain_number_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drain_number_q <= '0;
    else if (ends_tile_q[TakeToAdd]) drain_number_q <= ends_number_q[TakeToAdd];
  end

  assign outputs_o.valid = drain == DrainBits'(OutputDrain);
  assign outputs_o.number = drain_number_q;
  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_output
    if (swpu_pkg::RoundResults) begin : gen_rounded
      assign outputs_o.sums[lane] = {to_operand(total_q[lane]), 16'b0};
    end else begin : gen_whole
      assign outputs_o.sums[lane] = total_q[lane];
    end
  end
  assign gradients_o.begins = drains && makes_gradients_i;
  assign gradients_o.valid = expands;
  assign gradients_o.number = number;
  assign gradients_o.needed = own;

endmodule
