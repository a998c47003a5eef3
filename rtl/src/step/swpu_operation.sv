// SPDX-License-Identifier: Apache-2.0
// An operation of a step: a pass of a layer over a batch in blocks of images, from its maps in the DRAM to its
// results there. While the array works on a block, the next one streams in and the one before streams out.
//
// Masks and weights of the pass are in their memories before; they stay for all blocks. The memories of
// activations and results are halved: even blocks take the first half, odd ones the second. Forward passes,
// and input gradients without an activation below; sums of a weight gradient do not go on from block to block.
module swpu_operation #(
  parameter int unsigned Cores = swpu_pkg::Cores,
  // Values of a word.
  localparam int unsigned Lanes = swpu_pkg::StreamElements,
  localparam int unsigned RecordHalves = Lanes + (Lanes + 15) / 16,
  localparam int unsigned RecordBits = $clog2(RecordHalves + 1),
  localparam int unsigned CountBits = $clog2(RecordHalves + 2 * Lanes + 1)
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  // Loads a memory, before.
  input  logic                                        load_i,
  input  swpu_types_pkg::memory_e                     memory_i,
  input  swpu_types_pkg::address_t                    address_i,
  input  logic [swpu_pkg::MaskWord-1:0]               data_i,
  // The operation; images and base of the results are those of a block.
  input  logic                                        start_i,
  input  swpu_types_pkg::operation_t                  operation_i,
  input  swpu_types_pkg::layer_t                      layer_i,
  output logic                                        done_o,
  output swpu_types_pkg::operation_timing_t           timing_o,
  output logic                                        begins_o,
  // The array's block: its first and its last cycle, and cycles of the cores so far.
  output logic                                        array_start_o,
  output logic                                        array_done_o,
  output logic [Cores-1:0][31:0]                      core_cycles_o,
  // What the block of each stage is.
  output logic [15:0]                                 load_block_o,
  input  swpu_types_pkg::block_t                      load_block_i,
  output logic [15:0]                                 array_block_o,
  input  swpu_types_pkg::block_t                      array_block_i,
  output logic [15:0]                                 store_block_o,
  input  swpu_types_pkg::block_t                      store_block_i,
  output logic [15:0]                                 write_block_o,
  // DRAM: halves that it can move in this cycle; those that are read, and those that are written, which begin
  // at a half of the block's.
  input  logic [CountBits-1:0]                        halves_i,
  output logic [CountBits-1:0]                        load_count_o,
  input  swpu_types_pkg::stream_operands_t            load_halves_i,
  output logic [CountBits-1:0]                        write_count_o,
  output logic [31:0]                                 write_address_o,
  output swpu_types_pkg::stream_operands_t            write_halves_o,
  // What becomes of the values of a channel, and of its results; its sums.
  output logic [31:0]                                 load_channel_o,
  input  swpu_types_pkg::stream_in_t                  load_channel_i,
  output logic [31:0]                                 store_channel_o,
  input  swpu_types_pkg::stream_out_t                 store_channel_i,
  output logic [31:0]                                 sums_channel_o,
  input  swpu_types_pkg::stream_sums_t [1:0]          sums_i,
  output logic                                        sums_write_o,
  output logic [31:0]                                 sums_write_channel_o,
  output swpu_types_pkg::stream_sums_t [1:0]          sums_o
);

  import swpu_types_pkg::*;

  // Elements of half of a memory.
  localparam int unsigned Activations = swpu_pkg::ActivationKibibytes * 256;
  localparam int unsigned Outputs = swpu_pkg::OutputKibibytes * 128;
  // A block's results are no more halves than they are words of sums, and the bitmaps.
  localparam int unsigned BufferHalves = 2 * Outputs;

  function automatic address_t half(logic is_second, address_t elements);
    half = is_second ? elements : '0;
  endfunction

  logic load_write, store_read, buffer_write;
  logic [31:0] buffer_address;
  logic [RecordBits-1:0] buffer_count;
  operand_t [RecordHalves-1:0] buffer_halves;
  stream_operands_t load_values;
  stream_sums_t results;

  swpu_block_loop #(
    .Lanes(Lanes)
  ) i_block_loop (
    .clk_i,
    .rst_ni,
    .start_i,
    .operation_i,
    .done_o,
    .timing_o,
    .begins_o,
    .load_block_o,
    .load_block_i,
    .array_block_o,
    .store_block_o,
    .store_block_i,
    .write_block_o,
    .halves_i,
    .load_count_o,
    .load_halves_i,
    .write_count_o,
    .write_address_o,
    .load_channel_o,
    .load_channel_i,
    .load_write_o        (load_write),
    .load_address_o      (),
    .load_values_o       (load_values),
    .array_start_o,
    .array_done_i        (array_done_o),
    .store_read_o        (store_read),
    .store_address_o     (),
    .store_results_i     (results),
    .store_other_i       ('0),
    .store_value_i       ('0),
    .store_raw_i         ('0),
    .store_channel_o,
    .store_channel_i,
    .sums_channel_o,
    .sums_i,
    .sums_write_o,
    .sums_write_channel_o,
    .sums_o,
    .buffer_write_o      (buffer_write),
    .buffer_address_o    (buffer_address),
    .buffer_count_o      (buffer_count),
    .buffer_halves_o     (buffer_halves)
  );

  // Where words lie: of the map that is read, and of the results.
  logic is_forward;
  logic [31:0] input_pixels, output_pixels;
  address_t load_element, store_element;
  assign is_forward = layer_i.pass == Forward;
  assign input_pixels = 32'(layer_i.input_rows) * 32'(layer_i.input_columns);
  assign output_pixels = 32'(layer_i.output_rows) * 32'(layer_i.output_columns);

  swpu_stream_place i_load_place (
    .clk_i,
    .rst_ni,
    .begins_i  (begins_o),
    .images_i  (load_block_i.images),
    .channels_i(is_forward ? 32'(layer_i.channels) : 32'(layer_i.filters)),
    .pixels_i  (is_forward ? input_pixels : output_pixels),
    .next_i    (load_write),
    .element_o (load_element)
  );

  swpu_stream_place i_store_place (
    .clk_i,
    .rst_ni,
    .begins_i  (begins_o),
    .images_i  (store_block_i.images),
    .channels_i(is_forward ? 32'(layer_i.filters) : 32'(layer_i.channels)),
    .pixels_i  (is_forward ? output_pixels : input_pixels),
    .next_i    (store_read),
    .element_o (store_element)
  );

  layer_t block_layer;
  always_comb begin
    block_layer = layer_i;
    block_layer.images = array_block_i.images;
    block_layer.result_base = half(array_block_o[0], AddressBits'(Outputs));
  end

  swpu_top #(
    .Cores(Cores)
  ) i_top (
    .clk_i,
    .rst_ni,
    .load_i,
    .memory_i,
    .address_i,
    .data_i,
    .data_o              (),
    .word_write_i        (load_write),
    .word_write_address_i(load_element + half(load_block_o[0], AddressBits'(Activations))),
    .word_i              (load_values),
    .word_read_address_i (store_element + half(store_block_o[0], AddressBits'(Outputs))),
    .word_o              (results),
    .activation_base_i   (half(array_block_o[0], AddressBits'(Activations))),
    .start_i             (array_start_o),
    .layer_i             (block_layer),
    .done_o              (array_done_o),
    .reorder_cycles_o    (),
    .plan_cycles_o       (),
    .run_cycles_o        (),
    .core_cycles_o,
    .item_done_o         (),
    .item_number_o       ()
  );

  // What is written, in two halves too. A model, as swpu_memory is.
  operand_t buffer_q[2*BufferHalves];

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < RecordHalves; i++) begin
      if (buffer_write && i < 32'(buffer_count)) begin
        buffer_q[32'(store_block_o[0])*BufferHalves+buffer_address+i] <= buffer_halves[i];
      end
    end
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_written
    assign write_halves_o[lane] =
        buffer_q[32'(write_block_o[0])*BufferHalves+write_address_o+lane];
  end

endmodule
