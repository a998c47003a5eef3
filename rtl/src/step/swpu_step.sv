// SPDX-License-Identifier: Apache-2.0
// The block loop of a training step: carries out commands that are in the DRAM, one after the other. A
// command loads a memory of the processor, through the stream-in unit or as it is; runs a pass of a layer;
// brings results to the DRAM through the stream-out unit, with the sums of each channel; or updates the kept
// weights of a layer while their gradients are in the output memory. So the image of the DRAM says how a step
// is cut into blocks, and in which order they go.
//
// Maps in the DRAM are BF16, [images][channels][pixels]; a channel's values go image by image, as the sums
// need them: of a map whose pixels fill whole words. A map whose zeros are packed is a stream of words in that
// order, channel by channel, and each command reads and writes it from its beginning. The DRAM is addressed in halves of 16 bits; it answers a read in any later cycle, with a word of
// the stream units from that half on. The processor's memories take and give an element a cycle, so a word
// takes as many cycles as it has values: a slower stream than that of the model, with the same values.
//
// The vector unit is not here. What it makes of the sums (factors of normalisation), of the network's output
// (the gradient of the loss), and the order of weights in a pass, it puts into the DRAM.
module swpu_step #(
  parameter int unsigned Cores = swpu_pkg::Cores,
  // Values of a word of the stream units: at least a word of the masks.
  localparam int unsigned Lanes = swpu_pkg::StreamElements
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  // Starts on the commands at an address.
  input  logic                                        start_i,
  input  swpu_types_pkg::half_address_t               commands_i,
  output logic                                        done_o,
  // DRAM.
  output logic                                        read_o,
  output swpu_types_pkg::half_address_t               read_address_o,
  input  logic                                        read_valid_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        read_data_i,
  output logic [Lanes-1:0]                            write_o,
  output swpu_types_pkg::half_address_t               write_address_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        write_data_o
);

  if (Lanes < 4 || $countones(Lanes) != 1) begin : gen_lanes
    $error("StreamElements is %0d; powers of two from 4 on are allowed", Lanes);
  end

  import swpu_types_pkg::*;

  localparam int unsigned LaneNumberBits = $clog2(Lanes);
  // Numbers of 32 bits in a command: what it does, then what with.
  localparam int unsigned Fields = 24;
  localparam int unsigned FieldBits = $clog2(Fields);

  typedef enum logic [3:0] {
    Idle,
    // Reads a command.
    Fetch,
    // Reads the factors of a channel.
    Channel,
    // Reads what a word is made of: from the DRAM, from the output memory.
    Read,
    Gather,
    // Waits for a stream unit.
    Stream,
    // Writes a word to a memory; to the DRAM.
    Scatter,
    Write,
    // Adds up the sums of a channel, and writes them.
    Total,
    Totals,
    Pass
  } state_e;

  state_e state_d, state_q;
  logic [31:0] fields_q[Fields];
  command_e command;
  logic [FieldBits-1:0] field_d, field_q;
  half_address_t next_d, next_q;
  // The channel, the image, and the first value of the word in the channel's map; of a plain list the first
  // value of the word alone.
  logic [31:0] channel_d, channel_q, image_d, image_q, value_d, value_q;
  // What is read of the word, or which half of what is written; the element.
  logic [1:0] part_d, part_q;
  logic [LaneNumberBits:0] lane_d, lane_q;
  // Whether the element's word is asked for from the output memory.
  logic asks_d, asks_q;

  assign command = command_e'(fields_q[0][2:0]);

  // Fields by their meaning.
  logic [31:0] channels, images, pixels, count;
  logic is_gradient, has_other, activates, to_outputs, copies, has_sums;
  assign {has_sums, copies, to_outputs, activates, has_other, is_gradient} = fields_q[1][5:0];
  // Maps whose zeros are packed: those of three parts that are read, and the one that is written.
  logic [3:0] is_packed;
  assign channels = fields_q[2];
  assign images = fields_q[3];
  assign pixels = fields_q[4];
  // Of a plain list.
  assign count = fields_q[2];

  // A channel's factors, or its center.
  sum_t [2:0] factors_q;
  logic [LaneNumberBits:0] lanes;
  logic is_last_lane, is_last_word, is_last_image, is_last_channel;
  logic is_map;
  logic [31:0] element;

  assign is_map = command == StreamIn || command == StreamOut;
  assign is_packed = is_map ? fields_q[1][9:6] : '0;
  assign lanes = (is_map ? pixels : count) - value_q < Lanes
      ? (LaneNumberBits + 1)'((is_map ? pixels : count) - value_q) : (LaneNumberBits + 1)'(Lanes);
  assign is_last_lane = lane_q + 1'b1 == lanes;
  assign is_last_word = value_q + Lanes >= (is_map ? pixels : count);
  assign is_last_image = image_q + 1 == images;
  assign is_last_channel = channel_q + 1 == channels;
  // The first element of the word in its map.
  assign element = is_map ? (image_q * channels + channel_q) * pixels + value_q : value_q;

  // What is read for a word: places of the parts.
  operand_t [Lanes-1:0] parts_q[4];
  sum_t [Lanes-1:0] sums_q;
  logic [31:0] index_q;
  operand_t [Lanes-1:0] words_q, rests_q;
  sum_t [Lanes-1:0] velocities_q;

  // Words whose zeros are packed follow each other without gaps, in the order of the stream: a bitmap, then
  // the values that are not zero. Halves of each map so far, and the bitmap once it is read.
  localparam int unsigned BitmapHalves = (Lanes + 15) / 16;
  half_address_t [3:0] packed_d, packed_q;
  logic has_bitmap_d, has_bitmap_q, is_part_packed;
  logic [Lanes-1:0] bitmap_q, written_bitmap;
  operand_t [Lanes-1:0] restored, written_values, written_codes;
  logic [$clog2(Lanes+1)-1:0] written_count;

  swpu_zero_unpack #(
    .Lanes(Lanes)
  ) i_unpack (
    .bitmap_i(bitmap_q),
    .codes_i (read_data_i),
    .values_o(restored)
  );

  always_comb begin
    written_values = words_q;
    for (int unsigned lane = 0; lane < Lanes; lane++) begin
      if (lane >= 32'(lanes)) written_values[lane] = '0;
    end
  end
  swpu_zero_pack #(
    .Lanes(Lanes)
  ) i_pack (
    .values_i(written_values),
    .bitmap_o(written_bitmap),
    .codes_o (written_codes),
    .count_o (written_count)
  );

  // The processor.
  logic load, starts, done;
  memory_e memory;
  address_t address;
  logic [swpu_pkg::MaskWord-1:0] data;
  sum_t result;
  layer_t layer;

  swpu_top #(
    .Cores(Cores)
  ) i_top (
    .clk_i,
    .rst_ni,
    .load_i          (load),
    .memory_i        (memory),
    .address_i       (address),
    .data_i          (data),
    .data_o          (result),
    .word_write_i        (1'b0),
    .word_write_address_i('0),
    .word_i              ('0),
    .word_read_address_i ('0),
    .word_o              (),
    .activation_base_i   ('0),
    .start_i         (starts),
    .layer_i         (layer),
    .done_o          (done),
    .reorder_cycles_o(),
    .plan_cycles_o   (),
    .run_cycles_o    (),
    .core_cycles_o   (),
    .item_done_o     (),
    .item_number_o   ()
  );

  assign starts = state_q == Pass && begins_q;
  assign layer = '{
    pass: pass_e'(fields_q[1][1:0]),
    images: SizeBits'(fields_q[2]),
    channels: PlaneBits'(fields_q[3]),
    filters: PlaneBits'(fields_q[4]),
    channels_per_group: PlaneBits'(fields_q[5]),
    filters_per_group: PlaneBits'(fields_q[6]),
    input_rows: SizeBits'(fields_q[7]),
    input_columns: SizeBits'(fields_q[8]),
    output_rows: SizeBits'(fields_q[9]),
    output_columns: SizeBits'(fields_q[10]),
    kernel_rows: KernelBits'(fields_q[11]),
    kernel_columns: KernelBits'(fields_q[12]),
    stride: StrideBits'(fields_q[13]),
    padding_rows: KernelBits'(fields_q[14]),
    padding_columns: KernelBits'(fields_q[15]),
    result_base: AddressBits'(fields_q[16])
  };

  // The stream units; they begin in the first cycle of `Stream`.
  logic begins_q, streams, in_valid, out_valid, update_valid, total_valid;
  operand_t [Lanes-1:0] in_values, out_values, new_operands, new_rests;
  sum_t [Lanes-1:0] new_velocities;
  sum_t first, second;

  assign streams = state_q == Stream && begins_q;

  swpu_stream_in i_in (
    .clk_i,
    .rst_ni,
    .valid_i  (streams && command == StreamIn),
    .channel_i('{
      is_gradient: is_gradient, has_shortcut: has_other, activates: activates,
      scale: factors_q[0], shift: factors_q[1], slope: factors_q[2]
    }),
    .raw_i    (parts_q[0]),
    .other_i  (parts_q[1]),
    .valid_o  (in_valid),
    .values_o (in_values)
  );

  swpu_stream_out i_out (
    .clk_i,
    .rst_ni,
    .valid_i      (streams && command == StreamOut),
    .channel_i    ('{
      is_gradient: is_gradient, has_other: has_other, activates: activates, center: factors_q[0]
    }),
    .lanes_i      (~({Lanes{1'b1}} << lanes)),
    .results_i    (sums_q),
    .other_i      (parts_q[1]),
    .value_i      (parts_q[2]),
    .raw_i        (parts_q[0]),
    .valid_o      (out_valid),
    .values_o     (out_values),
    .resumes_i    (1'b0),
    .sums_i       ('0),
    .sums_o       (),
    .total_i      (state_q == Total && begins_q),
    .total_valid_o(total_valid),
    .first_o      (first),
    .second_o     (second)
  );

  swpu_update i_update (
    .clk_i,
    .rst_ni,
    .valid_i     (streams && command == Update),
    .rule_i      ('{rate: fields_q[8], momentum: fields_q[9], decay: fields_q[10]}),
    .operands_i  (parts_q[0]),
    .rests_i     (parts_q[1]),
    .velocities_i({parts_q[3], parts_q[2]}),
    .gradients_i (sums_q),
    .valid_o     (update_valid),
    .operands_o  (new_operands),
    .rests_o     (new_rests),
    .velocities_o(new_velocities)
  );

  // Addresses of the parts of a word in the DRAM, and which of them a command needs.
  half_address_t part_address;
  logic needs_part;
  always_comb begin
    needs_part = 1'b1;
    unique case (command)
      // Masks are words of 64 bits.
      LoadMasks: part_address = fields_q[3] + 4 * value_q;
      // An index, then the weight.
      LoadWeights: part_address = part_q == '0 ? fields_q[3] + 2 * value_q : fields_q[4] + index_q;
      Update: part_address = part_q < 2 ? fields_q[3+part_q] + value_q
          : fields_q[5] + 2 * value_q + (part_q[0] ? Lanes : 0);
      default: begin
        part_address = fields_q[5+part_q]
            + (is_packed[part_q] ? packed_q[part_q] + (has_bitmap_q ? BitmapHalves : 0) : element);
        needs_part = part_q == 2'd0 && (command == StreamIn || is_gradient)
            || part_q == 2'd1 && (has_other || command == StreamIn && is_gradient)
            || part_q == 2'd2 && command == StreamOut && activates;
      end
    endcase
  end

  assign is_part_packed = needs_part && is_packed[part_q];

  // A kept weight's gradient is at its index in the results of the pass.
  logic reads_index;
  assign reads_index = command == Update && !asks_q;

  logic begins_d;
  half_address_t read_address;
  logic reads;

  always_comb begin
    state_d = state_q;
    field_d = field_q;
    next_d = next_q;
    channel_d = channel_q;
    image_d = image_q;
    value_d = value_q;
    part_d = part_q;
    lane_d = lane_q;
    packed_d = packed_q;
    has_bitmap_d = 1'b0;
    asks_d = 1'b0;
    begins_d = 1'b0;
    reads = 1'b0;
    read_address = '0;
    write_o = '0;
    write_address_o = '0;
    write_data_o = '0;
    load = 1'b0;
    memory = ActivationMemory;
    address = '0;
    data = '0;
    done_o = 1'b0;

    unique case (state_q)
      Idle: begin
        next_d = commands_i;
        field_d = '0;
        if (start_i) state_d = Fetch;
      end

      Fetch: begin
        reads = 1'b1;
        read_address = next_q + 2 * 32'(field_q);
        if (read_valid_i) begin
          field_d = field_q + 1'b1;
          if (field_q == FieldBits'(Fields - 1)) begin
            field_d = '0;
            next_d = next_q + 2 * Fields;
            channel_d = '0;
            image_d = '0;
            value_d = '0;
            part_d = '0;
            lane_d = '0;
            packed_d = '0;
            begins_d = command == RunPass;
            unique case (command)
              End: begin
                done_o = 1'b1;
                state_d = Idle;
              end
              RunPass: state_d = Pass;
              StreamIn, StreamOut: state_d = Channel;
              default: state_d = Read;
            endcase
          end
        end
      end

      Pass: if (done) state_d = Fetch;

      Channel: begin
        reads = 1'b1;
        read_address = fields_q[8] + 6 * channel_q + 2 * 32'(part_q);
        if (read_valid_i) begin
          part_d = part_q + 1'b1;
          if (part_q == 2'd2) begin
            part_d = '0;
            state_d = Read;
          end
        end
      end

      Read: begin
        reads = needs_part;
        read_address = part_address;
        has_bitmap_d = has_bitmap_q;
        if (read_valid_i && is_part_packed && !has_bitmap_q) begin
          has_bitmap_d = 1'b1;
        end else if (read_valid_i || !needs_part) begin
          has_bitmap_d = 1'b0;
          if (is_part_packed) begin
            packed_d[part_q] = packed_q[part_q] + BitmapHalves + $countones(bitmap_q);
          end
          part_d = part_q + 1'b1;
          if (command == LoadMasks || command == LoadWeights && part_q == 2'd1
              || part_q == 2'd3) begin
            part_d = '0;
            unique case (command)
              LoadMasks, LoadWeights: state_d = Scatter;
              StreamIn: begin
                state_d = Stream;
                begins_d = 1'b1;
              end
              default: state_d = Gather;
            endcase
          end
        end
      end

      // Elements of the output memory, each in the cycle behind its address.
      Gather: begin
        if (reads_index) begin
          reads = 1'b1;
          read_address = fields_q[6] + 2 * (value_q + 32'(lane_q));
        end
        address = AddressBits'(
            command == Update ? fields_q[7] + index_q : fields_q[9] + element + 32'(lane_q));
        // The index is there a cycle before it addresses the memory.
        asks_d = command == Update ? (read_valid_i || asks_q) && part_q == '0 : !asks_q;
        if (command == Update && asks_q) part_d = part_q + 1'b1;
        if (command == Update ? part_q == 2'd1 : asks_q) begin
          asks_d = 1'b0;
          part_d = '0;
          lane_d = lane_q + 1'b1;
          if (is_last_lane) begin
            lane_d = '0;
            state_d = Stream;
            begins_d = 1'b1;
          end
        end
      end

      Stream: begin
        if (in_valid || out_valid || update_valid) begin
          state_d = command == StreamIn && !copies ? Scatter : Write;
        end
      end

      Write: begin
        write_o = ~({Lanes{1'b1}} << lanes);
        part_d = part_q + 1'b1;
        if (is_packed[3]) begin
          write_address_o = fields_q[10] + packed_q[3];
          write_data_o = (Lanes * 16)'(written_bitmap);
          write_o = ~({Lanes{1'b1}} << BitmapHalves);
          if (part_q == 2'd1) begin
            write_address_o = fields_q[10] + packed_q[3] + BitmapHalves;
            write_data_o = written_codes;
            write_o = ~({Lanes{1'b1}} << written_count);
            packed_d[3] = packed_q[3] + BitmapHalves + 32'(written_count);
          end
        end else if (command != Update) begin
          write_address_o = fields_q[10] + element;
          write_data_o = words_q;
        end else begin
          unique case (part_q)
            2'd0: begin
              write_address_o = fields_q[3] + value_q;
              write_data_o = words_q;
            end
            2'd1: begin
              write_address_o = fields_q[4] + value_q;
              write_data_o = rests_q;
            end
            default: begin
              write_address_o = fields_q[5] + 2 * value_q + (part_q[0] ? Lanes : 0);
              write_data_o = part_q[0] ? velocities_q[Lanes-1:Lanes/2]
                                       : velocities_q[Lanes/2-1:0];
              for (int unsigned half = 0; half < Lanes; half++) begin
                write_o[half] = half / 2 + (part_q[0] ? Lanes / 2 : 0) < 32'(lanes);
              end
            end
          endcase
        end
        if (is_packed[3] ? part_q == 2'd1 : command != Update || part_q == 2'd3) begin
          part_d = '0;
          state_d = command == StreamIn ? Scatter : Read;
        end
      end

      // A memory takes an element a cycle; the output memory two in a word, of which one stays.
      Scatter: begin
        unique case (command)
          LoadMasks: begin
            memory = MaskMemory;
            address = AddressBits'(value_q);
            data = parts_q[0][3:0];
          end
          LoadWeights: begin
            memory = WeightMemory;
            address = AddressBits'(value_q);
            data = swpu_pkg::MaskWord'(parts_q[1][0]);
          end
          default: begin
            memory = to_outputs ? OutputMemory : ActivationMemory;
            address = AddressBits'((element + 32'(lane_q)) >> to_outputs);
            data = swpu_pkg::MaskWord'(words_q[LaneNumberBits'(lane_q)]);
            if (to_outputs) begin
              data = (element[0] ^ lane_q[0])
                  ? swpu_pkg::MaskWord'({words_q[LaneNumberBits'(lane_q)], result[15:0]})
                  : swpu_pkg::MaskWord'({result[31:16], words_q[LaneNumberBits'(lane_q)]});
            end
          end
        endcase
        asks_d = command == StreamIn && to_outputs && !asks_q;
        load = !asks_d;
        if (load) begin
          lane_d = lane_q + 1'b1;
          if (command != StreamIn || is_last_lane) begin
            lane_d = '0;
            state_d = Read;
          end
        end
      end

      // The totals come levels later.
      Total: if (total_valid) state_d = Totals;

      default: begin
        write_o = has_sums ? Lanes'(4'hF) : '0;
        write_address_o = fields_q[11] + 4 * channel_q;
        write_data_o = (Lanes * 16)'({factors_q[2], factors_q[1]});
        state_d = Channel;
        channel_d = channel_q + 1;
        if (is_last_channel) state_d = Fetch;
      end
    endcase

    // The next word: behind the last of an image the next image, then the next channel.
    if (state_d == Read && state_q != Channel && state_q != Read && state_q != Fetch) begin
      value_d = value_q + (command == LoadMasks || command == LoadWeights ? 1 : Lanes);
      if (command == LoadMasks || command == LoadWeights ? value_d == count : is_last_word) begin
        value_d = '0;
        image_d = image_q + 1;
        if (!is_map) begin
          state_d = Fetch;
        end else if (is_last_image) begin
          image_d = '0;
          if (command == StreamOut) begin
            state_d = Total;
            begins_d = 1'b1;
          end else begin
            channel_d = channel_q + 1;
            state_d = is_last_channel ? Fetch : Channel;
          end
        end
      end
    end
  end

  assign read_o = reads && !read_valid_i;
  assign read_address_o = read_address;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      for (int unsigned i = 0; i < Fields; i++) fields_q[i] <= '0;
      field_q <= '0;
      next_q <= '0;
      channel_q <= '0;
      image_q <= '0;
      value_q <= '0;
      part_q <= '0;
      lane_q <= '0;
      packed_q <= '0;
      has_bitmap_q <= 1'b0;
      bitmap_q <= '0;
      asks_q <= 1'b0;
      begins_q <= 1'b0;
      factors_q <= '0;
      for (int unsigned i = 0; i < 4; i++) parts_q[i] <= '0;
      sums_q <= '0;
      index_q <= '0;
      words_q <= '0;
      rests_q <= '0;
      velocities_q <= '0;
    end else begin
      state_q <= state_d;
      field_q <= field_d;
      next_q <= next_d;
      channel_q <= channel_d;
      image_q <= image_d;
      value_q <= value_d;
      part_q <= part_d;
      lane_q <= lane_d;
      packed_q <= packed_d;
      has_bitmap_q <= has_bitmap_d;
      asks_q <= asks_d;
      begins_q <= begins_d;
      if (read_valid_i && state_q == Fetch) fields_q[field_q] <= read_data_i[1:0];
      if (read_valid_i && state_q == Channel) factors_q[part_q] <= read_data_i[1:0];
      if (read_valid_i && state_q == Read) begin
        if (is_part_packed && !has_bitmap_q) bitmap_q <= Lanes'(read_data_i);
        else parts_q[part_q] <= is_part_packed ? restored : read_data_i;
      end
      if (read_valid_i && (state_q == Read || state_q == Gather)) index_q <= read_data_i[1:0];
      if (state_q == Gather) sums_q[LaneNumberBits'(lane_q)] <= result;
      if (in_valid) words_q <= in_values;
      if (out_valid) words_q <= out_values;
      if (update_valid) begin
        words_q <= new_operands;
        rests_q <= new_rests;
        velocities_q <= new_velocities;
      end
      if (total_valid) factors_q[2:1] <= {second, first};
    end
  end

endmodule
