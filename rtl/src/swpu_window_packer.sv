// Packs the entries of a word that are wanted into the lanes of a window behind those that it holds, as
// many as it has room for. Combinational.
//
// A log shifter, as in the compress network: the lanes of the window lie below the word, and an entry
// moves down by the number of free lanes and unwanted entries below it, lowest bit first, so no two
// entries meet. Those numbers are prefix sums over blocks of 2, 4, 8, … entries.
module swpu_window_packer #(
  // Bits that go with an entry.
  parameter int unsigned Width = 16
) (
  input  logic [swpu_pkg::MaskWord-1:0]            wanted_i,
  input  logic [swpu_pkg::MaskWord-1:0][Width-1:0] data_i,
  // Lanes that the window holds.
  input  logic [swpu_types_pkg::CountBits-1:0]     count_i,
  // Lanes that the window holds then; those that it did not hold before, and what goes with their
  // entries, 0 in all other lanes.
  output logic [swpu_types_pkg::CountBits-1:0]     count_o,
  output logic [swpu_pkg::Window-1:0][Width-1:0]   data_o,
  // Entries that the window takes; some are left.
  output logic [swpu_pkg::MaskWord-1:0]            taken_o,
  output logic                                     has_more_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Bits = swpu_pkg::MaskWord;
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Places = Window + Bits;
  localparam int unsigned DistanceBits = $clog2(Places + 1);

  // Free lanes and unwanted entries from the first of an entry's block up to the entry.
  logic [Bits-1:0][DistanceBits-1:0] unwanted[BitBits+1]  /* verilator split_var */;

  for (genvar i = 0; i < Bits; i++) begin : gen_first
    assign unwanted[0][i] = DistanceBits'(!wanted_i[i])
        + (i == 0 ? DistanceBits'(Window) - DistanceBits'(count_i) : '0);
  end
  for (genvar level = 0; level < BitBits; level++) begin : gen_level
    for (genvar i = 0; i < Bits; i++) begin : gen_entry
      if ((i >> level) % 2 == 1) begin : gen_upper
        assign unwanted[level+1][i] =
            unwanted[level][i] + unwanted[level][(i>>level<<level)-1];
      end else begin : gen_lower
        assign unwanted[level+1][i] = unwanted[level][i];
      end
    end
  end

  // An entry whose place is not above its distance ends in the window.
  logic [DistanceBits-1:0] rest;
  assign rest = unwanted[BitBits][Bits-1];
  assign has_more_o = rest < DistanceBits'(Bits);
  assign count_o = has_more_o ? CountBits'(Window) : CountBits'(DistanceBits'(Places) - rest);
  for (genvar i = 0; i < Bits; i++) begin : gen_taken
    assign taken_o[i] = wanted_i[i] && unwanted[BitBits][i] > DistanceBits'(i);
  end

  // The window's lanes, and the word's entries above them.
  logic [Places-1:0] occupied[DistanceBits+1]  /* verilator split_var */;
  logic [Places-1:0][DistanceBits-1:0] distance[DistanceBits+1]  /* verilator split_var */;
  logic [Places-1:0][Width-1:0] data[DistanceBits+1]  /* verilator split_var */;

  assign occupied[0] = {wanted_i, Window'(0)};
  assign distance[0] = {unwanted[BitBits], (Window * DistanceBits)'(0)};
  assign data[0] = {data_i, (Window * Width)'(0)};

  for (genvar stage = 0; stage < DistanceBits; stage++) begin : gen_stage
    localparam int unsigned Step = 1 << stage;
    logic [Places-1:0] stays, falls;
    logic [Places-1:0][DistanceBits-1:0] distance_stays, distance_falls;
    logic [Places-1:0][Width-1:0] data_stays, data_falls;

    for (genvar place = 0; place < Places; place++) begin : gen_place
      assign stays[place] = occupied[stage][place] && !distance[stage][place][stage];
      assign falls[place] = occupied[stage][place] && distance[stage][place][stage];
      assign distance_stays[place] = distance[stage][place] & {DistanceBits{stays[place]}};
      assign distance_falls[place] = distance[stage][place] & {DistanceBits{falls[place]}};
      assign data_stays[place] = data[stage][place] & {Width{stays[place]}};
      assign data_falls[place] = data[stage][place] & {Width{falls[place]}};
    end

    assign occupied[stage+1] = stays | falls >> Step;
    assign distance[stage+1] = distance_stays | distance_falls >> Step * DistanceBits;
    assign data[stage+1] = data_stays | data_falls >> Step * Width;
  end

  assign data_o = data[DistanceBits][Window-1:0];

endmodule
