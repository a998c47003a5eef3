// SPDX-License-Identifier: Apache-2.0
// Finds the windows that the model's controller finds, in as many cycles. The file `+vectors` holds
// tile after tile: last word, last kernel row and column, active taps; for each word the masks of the
// rows (the last row first); the number of its windows, and the windows: whether it is the last,
// entries, cycles of the scan, and for each lane (the last first) number, line, kernel row, kernel
// column, and what each row needs. Windows are taken with random pauses, in which the scan rests. For
// machines that scan masks; where they walk lists, the bench of the core checks them.
module tb_swpu_scan_unit;

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Taps = KernelSize * KernelSize;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, begins, steps, valid, ready, is_last, is_empty;
  logic [ScanWordBits-1:0] word, last_word;
  logic [Rows-1:0][swpu_pkg::MaskWord-1:0] masks;
  logic [KernelBits-1:0] last_row, last_column;
  logic [Taps-1:0] active;
  found_t window;
  logic [Rows*swpu_pkg::MaskWord-1:0] words[ScanWords];

  swpu_scan_unit dut (
    .clk_i         (clk),
    .rst_ni        (rst_n),
    .begin_i       (begins),
    .start_i       ('0),
    .step_i        (steps),
    .word_o        (word),
    .masks_i       (masks),
    .lines_i       ('0),
    .last_word_i   (last_word),
    .last_row_i    (last_row),
    .last_column_i (last_column),
    .active_i      (active),
    .window_valid_o(valid),
    .window_ready_i(ready),
    .window_o      (window),
    .place_o       (),
    .is_open_o     (),
    .is_last_o     (is_last),
    .is_empty_o    (is_empty)
  );

  always_ff @(posedge clk) masks <= words[word];

  initial begin
    string path;
    int file, checked, differing, count, taken, cycles, waited;
    logic was_valid;
    logic [ScanWordBits-1:0] file_word;
    logic [KernelBits-1:0] file_row, file_column;
    logic [Taps-1:0] file_active;
    logic [Rows*swpu_pkg::MaskWord-1:0] file_masks;
    logic expected_last;
    int expected_count, expected_cycles;
    logic [Window*EntryBits-1:0] numbers, lines;
    logic [Window*KernelBits-1:0] rows, columns;
    logic [Rows*Window-1:0] needed;

    checked = 0;
    differing = 0;
    rst_n = 1'b0;
    begins = 1'b0;
    steps = 1'b0;
    ready = 1'b0;
    last_word = '0;
    last_row = '0;
    last_column = '0;
    active = '0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    while ($fscanf(file, "%h %h %h %h\n", file_word, file_row, file_column, file_active) == 4) begin
      last_word = file_word;
      last_row = file_row;
      last_column = file_column;
      active = file_active;
      for (int i = 0; i <= 32'(file_word); i++) begin
        if ($fscanf(file, "%h\n", file_masks) != 1) $fatal(1, "a mask is missing");
        words[i] = file_masks;
      end
      if ($fscanf(file, "%h\n", count) != 1) $fatal(1, "windows are missing");
      begins = 1'b1;
      @(negedge clk);
      begins = 1'b0;
      steps = 1'b1;
      taken = 0;
      cycles = 0;
      waited = 0;
      was_valid = 1'b0;
      while (taken < count || count == 0) begin
        ready = $urandom_range(2) != 0;
        #1;
        // Cycles in which a complete window is pending are not those of the scan.
        if (!was_valid) cycles++;
        was_valid = valid && !ready;
        if (is_empty) begin
          if (count != 0) differing++;
          break;
        end
        if (valid && ready) begin
          logic is_equal;
          taken++;
          checked++;
          if ($fscanf(file, "%h %h %h %h %h %h %h %h\n", expected_last, expected_count,
                      expected_cycles, numbers, lines, rows, columns, needed) != 8) begin
            $fatal(1, "a window is missing");
          end
          is_equal = is_last === expected_last && 32'(window.count) == expected_count
              && cycles == expected_cycles && window.needed === needed;
          for (int lane = 0; lane < expected_count; lane++) begin
            is_equal = is_equal
                && window.entries[lane].tag === numbers[lane*EntryBits+:EntryBits]
                && window.entries[lane].line === lines[lane*EntryBits+:EntryBits]
                && window.entries[lane].row === rows[lane*KernelBits+:KernelBits]
                && window.entries[lane].column === columns[lane*KernelBits+:KernelBits];
          end
          if (!is_equal) begin
            differing++;
            if (differing == 1) begin
              $display("first difference: window %0d: %0d entries in %0d cycles, not %0d in %0d",
                       checked, window.count, cycles, expected_count, expected_cycles);
            end
          end
          cycles = 0;
        end
        waited++;
        if (waited > 10000) $fatal(1, "a tile does not end");
        @(negedge clk);
      end
      steps = 1'b0;
    end
    $fclose(file);
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
