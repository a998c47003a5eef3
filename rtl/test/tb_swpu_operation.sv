// SPDX-License-Identifier: Apache-2.0
// Runs operations through the whole machine in blocks, from maps in the DRAM to results there, and compares
// the cycles of every phase, the longest core's of every block, every half that is written, and the sums of
// every channel. A phase lasts as long as its streams, or as the array from its first to its last cycle on the
// block, which is measured. The file `+vectors` holds operations, in hexadecimal, each announced by a 1:
// - blocks, eight bits (has loads, array, results, writes; pairs; packed raw outputs, others, results), halves
//   that the DRAM moves in a cycle, times 2^20;
// - the layer, in the order of `layer_t`;
// - channels of the load stream, and of each whether it makes a gradient, has a shortcut, an activation;
//   scale, shift, slope; channels of the store stream, and of each whether it is a gradient; the center;
// - numbers of weights and words of masks, and these;
// - of each block images, halves and words that are read, words of a channel, words of results, and of a
//   channel, cycles of the longest core; then the halves;
// - what is expected: cycles of the streams in each phase; of each block the halves that are written; of each
//   channel the sums of the lanes.
module tb_swpu_operation #(
  parameter int unsigned Cores = swpu_pkg::Cores
);

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::StreamElements;
  localparam int unsigned RecordHalves = Lanes + (Lanes + 15) / 16;
  localparam int unsigned BudgetBits = $clog2(RecordHalves + 2 * Lanes + 1);
  localparam int unsigned MostBlocks = 16;
  localparam int unsigned MostChannels = 64;
  localparam int unsigned MostHalves = 1 << 14;
  localparam int unsigned MostPhases = 32;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, load, start, done, begins, array_start, array_done;
  memory_e memory;
  address_t address;
  logic [swpu_pkg::MaskWord-1:0] data;
  operation_t operation;
  operation_timing_t timing;
  layer_t layer;
  logic [Cores-1:0][31:0] core_cycles;
  logic [15:0] load_block, array_block, store_block, write_block;
  logic [BudgetBits-1:0] budget, load_count, write_count;
  stream_operands_t load_halves, write_halves;
  logic [31:0] write_address, load_channel, store_channel, sums_channel, sums_write_channel;
  logic sums_write;
  stream_sums_t [1:0] sums_read, sums_written;

  // The operation.
  block_t blocks[MostBlocks];
  int longest[MostBlocks], array_cycles[MostBlocks], load_first[MostBlocks];
  stream_in_t load_channels[MostChannels];
  stream_out_t store_channels[MostChannels];
  operand_t load_stream[MostHalves];
  longint rate;

  stream_sums_t [1:0] sums[MostChannels];
  operand_t written[MostBlocks][MostHalves];
  int written_count[MostBlocks];

  swpu_operation #(
    .Cores(Cores)
  ) dut (
    .clk_i               (clk),
    .rst_ni              (rst_n),
    .load_i              (load),
    .memory_i            (memory),
    .address_i           (address),
    .data_i              (data),
    .start_i             (start),
    .operation_i         (operation),
    .layer_i             (layer),
    .done_o              (done),
    .timing_o            (timing),
    .begins_o            (begins),
    .array_start_o       (array_start),
    .array_done_o        (array_done),
    .core_cycles_o       (core_cycles),
    .load_block_o        (load_block),
    .load_block_i        (blocks[32'(load_block) % MostBlocks]),
    .array_block_o       (array_block),
    .array_block_i       (blocks[32'(array_block) % MostBlocks]),
    .store_block_o       (store_block),
    .store_block_i       (blocks[32'(store_block) % MostBlocks]),
    .write_block_o       (write_block),
    .halves_i            (budget),
    .load_count_o        (load_count),
    .load_halves_i       (load_halves),
    .write_count_o       (write_count),
    .write_address_o     (write_address),
    .write_halves_o      (write_halves),
    .load_channel_o      (load_channel),
    .load_channel_i      (load_channels[load_channel % MostChannels]),
    .store_channel_o     (store_channel),
    .store_channel_i     (store_channels[store_channel % MostChannels]),
    .sums_channel_o      (sums_channel),
    .sums_i              (sums_read),
    .sums_write_o        (sums_write),
    .sums_write_channel_o(sums_write_channel),
    .sums_o              (sums_written)
  );

  // The DRAM moves its rate from the first cycle of a phase on.
  longint cycle_q, cycle;
  int loaded_q, loaded;
  assign cycle = begins ? 0 : cycle_q;
  assign loaded = begins ? 0 : loaded_q;
  assign budget = BudgetBits'(((cycle + 1) * rate >> 20) - (cycle * rate >> 20));
  always_comb begin
    for (int lane = 0; lane < Lanes; lane++) begin
      load_halves[lane] =
          load_stream[(load_first[32'(load_block) % MostBlocks] + loaded + lane) % MostHalves];
    end
  end
  assign sums_read = sums[sums_channel % MostChannels];

  always @(posedge clk) begin
    cycle_q <= cycle + 1;
    loaded_q <= loaded + 32'(load_count);
    if (sums_write) sums[sums_write_channel % MostChannels] <= sums_written;
    for (int i = 0; i < 32'(write_count); i++) begin
      written[32'(write_block) % MostBlocks][(write_address + i) % MostHalves] =
          write_halves[i];
    end
    if (write_count != '0) begin
      written_count[32'(write_block) % MostBlocks] = int'(write_address) + 32'(write_count);
    end
  end

  int phases, phase_cycles[MostPhases], array_count, done_block;
  logic is_counting, was_done;

  always @(negedge clk) begin
    if (begins) begin
      if (phases < MostPhases) phase_cycles[phases] = 0;
      phases++;
    end
    if (phases > 0 && phases <= MostPhases) phase_cycles[phases-1]++;
    // The cores' cycles are complete in the cycle behind.
    if (was_done) begin
      int most;
      most = 0;
      for (int core = 0; core < Cores; core++) begin
        if (int'(core_cycles[core]) > most) most = int'(core_cycles[core]);
      end
      check("cycles of the longest core on block", done_block, most == longest[done_block]);
    end
    was_done = 1'b0;
    if (array_start) begin
      is_counting = 1'b1;
      array_count = 0;
    end
    if (is_counting) array_count++;
    if (array_done) begin
      is_counting = 1'b0;
      was_done = 1'b1;
      done_block = 32'(array_block) % MostBlocks;
      array_cycles[done_block] = array_count;
    end
  end

`include "vectors.svh"

  // Loads words one behind the other.
  task automatic fill(memory_e which, int count);
    memory = which;
    for (int i = 0; i < count; i++) begin
      scan();
      load = 1'b1;
      address = AddressBits'(i);
      data = wide[swpu_pkg::MaskWord-1:0];
      @(negedge clk);
    end
    load = 1'b0;
  endtask

  task automatic run();
    int count, channels, first, expected, cycles, weights, masks, all, array;
    operation_t read;
    block_t block;
    layer_t next;
    sum_t fields[16];
    scan();
    read.blocks = wide[15:0];
    scan();
    {read.loads, read.computes, read.gives, read.stores, read.has_pairs, read.raw_packed,
     read.other_packed, read.results_packed} = wide[7:0];
    operation = read;
    scan();
    rate = wide[63:0];
    for (int i = 0; i < 16; i++) scan_sum(fields[i]);
    next.pass = pass_e'(fields[0][1:0]);
    next.images = SizeBits'(fields[1]);
    next.channels = PlaneBits'(fields[2]);
    next.filters = PlaneBits'(fields[3]);
    next.channels_per_group = PlaneBits'(fields[4]);
    next.filters_per_group = PlaneBits'(fields[5]);
    next.input_rows = SizeBits'(fields[6]);
    next.input_columns = SizeBits'(fields[7]);
    next.output_rows = SizeBits'(fields[8]);
    next.output_columns = SizeBits'(fields[9]);
    next.kernel_rows = KernelBits'(fields[10]);
    next.kernel_columns = KernelBits'(fields[11]);
    next.stride = StrideBits'(fields[12]);
    next.padding_rows = KernelBits'(fields[13]);
    next.padding_columns = KernelBits'(fields[14]);
    next.result_base = AddressBits'(fields[15]);
    layer = next;
    scan_int(channels);
    for (int i = 0; i < channels; i++) begin
      scan_bit(load_channels[i].is_gradient);
      scan_bit(load_channels[i].has_shortcut);
      scan_bit(load_channels[i].activates);
      scan_sum(load_channels[i].scale);
      scan_sum(load_channels[i].shift);
      scan_sum(load_channels[i].slope);
    end
    scan_int(channels);
    for (int i = 0; i < channels; i++) begin
      store_channels[i] = '0;
      scan_bit(store_channels[i].is_gradient);
      scan_sum(store_channels[i].center);
      sums[i] = '0;
    end
    scan_int(weights);
    scan_int(masks);
    fill(WeightMemory, weights);
    fill(MaskMemory, masks);
    first = 0;
    for (int i = 0; i < int'(operation.blocks); i++) begin
      scan();
      block.images = SizeBits'(wide);
      scan_sum(block.load_halves);
      scan_sum(block.load_words);
      scan_sum(block.load_channel_words);
      scan_sum(block.store_words);
      scan_sum(block.store_channel_words);
      blocks[i] = block;
      scan_int(longest[i]);
      load_first[i] = first;
      for (int k = 0; k < int'(block.load_halves); k++) begin
        scan();
        load_stream[first+k] = wide[15:0];
      end
      first += int'(block.load_halves);
      written_count[i] = 0;
    end
    phases = 0;
    start = 1'b1;
    @(negedge clk);
    start = 1'b0;
    cycles = 0;
    while (!done) begin
      @(negedge clk);
      cycles++;
      if (cycles > 1000000) $fatal(1, "operation %0d does not end", operations);
    end
    @(negedge clk);
    #1;
    // The last cycle of an operation is followed by one that is none of its own.
    phase_cycles[phases-1]--;
    check("number of phases", operations, phases == int'(operation.blocks) + 3);
    all = 0;
    array = 0;
    for (int i = 0; i < int'(operation.blocks) + 3; i++) begin
      scan_int(expected);
      if (i > 0 && i <= int'(operation.blocks)) begin
        if (array_cycles[i-1] > expected) begin
          expected = array_cycles[i-1];
          array_bound++;
        end
        array += array_cycles[i-1];
      end
      check($sformatf("%0d cycles, not %0d, of phase", phase_cycles[i], expected), i,
            phase_cycles[i] == expected);
      all += expected;
    end
    check("cycles of the array", operations, int'(timing.compute) == array);
    check("cycles of all", operations,
          int'(timing.compute + timing.dram_stall + timing.stream_stall + timing.fill) == all);
    all_cycles += all;
    for (int i = 0; i < int'(operation.blocks); i++) begin
      scan_int(count);
      check("number of halves of block", i, count == written_count[i]);
      for (int k = 0; k < count; k++) begin
        scan();
        check($sformatf("half %0d of block", k), i, written[i][k] === wide[15:0]);
      end
    end
    scan_int(count);
    for (int i = 0; i < count; i++) begin
      for (int k = 0; k < 2; k++) begin
        scan();
        check("sums of channel", i, sums[i][k] === wide);
      end
    end
    operations++;
  endtask

  int all_cycles, array_bound;

  initial begin
    int more;
    phases = 0;
    rate = 0;
    rst_n = 1'b0;
    start = 1'b0;
    operation = '0;
    cycle_q = 0;
    loaded_q = 0;
    load = 1'b0;
    memory = ActivationMemory;
    address = '0;
    data = '0;
    layer = '0;
    all_cycles = 0;
    array_bound = 0;
    array_count = 0;
    done_block = 0;
    is_counting = 1'b0;
    was_done = 1'b0;
    for (int i = 0; i < MostBlocks; i++) begin
      blocks[i] = '0;
      longest[i] = 0;
      array_cycles[i] = 0;
      load_first[i] = 0;
      written_count[i] = 0;
    end
    open_vectors();
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    // Each operation is announced by a 1.
    scan_int(more);
    while (more == 1) begin
      run();
      scan_int(more);
    end
    $fclose(file);
    $display("cycles %0d, phases that the array bounds %0d", all_cycles, array_bound);
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
