// SPDX-License-Identifier: Apache-2.0
// The reads of all ports in a cycle are those that a walk gives which goes from item to item and from
// read to read, port after port; and the walk is done when that one is.
module swpu_read_walk_formal #(
  parameter int unsigned Items = 4,
  parameter int unsigned Ports = 2,
  parameter int unsigned ReadBits = 2
) (
  input logic                           clk_i,
  input logic                           rst_ni,
  input logic                           begin_i,
  input logic [Items-1:0][ReadBits-1:0] reads_i
);

  logic [Ports-1:0] read;
  logic [Ports-1:0][Items-1:0] item;
  logic [Ports-1:0][ReadBits-1:0] number;
  logic done;

  swpu_read_walk #(
    .Items   (Items),
    .Ports   (Ports),
    .ReadBits(ReadBits)
  ) i_walk (
    .clk_i,
    .rst_ni,
    .begin_i,
    .is_busy_i(1'b1),
    .reads_i,
    .read_o   (read),
    .item_o   (item),
    .number_o (number),
    .done_o   (done)
  );

  // Items of the walk; they stay until the next one begins.
  logic begins_q, walks_q;
  logic [Items-1:0][ReadBits-1:0] reads_q;
  // Items that are not read to their end, and the reads of the first.
  logic [Items-1:0] left, left_d, left_q;
  logic [ReadBits-1:0] next_d, next_q;
  logic [Ports-1:0] expected;
  logic [Ports-1:0][Items-1:0] expected_item;
  logic [Ports-1:0][ReadBits-1:0] expected_number;

  always_comb begin
    logic [Items-1:0] first;
    left = left_q;
    if (begins_q) begin
      for (int unsigned i = 0; i < Items; i++) left[i] = reads_i[i] != '0;
    end
    left_d = left;
    next_d = begins_q ? '0 : next_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      first = left_d & -left_d;
      expected[port] = first != '0;
      expected_item[port] = first;
      expected_number[port] = next_d;
      for (int unsigned i = 0; i < Items; i++) begin
        if (first[i]) begin
          next_d = next_d + 1'b1;
          if (next_d == reads_i[i]) begin
            next_d = '0;
            left_d[i] = 1'b0;
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      begins_q <= 1'b0;
      walks_q <= 1'b0;
      reads_q <= '0;
      left_q <= '0;
      next_q <= '0;
    end else begin
      begins_q <= begin_i;
      walks_q <= walks_q || begins_q;
      reads_q <= reads_i;
      left_q <= left_d;
      next_q <= next_d;
    end
  end

  // What is left are all items from the first on that have reads.
  logic is_rest, seen;
  always_comb begin
    is_rest = 1'b1;
    seen = 1'b0;
    for (int unsigned i = 0; i < Items; i++) begin
      seen = seen || left[i];
      if (left[i] != (seen && reads_i[i] != '0)) is_rest = 1'b0;
    end
  end

  logic is_walk;
  assign is_walk = rst_ni && (walks_q || begins_q);

  always_comb begin
    assume (!is_walk || begins_q || reads_i == reads_q);
    assert (!is_walk || read == expected);
    assert (!is_walk || done == (left_d == '0));
    // Invariants of both, so that no unreachable state is considered.
    assert (!is_walk || is_rest);
    assert (!is_walk || i_walk.past_q <= i_walk.total);
    for (int unsigned port = 0; port < Ports; port++) begin
      assert (!is_walk || !expected[port] || item[port] == expected_item[port]);
      assert (!is_walk || !expected[port] || number[port] == expected_number[port]);
    end
  end

endmodule
