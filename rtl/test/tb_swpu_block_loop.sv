// SPDX-License-Identifier: Apache-2.0
// Runs operations through the block loop, and compares the cycles of every phase, where they went, every half
// that is written, and the sums of every channel. The file `+vectors` holds operations, in hexadecimal:
// - blocks, eight bits (has loads, array, results, writes; pairs; packed raw outputs, others, results), halves
//   that the DRAM moves in a cycle, times 2^20;
// - channels of the load stream, and of each whether it makes a gradient, has a shortcut, an activation;
//   scale, shift, slope; channels of the store stream, and of each whether it is a gradient, has another
//   use, an activation; the center;
// - 16 words each of other gradients, values and raw outputs, that results meet in turns;
// - of each block halves and words that are read, and of a channel; words of results, and of a channel;
//   cycles of the array; then the halves;
// - what is expected: phases and the cycles of each, the four sums of the timing; of each block the halves
//   that are written; of each channel the sums of the lanes.
// The array makes result k of a block of value word k modulo their number, with lower bits of its own.
module tb_swpu_block_loop;

  import swpu_types_pkg::*;

  localparam int unsigned Lanes = swpu_pkg::StreamElements;
  localparam int unsigned RecordHalves = Lanes + (Lanes + 15) / 16;
  localparam int unsigned RecordBits = $clog2(RecordHalves + 1);
  localparam int unsigned BudgetBits = $clog2(RecordHalves + 2 * Lanes + 1);
  localparam int unsigned MostBlocks = 16;
  localparam int unsigned MostWords = 64;
  localparam int unsigned SideWords = 16;
  localparam int unsigned MostHalves = 1 << 14;
  localparam int unsigned MostPhases = 32;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, start, done, begins;
  operation_t operation;
  operation_timing_t timing;
  logic [15:0] load_block, array_block, store_block, write_block;
  logic [BudgetBits-1:0] budget, load_count, write_count;
  operand_t [Lanes-1:0] load_halves, load_values;
  logic [31:0] write_address, load_channel, load_address, store_address, store_channel;
  logic [31:0] sums_channel, sums_write_channel, buffer_address;
  logic load_write, array_start, array_done, store_read, sums_write, buffer_write;
  sum_t [Lanes-1:0] results;
  operand_t [Lanes-1:0] other, value, raw;
  sum_t [1:0][Lanes-1:0] sums_read, sums_written;
  logic [RecordBits-1:0] buffer_count;
  operand_t [RecordHalves-1:0] buffer_halves;

  // The operation.
  block_t blocks[MostBlocks];
  int array_cycles[MostBlocks], load_first[MostBlocks];
  stream_in_t load_channels[MostWords];
  stream_out_t store_channels[MostWords];
  operand_t [Lanes-1:0] others[SideWords], values[SideWords], raws[SideWords];
  operand_t load_stream[MostHalves];
  longint rate;

  // Memories between the stages, each with two banks.
  operand_t [Lanes-1:0] value_bank[2][MostWords];
  sum_t [Lanes-1:0] result_bank[2][MostWords];
  operand_t buffer[2][MostHalves];
  sum_t [1:0][Lanes-1:0] sums[MostWords];
  operand_t written[MostBlocks][MostHalves];
  int written_count[MostBlocks];

  swpu_block_loop dut (
    .clk_i               (clk),
    .rst_ni              (rst_n),
    .start_i             (start),
    .operation_i         (operation),
    .done_o              (done),
    .timing_o            (timing),
    .begins_o            (begins),
    .load_block_o        (load_block),
    .load_block_i        (blocks[32'(load_block) % MostBlocks]),
    .array_block_o       (array_block),
    .store_block_o       (store_block),
    .store_block_i       (blocks[32'(store_block) % MostBlocks]),
    .write_block_o       (write_block),
    .halves_i            (budget),
    .load_count_o        (load_count),
    .load_halves_i       (load_halves),
    .write_count_o       (write_count),
    .write_address_o     (write_address),
    .load_channel_o      (load_channel),
    .load_channel_i      (load_channels[load_channel % MostWords]),
    .load_write_o        (load_write),
    .load_address_o      (load_address),
    .load_values_o       (load_values),
    .array_start_o       (array_start),
    .array_done_i        (array_done),
    .store_read_o        (store_read),
    .store_address_o     (store_address),
    .store_results_i     (results),
    .store_other_i       (other),
    .store_value_i       (value),
    .store_raw_i         (raw),
    .store_channel_o     (store_channel),
    .store_channel_i     (store_channels[store_channel % MostWords]),
    .sums_channel_o      (sums_channel),
    .sums_i              (sums_read),
    .sums_write_o        (sums_write),
    .sums_write_channel_o(sums_write_channel),
    .sums_o              (sums_written),
    .buffer_write_o      (buffer_write),
    .buffer_address_o    (buffer_address),
    .buffer_count_o      (buffer_count),
    .buffer_halves_o     (buffer_halves)
  );

  // The DRAM moves its rate from the first cycle of a phase on.
  longint cycle_q, cycle;
  int loaded_q, loaded, array_left_q, array_left;
  assign cycle = begins ? 0 : cycle_q;
  assign loaded = begins ? 0 : loaded_q;
  assign budget = BudgetBits'(((cycle + 1) * rate >> 20) - (cycle * rate >> 20));
  always_comb begin
    for (int lane = 0; lane < Lanes; lane++) begin
      load_halves[lane] =
          load_stream[(load_first[32'(load_block) % MostBlocks] + loaded + lane) % MostHalves];
    end
  end
  assign array_left = array_start ? array_cycles[32'(array_block) % MostBlocks] : array_left_q;
  assign array_done = array_left == 1;
  assign sums_read = sums[sums_channel % MostWords];

  int phases, phase_cycles[MostPhases], copied;

  always @(posedge clk) begin
    cycle_q <= cycle + 1;
    loaded_q <= loaded + 32'(load_count);
    array_left_q <= array_left > 0 ? array_left - 1 : 0;
    if (load_write) value_bank[32'(load_block) % 2][load_address % MostWords] <= load_values;
    if (store_read) begin
      results <= result_bank[32'(store_block) % 2][store_address % MostWords];
      other <= others[store_address % SideWords];
      value <= values[store_address % SideWords];
      raw <= raws[store_address % SideWords];
    end
    if (sums_write) sums[sums_write_channel % MostWords] <= sums_written;
    for (int i = 0; i < 32'(write_count); i++) begin
      written[32'(write_block) % MostBlocks][(write_address + i) % MostHalves] =
          buffer[32'(write_block) % 2][(write_address + i) % MostHalves];
    end
    if (write_count != '0) begin
      written_count[32'(write_block) % MostBlocks] = int'(write_address) + 32'(write_count);
    end
    if (buffer_write) begin
      for (int i = 0; i < 32'(buffer_count); i++) begin
        buffer[32'(store_block) % 2][(buffer_address + i) % MostHalves] = buffer_halves[i];
      end
    end
  end

  // In the first cycle of a phase the values of all blocks before it are there.
  always @(negedge clk) begin
    if (begins) begin
      int words;
      if (phases < MostPhases) phase_cycles[phases] = 0;
      phases++;
      for (int block = copied; block < int'(load_block); block++) begin
        if (block >= int'(operation.blocks)) break;
        words = int'(blocks[block].load_words >> operation.has_pairs);
        for (int k = 0; k < int'(blocks[block].store_words); k++) begin
          for (int lane = 0; lane < Lanes; lane++) begin
            operand_t made;
            made = operation.loads ? value_bank[block%2][k%words][lane]
                                   : 16'h3F80 + 16'(k * 3 + lane);
            result_bank[block%2][k][lane] = {made, made == '0 ? 16'h0 : 16'(k * Lanes + lane)};
          end
        end
        copied = block + 1;
      end
    end
    if (phases > 0 && phases <= MostPhases) phase_cycles[phases-1]++;
  end

`include "vectors.svh"

  task automatic scan_word(output operand_t [Lanes-1:0] word);
    scan();
    word = wide[Lanes*16-1:0];
  endtask

  task automatic run();
    int count, channels, first, expected, cycles;
    operation_t read;
    block_t block;
    scan();
    read.blocks = wide[15:0];
    scan();
    {read.loads, read.computes, read.gives, read.stores, read.has_pairs, read.raw_packed,
     read.other_packed, read.results_packed} = wide[7:0];
    operation = read;
    scan();
    rate = wide[63:0];
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
      scan_bit(store_channels[i].is_gradient);
      scan_bit(store_channels[i].has_other);
      scan_bit(store_channels[i].activates);
      scan_sum(store_channels[i].center);
      sums[i] = '0;
    end
    for (int i = 0; i < SideWords; i++) begin
      scan_word(others[i]);
      scan_word(values[i]);
      scan_word(raws[i]);
    end
    first = 0;
    block = '0;
    for (int i = 0; i < int'(operation.blocks); i++) begin
      scan_sum(block.load_halves);
      scan_sum(block.load_words);
      scan_sum(block.load_channel_words);
      scan_sum(block.store_words);
      scan_sum(block.store_channel_words);
      blocks[i] = block;
      scan_int(array_cycles[i]);
      load_first[i] = first;
      for (int half = 0; half < int'(block.load_halves); half++) begin
        scan();
        load_stream[first+half] = wide[15:0];
      end
      first += int'(block.load_halves);
      written_count[i] = 0;
    end
    phases = 0;
    copied = 0;
    start = 1'b1;
    @(negedge clk);
    start = 1'b0;
    cycles = 0;
    while (!done) begin
      @(negedge clk);
      cycles++;
      if (cycles > 100000) $fatal(1, "operation %0d does not end", operations);
    end
    @(negedge clk);
    #1;
    // The last cycle of an operation is followed by one that is none of its own.
    phase_cycles[phases-1]--;
    scan_int(count);
    check("number of phases of operation", operations, count == phases);
    for (int i = 0; i < count; i++) begin
      scan_int(expected);
      check($sformatf("%0d cycles, not %0d, of phase", phase_cycles[i], expected), i,
            phase_cycles[i] == expected);
    end
    scan_int(expected);
    check("compute", int'(timing.compute), int'(timing.compute) == expected);
    scan_int(expected);
    check("stall on the DRAM", int'(timing.dram_stall), int'(timing.dram_stall) == expected);
    scan_int(expected);
    check("stall on a stream", int'(timing.stream_stall), int'(timing.stream_stall) == expected);
    scan_int(expected);
    check("fill", int'(timing.fill), int'(timing.fill) == expected);
    for (int i = 0; i < int'(operation.blocks); i++) begin
      scan_int(count);
      check("number of halves of block", i, count == written_count[i]);
      for (int half = 0; half < count; half++) begin
        scan();
        check($sformatf("half %0d of block", half), i, written[i][half] === wide[15:0]);
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

  initial begin
    int more;
    phases = 0;
    copied = 0;
    rate = 0;
    rst_n = 1'b0;
    start = 1'b0;
    operation = '0;
    cycle_q = 0;
    loaded_q = 0;
    array_left_q = 0;
    for (int i = 0; i < MostBlocks; i++) begin
      blocks[i] = '0;
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
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
