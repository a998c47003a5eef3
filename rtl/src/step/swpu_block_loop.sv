// SPDX-License-Identifier: Apache-2.0
// The block loop of an operation: four stages work on four blocks at a time. The load stream brings block p
// from the DRAM, the array works on block p-1, the store stream takes the results of block p-2, and the DRAM
// writes block p-3. A phase p ends when all four are done; the next one begins in the cycle behind. The DRAM
// reads before it writes.
//
// So each memory between two stages has two banks, which blocks take in turns; they, the descriptions of
// blocks and channels and the array are outside. Phases in which no stage has a block (of an operation
// without an array, or without anything to write) are left out.
module swpu_block_loop #(
  // Values of a word, a power of two from 2 on.
  parameter int unsigned Lanes = swpu_pkg::StreamElements,
  localparam int unsigned RecordHalves = Lanes + (Lanes + 15) / 16,
  localparam int unsigned RecordBits = $clog2(RecordHalves + 1),
  localparam int unsigned CountBits = $clog2(RecordHalves + 2 * Lanes + 1)
) (
  input  logic                                        clk_i,
  input  logic                                        rst_ni,
  input  logic                                        start_i,
  input  swpu_types_pkg::operation_t                  operation_i,
  // In the last cycle; with the timing, which is complete in the cycle behind.
  output logic                                        done_o,
  output swpu_types_pkg::operation_timing_t           timing_o,
  // The first cycle of a phase.
  output logic                                        begins_o,
  // The block of each stage, and what the streams' blocks are.
  output logic [15:0]                                 load_block_o,
  input  swpu_types_pkg::block_t                      load_block_i,
  output logic [15:0]                                 array_block_o,
  output logic [15:0]                                 store_block_o,
  input  swpu_types_pkg::block_t                      store_block_i,
  output logic [15:0]                                 write_block_o,
  // DRAM: halves that it can move in this cycle; those that are read, and that are written.
  input  logic [CountBits-1:0]                        halves_i,
  output logic [CountBits-1:0]                        load_count_o,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        load_halves_i,
  output logic [CountBits-1:0]                        write_count_o,
  // Where in the buffer the halves that are written begin.
  output logic [31:0]                                 write_address_o,
  // What the load stream makes, for the array.
  output logic [31:0]                                 load_channel_o,
  input  swpu_types_pkg::stream_in_t                  load_channel_i,
  output logic                                        load_write_o,
  output logic [31:0]                                 load_address_o,
  output swpu_types_pkg::operand_t [Lanes-1:0]        load_values_o,
  // The array: begins on its block; nothing is left of it behind this cycle.
  output logic                                        array_start_o,
  input  logic                                        array_done_i,
  // What the store stream reads, a cycle behind its number.
  output logic                                        store_read_o,
  output logic [31:0]                                 store_address_o,
  input  swpu_types_pkg::sum_t [Lanes-1:0]            store_results_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        store_other_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        store_value_i,
  input  swpu_types_pkg::operand_t [Lanes-1:0]        store_raw_i,
  output logic [31:0]                                 store_channel_o,
  input  swpu_types_pkg::stream_out_t                 store_channel_i,
  // Sums of channels between blocks.
  output logic [31:0]                                 sums_channel_o,
  input  swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_i,
  output logic                                        sums_write_o,
  output logic [31:0]                                 sums_write_channel_o,
  output swpu_types_pkg::sum_t [1:0][Lanes-1:0]       sums_o,
  // What it gives, for the buffer.
  output logic                                        buffer_write_o,
  output logic [31:0]                                 buffer_address_o,
  output logic [RecordBits-1:0]                       buffer_count_o,
  output swpu_types_pkg::operand_t [RecordHalves-1:0] buffer_halves_o
);

  import swpu_types_pkg::*;

  typedef logic [15:0] phase_t;

  logic runs_q, begins_q;
  phase_t phase_q;

  // Stages that have a block in a phase.
  typedef struct packed {
    logic writes;
    logic gives;
    logic computes;
    logic loads;
  } stages_t;

  function automatic stages_t at(phase_t phase, operation_t operation);
    at.loads = operation.loads && phase < operation.blocks;
    at.computes = operation.computes && phase >= 1 && phase < operation.blocks + 1;
    at.gives = operation.gives && phase >= 2 && phase < operation.blocks + 2;
    at.writes = operation.stores && phase >= 3 && phase < operation.blocks + 3;
  endfunction

  stages_t stages;
  assign stages = runs_q ? at(phase_q, operation_i) : '0;

  // The next phase in which a stage has a block: no more than two in a row have none.
  phase_t first, next;
  logic is_last;
  assign first = runs_q ? phase_q + 1 : '0;
  always_comb begin
    next = first + 3;
    is_last = at(first + 3, operation_i) == '0;
    for (int unsigned skipped = 3; skipped > 0; skipped--) begin
      if (at(first + phase_t'(skipped - 1), operation_i) != '0) begin
        next = first + phase_t'(skipped - 1);
        is_last = 1'b0;
      end
    end
  end

  // What each stage is told: a block without anything where it has none.
  block_t load_block, store_block;
  assign load_block = stages.loads ? load_block_i : '0;
  assign store_block = stages.gives ? store_block_i : '0;
  assign load_block_o = phase_q;
  assign array_block_o = phase_q - 1;
  assign store_block_o = phase_q - 2;
  assign write_block_o = phase_q - 3;
  assign begins_o = begins_q;

  logic ends, streams_begin, load_done, store_done, dram_done, dram_worked;
  logic [31:0] given, given_q;

  // The DRAM.
  logic [31:0] loaded_q, written_q, to_load, to_write;
  logic [CountBits-1:0] room, load_count, write_count, spare;
  function automatic logic [CountBits-1:0] least(logic [CountBits-1:0] count, logic [31:0] most);
    least = 32'(count) < most ? count : CountBits'(most);
  endfunction
  assign to_load = load_block.load_halves - loaded_q;
  assign to_write = stages.writes ? given_q - written_q : '0;
  assign load_count = least(least(halves_i, to_load), 32'(room));
  assign spare = halves_i - load_count;
  assign write_count = to_load == 32'(load_count) ? least(spare, to_write) : '0;
  assign dram_done = to_load == 32'(load_count) && to_write == 32'(write_count);
  assign dram_worked = to_load != '0 || to_write != '0;
  assign load_count_o = load_count;
  assign write_count_o = write_count;
  assign write_address_o = written_q;

  // The array.
  logic array_works_q, array_works;
  assign array_start_o = begins_q && stages.computes;
  assign array_works = array_start_o || array_works_q;

  assign ends = runs_q && dram_done && load_done && store_done && (!array_works || array_done_i);
  assign streams_begin = ends || start_i;
  assign done_o = ends && is_last;

  swpu_load_stream #(
    .Lanes(Lanes)
  ) i_load (
    .clk_i,
    .rst_ni,
    .begins_i  (streams_begin),
    .operation_i,
    .block_i   (load_block),
    .done_o    (load_done),
    .room_o    (room),
    .count_i   (load_count),
    .halves_i  (load_halves_i),
    .channel_o (load_channel_o),
    .channel_i (load_channel_i),
    .write_o   (load_write_o),
    .address_o (load_address_o),
    .values_o  (load_values_o)
  );

  swpu_store_stream #(
    .Lanes(Lanes)
  ) i_store (
    .clk_i,
    .rst_ni,
    .begins_i            (streams_begin),
    .operation_i,
    .block_i             (store_block),
    .done_o              (store_done),
    .halves_o            (given),
    .read_o              (store_read_o),
    .read_address_o      (store_address_o),
    .results_i           (store_results_i),
    .other_i             (store_other_i),
    .value_i             (store_value_i),
    .raw_i               (store_raw_i),
    .channel_o           (store_channel_o),
    .channel_i           (store_channel_i),
    .sums_channel_o,
    .sums_i,
    .sums_write_o,
    .sums_write_channel_o,
    .sums_o,
    .write_o             (buffer_write_o),
    .write_address_o     (buffer_address_o),
    .write_count_o       (buffer_count_o),
    .write_halves_o      (buffer_halves_o)
  );

  logic [31:0] stalled, stalled_q;
  assign stalled = stalled_q + 32'(!array_works);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      runs_q <= 1'b0;
      begins_q <= 1'b0;
      phase_q <= '0;
      loaded_q <= '0;
      written_q <= '0;
      given_q <= '0;
      array_works_q <= 1'b0;
      stalled_q <= '0;
      timing_o <= '0;
    end else begin
      begins_q <= start_i || ends && !is_last;
      array_works_q <= array_works && !array_done_i;
      if (start_i) begin
        runs_q <= 1'b1;
        phase_q <= next;
        timing_o <= '0;
        stalled_q <= '0;
      end
      if (runs_q) begin
        loaded_q <= loaded_q + 32'(load_count);
        written_q <= written_q + 32'(write_count);
        if (array_works) timing_o.compute <= timing_o.compute + 1;
        stalled_q <= stalled;
      end
      if (ends) begin
        runs_q <= !is_last;
        phase_q <= next;
        loaded_q <= '0;
        written_q <= '0;
        given_q <= given;
        stalled_q <= '0;
        if (!stages.computes) timing_o.fill <= timing_o.fill + stalled;
        else if (dram_worked) timing_o.dram_stall <= timing_o.dram_stall + stalled;
        else timing_o.stream_stall <= timing_o.stream_stall + stalled;
      end
    end
  end

`ifndef SYNTHESIS
  // Halves are read for words, and all of them are taken.
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   !ends || 32'(room) == 32'(RecordHalves + 2 * Lanes));
`endif

endmodule
