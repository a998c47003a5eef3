// SPDX-License-Identifier: Apache-2.0
// The first element of each word of a stream in its map, [images][channels][pixels]: channel by channel, of
// each image by image. Pixels fill whole words.
module swpu_stream_place #(
  parameter int unsigned Lanes = swpu_pkg::StreamElements
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // In this cycle a map begins.
  input  logic                     begins_i,
  input  swpu_types_pkg::size_t    images_i,
  input  logic [31:0]              channels_i,
  input  logic [31:0]              pixels_i,
  // Behind this cycle the next word.
  input  logic                     next_i,
  output swpu_types_pkg::address_t element_o
);

  import swpu_types_pkg::*;

  typedef struct packed {
    size_t       image;
    logic [31:0] value;
    // Elements before the channel in its image, and before the image.
    logic [31:0] channel_first;
    logic [31:0] image_first;
  } place_t;

  place_t place, place_d, place_q;
  assign place = begins_i ? '0 : place_q;
  assign element_o = AddressBits'(place.image_first + place.channel_first + place.value);

  always_comb begin
    place_d = place;
    if (next_i) begin
      place_d.value = place.value + Lanes;
      if (place_d.value >= pixels_i) begin
        place_d.value = '0;
        place_d.image = place.image + 1'b1;
        place_d.image_first = place.image_first + channels_i * pixels_i;
        if (place_d.image == images_i) begin
          place_d.image = '0;
          place_d.image_first = '0;
          place_d.channel_first = place.channel_first + pixels_i;
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) place_q <= '0;
    else place_q <= place_d;
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk_i) disable iff (!rst_ni) !next_i || pixels_i % Lanes == 0);
`endif

endmodule
