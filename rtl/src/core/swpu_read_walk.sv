// SPDX-License-Identifier: Apache-2.0
// Walks over items of several reads each, a read a port and cycle, in order: the runs of a window's
// lines, and of the output gradients of its rows.
//
// Where the reads of an item begin is the sum of the reads before it, by parallel prefixes; a port looks
// up the item of its own read, independently of the other ports.
module swpu_read_walk #(
  parameter int unsigned Items = swpu_pkg::Window,
  parameter int unsigned Ports = swpu_pkg::PortsPerCore,
  // Bits of the reads of an item.
  parameter int unsigned ReadBits = swpu_types_pkg::RunBits
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,
  // The walk restarts in the next cycle.
  input  logic                                begin_i,
  input  logic                                is_busy_i,
  // Reads of each item, 0 for none; they stay during the walk.
  input  logic [Items-1:0][ReadBits-1:0]      reads_i,
  // Reads of this cycle: of which item, one bit set, and which of its reads.
  output logic [Ports-1:0]                    read_o,
  output logic [Ports-1:0][Items-1:0]         item_o,
  output logic [Ports-1:0][ReadBits-1:0]      number_o,
  // No read is left behind this cycle.
  output logic                                done_o
);

  localparam int unsigned Levels = $clog2(Items);
  // All reads, and as many as there are ports beyond.
  localparam int unsigned SumBits = $clog2(Items * (1 << ReadBits) + Ports + 1);

  if (Items < 1 || Ports < 1 || ReadBits < 1) begin : gen_sizes
    $error("%0d items, %0d ports, %0d bits; 1 or more are allowed", Items, Ports, ReadBits);
  end

  // Reads up to each item and with it.
  logic [Items-1:0][SumBits-1:0] ends[Levels+1]  /* verilator split_var */;
  for (genvar item = 0; item < Items; item++) begin : gen_reads
    assign ends[0][item] = SumBits'(reads_i[item]);
  end
  for (genvar level = 0; level < Levels; level++) begin : gen_level
    for (genvar item = 0; item < Items; item++) begin : gen_sum
      if (item >= 1 << level) begin : gen_add
        assign ends[level+1][item] = ends[level][item] + ends[level][item-(1<<level)];
      end else begin : gen_keep
        assign ends[level+1][item] = ends[level][item];
      end
    end
  end

  // Reads of the cycles before.
  logic [Items-1:0][SumBits-1:0] sums;
  logic [SumBits-1:0] past_d, past_q, total;
  assign sums = ends[Levels];
  assign total = sums[Items-1];
  assign past_d = past_q + SumBits'(Ports);
  assign done_o = past_d >= total;

  always_comb begin
    logic [SumBits-1:0] place, from;
    logic [Items-1:0] behind;
    for (int unsigned port = 0; port < Ports; port++) begin
      place = past_q + SumBits'(port);
      // Items whose reads are all before this one: a row of ones, since sums only grow.
      for (int unsigned item = 0; item < Items; item++) begin
        behind[item] = sums[item] <= place;
      end
      from = '0;
      for (int unsigned item = 0; item < Items; item++) begin
        item_o[port][item] = !behind[item] && (item == 0 || behind[item-1]);
        if (item > 0 && item_o[port][item]) from = from | sums[item-1];
      end
      read_o[port] = is_busy_i && !behind[Items-1];
      number_o[port] = ReadBits'(place - from);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) past_q <= '0;
    else if (begin_i) past_q <= '0;
    // It rests at its end, however long the window stalls for a slot.
    else if (is_busy_i) past_q <= done_o ? total : past_d;
  end

`ifndef SYNTHESIS
  for (genvar port = 0; port < Ports; port++) begin : gen_assert
    // A port reads of one item, and none of its reads twice.
    assert property (@(posedge clk_i) disable iff (!rst_ni) !read_o[port] || $onehot(item_o[port]));
  end
`endif

endmodule
