// SPDX-License-Identifier: Apache-2.0
// The places of a word's entries in their kernel, from that of its first, and the place of the first
// entry of the next word. Combinational.
//
// An entry a number of places on has its column that number on modulo the kernel's columns, and its row
// as many rows on as lines have begun, modulo the kernel's rows. Lines and columns of a number are a
// table; from the word's first entry it takes two such steps to each of the others, so no entry depends on
// the one before it.
module swpu_word_places (
  input  logic [swpu_types_pkg::KernelBits-1:0]             last_row_i,
  input  logic [swpu_types_pkg::KernelBits-1:0]             last_column_i,
  // The word's first entry; its line at most the words that a row has.
  input  swpu_types_pkg::spot_t                             first_i,
  output swpu_types_pkg::spot_t [swpu_pkg::MaskWord-1:0]    spots_o,
  output swpu_types_pkg::spot_t                             next_o
);

  import swpu_types_pkg::*;

  localparam int unsigned Bits = swpu_pkg::MaskWord;
  // Entries from one that a step leads to from the first to the next of them.
  localparam int unsigned Near = 1 << BitBits / 2;
  localparam int unsigned Heads = Bits / Near;

  // What a number of entries is in a kernel: lines, and columns beside them. Rows are those lines within
  // the kernel, and with one line more. Less a whole kernel's, they tell whether its end is passed.
  typedef struct packed {
    logic [BitBits:0]    lines;
    logic [KernelBits:0] columns, columns_less;
    logic [KernelBits:0] rows, rows_less, more, more_less;
  } stride_t;

  function automatic stride_t stride(
    int unsigned entries, logic [KernelBits-1:0] last_row, logic [KernelBits-1:0] last_column);
    stride_t found;
    found = '0;
    for (int unsigned columns = 1; columns <= KernelSize; columns++) begin
      if (last_column == KernelBits'(columns - 1)) begin
        found.lines = (BitBits + 1)'(entries / columns);
        found.columns = (KernelBits + 1)'(entries % columns);
        found.columns_less = (KernelBits + 1)'(entries % columns - columns);
        for (int unsigned rows = 1; rows <= KernelSize; rows++) begin
          if (last_row == KernelBits'(rows - 1)) begin
            found.rows = (KernelBits + 1)'(entries / columns % rows);
            found.rows_less = (KernelBits + 1)'(entries / columns % rows - rows);
            found.more = (KernelBits + 1)'((entries / columns + 1) % rows);
            found.more_less = (KernelBits + 1)'((entries / columns + 1) % rows - rows);
          end
        end
      end
    end
    return found;
  endfunction

  function automatic spot_t step(spot_t from, stride_t by);
    logic [KernelBits:0] column, row;
    logic passes;
    spot_t found;
    column = (KernelBits + 1)'(from.column) + by.columns_less;
    passes = !column[KernelBits];
    if (!passes) column = (KernelBits + 1)'(from.column) + by.columns;
    row = (KernelBits + 1)'(from.row) + (passes ? by.more_less : by.rows_less);
    if (row[KernelBits]) row = (KernelBits + 1)'(from.row) + (passes ? by.more : by.rows);
    found.line = from.line + by.lines + (BitBits + 1)'(passes);
    found.row = row[KernelBits-1:0];
    found.column = column[KernelBits-1:0];
    return found;
  endfunction

  spot_t [Heads:0] heads;

  always_comb begin
    for (int unsigned head = 0; head <= Heads; head++) begin
      heads[head] = step(first_i, stride(head * Near, last_row_i, last_column_i));
    end
  end

  always_comb begin
    for (int unsigned near = 0; near < Near; near++) begin
      stride_t by;
      by = stride(near, last_row_i, last_column_i);
      for (int unsigned head = 0; head < Heads; head++) begin
        spots_o[head*Near+near] = step(heads[head], by);
      end
    end
  end

  assign next_o = heads[Heads];

endmodule
