// SPDX-License-Identifier: Apache-2.0
// Packs the entries of a word that are wanted into the lanes of a window behind those that it holds, as
// many as it has room for. Combinational.
//
// The lane of an entry is the number of lanes held and of wanted entries below it, by prefix sums over
// blocks of 2, 4, 8, … entries. An inverse butterfly takes it there, lowest bit first: behind stage k an
// entry is in its block of 2^(k+1) at its lane modulo that. Lanes are dense, so in a block
// no two entries want the same place. Blocks as large as a window then overlay each other, since of
// those that end in the same place one at most has a lane inside the window.
module swpu_window_packer #(
  // Entries of a word, a power of two.
  parameter int unsigned Places = swpu_pkg::MaskWord,
  // Bits that go with an entry.
  parameter int unsigned Width = 16
) (
  input  logic [Places-1:0]                        wanted_i,
  input  logic [Places-1:0][Width-1:0]             data_i,
  // Lanes that the window holds.
  input  logic [swpu_types_pkg::CountBits-1:0]     count_i,
  // Lanes that the window holds then, and what goes with the entries that it took; 0 in other lanes.
  output logic [swpu_types_pkg::CountBits-1:0]     count_o,
  output logic [swpu_pkg::Window-1:0][Width-1:0]   data_o,
  // Entries that the window takes; whether some are left.
  output logic [Places-1:0]                        taken_o,
  output logic                                     has_more_o
);

  if (Places < 2 || $countones(Places) != 1) begin : gen_word
    $error("Places is %0d; powers of two from 2 on are allowed", Places);
  end

  if (swpu_pkg::Window < 2 || swpu_pkg::Window > Places) begin : gen_window
    $error("Window is %0d; 2 to Places are allowed", swpu_pkg::Window);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Bits = Places;
  localparam int unsigned Levels = $clog2(Bits);
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Stages = LaneBits;

  // A number of lanes; it saturates above twice a window.
  typedef struct packed {
    logic             is_above;
    logic [Stages:0]  lanes;
  } sum_t;

  function automatic sum_t add(sum_t a, sum_t b);
    sum_t sum;
    logic carry;
    {carry, sum.lanes} = (Stages + 2)'(a.lanes) + (Stages + 2)'(b.lanes);
    sum.is_above = a.is_above || b.is_above || carry;
    return sum;
  endfunction

  // Lanes held and wanted entries, from the first of an entry's block up to the entry.
  sum_t [Bits-1:0] sums[Levels+1]  /* verilator split_var */;

  for (genvar i = 0; i < Bits; i++) begin : gen_first
    if (i == 0) begin : gen_held
      assign sums[0][i] = add('{1'b0, count_i}, sum_t'(wanted_i[i]));
    end else begin : gen_none_held
      assign sums[0][i] = sum_t'(wanted_i[i]);
    end
  end
  for (genvar level = 0; level < Levels; level++) begin : gen_level
    for (genvar i = 0; i < Bits; i++) begin : gen_entry
      if ((i >> level) % 2 == 1) begin : gen_upper
        assign sums[level+1][i] = add(sums[level][i], sums[level][(i>>level<<level)-1]);
      end else begin : gen_lower
        assign sums[level+1][i] = sums[level][i];
      end
    end
  end

  sum_t [Bits-1:0] lane;
  sum_t total;
  logic [Bits-1:0] is_outside;
  assign lane = {sums[Levels][Bits-2:0], sum_t'(count_i)};
  assign total = sums[Levels][Bits-1];
  assign has_more_o = total.is_above || total.lanes > CountBits'(Window);
  assign count_o = has_more_o ? CountBits'(Window) : total.lanes;
  for (genvar i = 0; i < Bits; i++) begin : gen_taken
    assign is_outside[i] = lane[i].is_above || lane[i].lanes[Stages];
  end
  assign taken_o = wanted_i & ~is_outside;

  // What stands at a place: whether an entry does, its lane, whether that is outside the window, and what
  // goes with it.
  typedef struct packed {
    logic [Stages-1:0] lane;
    logic              is_outside;
    logic [Width-1:0]  data;
  } entry_t;

  logic [Bits-1:0] occupied[Stages+1]  /* verilator split_var */;
  entry_t [Bits-1:0] entries[Stages+1]  /* verilator split_var */;

  assign occupied[0] = wanted_i;
  for (genvar i = 0; i < Bits; i++) begin : gen_entry_at_place
    assign entries[0][i] = '{lane[i].lanes[Stages-1:0], is_outside[i], data_i[i]};
  end

  for (genvar stage = 0; stage < Stages; stage++) begin : gen_stage
    for (genvar place = 0; place < Bits; place++) begin : gen_place
      localparam int unsigned Other = place ^ 1 << stage;
      localparam bit IsUpper = 1'((place >> stage) % 2);
      logic stays, comes;
      assign stays = occupied[stage][place] && entries[stage][place].lane[stage] == IsUpper;
      assign comes = occupied[stage][Other] && entries[stage][Other].lane[stage] == IsUpper;
      assign occupied[stage+1][place] = stays || comes;
      assign entries[stage+1][place] = entries[stage][place] & {$bits(entry_t){stays}}
          | entries[stage][Other] & {$bits(entry_t){comes}};
    end
  end

  logic [Bits-1:0][Width-1:0] inner;
  for (genvar place = 0; place < Bits; place++) begin : gen_inside
    assign inner[place] = entries[Stages][place].data
        & {Width{occupied[Stages][place] && !entries[Stages][place].is_outside}};
  end

  always_comb begin
    data_o = '0;
    for (int unsigned place = 0; place < Bits; place++) begin
      data_o[place%Window] = data_o[place%Window] | inner[place];
    end
  end

endmodule
