// SPDX-License-Identifier: Apache-2.0
// Groups the rows of layers as the model does, in groups of 1, 4 and 16. Each unit reads
// `hamming<rows of a group>.txt` in the folder `+vectors`. A layer is the numbers of its last row and
// of the last word of a row, the words, the order with a mark at each seed, and the cycles.
module tb_swpu_hamming_unit;

  localparam int unsigned Units = 3;
  localparam int unsigned LayerRows = 64;
  localparam int unsigned RowWords = 8;

  logic clk = 1'b0;
  always #5 clk = !clk;

  string folder;
  int checked[Units], differing[Units];
  logic [Units-1:0] is_done = '0;

  for (genvar index = 0; index < Units; index++) begin : gen_unit
    localparam int unsigned Rows = index == 0 ? 1 : index == 1 ? 4 : 16;

    logic rst_n, start, read, valid, seed, busy;
    logic [5:0] last_row, read_row, row;
    logic [2:0] last_word, read_word;
    logic [63:0] read_data;
    logic [63:0] memory[LayerRows][RowWords];

    swpu_hamming_unit #(
      .Rows     (Rows),
      .LayerRows(LayerRows),
      .RowWords (RowWords)
    ) dut (
      .clk_i      (clk),
      .rst_ni     (rst_n),
      .start_i    (start),
      .last_row_i (last_row),
      .last_word_i(last_word),
      .read_o     (read),
      .read_row_o (read_row),
      .read_word_o(read_word),
      .read_data_i(read_data),
      .valid_o    (valid),
      .row_o      (row),
      .seed_o     (seed),
      .counted_o  (),
      .bits_o     (),
      .busy_o     (busy)
    );

    // Words that were not requested are random.
    always @(posedge clk) read_data <= read ? memory[read_row][read_word] : 64'hDEAD_BEEF_5555_AAAA;

    initial begin
      int file, rows, words, cycles, expected_cycles, ordered;
      logic [5:0] expected_row[LayerRows];
      logic expected_seed[LayerRows];

      checked[index] = 0;
      differing[index] = 0;
      rst_n = 1'b0;
      start = 1'b0;
      last_row = '0;
      last_word = '0;
      if (!$value$plusargs("vectors=%s", folder)) $fatal(1, "no +vectors");
      file = $fopen($sformatf("%s/hamming%0d.txt", folder, Rows), "r");
      if (file == 0) $fatal(1, "no vectors of groups of %0d", Rows);
      repeat (2) @(negedge clk);
      rst_n = 1'b1;
      while ($fscanf(file, "%h %h\n", last_row, last_word) == 2) begin
        logic is_equal;
        rows = int'(last_row) + 1;
        words = int'(last_word) + 1;
        for (int r = 0; r < rows; r++) begin
          for (int w = 0; w < words; w++) begin
            logic [63:0] value;
            if ($fscanf(file, "%h\n", value) != 1) $fatal(1, "a mask is missing");
            memory[r][w] = value;
          end
        end
        for (int r = 0; r < rows; r++) begin
          logic [5:0] number;
          logic mark;
          if ($fscanf(file, "%h %h\n", number, mark) != 2) $fatal(1, "an order is missing");
          expected_row[r] = number;
          expected_seed[r] = mark;
        end
        if ($fscanf(file, "%h\n", expected_cycles) != 1) $fatal(1, "cycles are missing");

        start = 1'b1;
        @(negedge clk);
        start = 1'b0;
        is_equal = busy;
        cycles = 0;
        ordered = 0;
        while (busy && cycles <= expected_cycles) begin
          if (valid) begin
            is_equal = is_equal && ordered < rows && row === expected_row[ordered]
                && seed === expected_seed[ordered];
            ordered++;
          end
          cycles++;
          @(negedge clk);
        end
        is_equal = is_equal && ordered == rows && cycles == expected_cycles;
        checked[index]++;
        if (!is_equal) begin
          differing[index]++;
          if (differing[index] == 1) begin
            $display("first difference: groups of %0d, layer %0d:", Rows, checked[index]);
            $display("%0d of %0d rows, %0d cycles, not %0d", ordered, rows, cycles,
                     expected_cycles);
          end
        end
      end
      $fclose(file);
      is_done[index] = 1'b1;
    end
  end

  initial begin
    wait (&is_done);
    $display("checked %0d differing %0d", checked.sum(), differing.sum());
    $finish;
  end

endmodule
