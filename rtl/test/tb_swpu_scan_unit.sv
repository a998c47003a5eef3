// Packs the windows that the model's controller packs, for 4 rows and windows of 8, finding 1 and 4
// entries a cycle, and for 16 rows and windows of 32. Each unit reads `scan<rows>.txt` in the folder
// `+vectors`. A tile is the number of its words, for each word the entries inside the map and the
// masks of the rows (the last row first), the number of its windows, and the windows: whether it is
// the last, entries, numbers, needed lanes and their count for each row (the last lane and row first).
// Words come and windows are taken with random pauses.
module tb_swpu_scan_unit;

  localparam int unsigned Units = 3;
  localparam int unsigned RowWords = 16;

  logic clk = 1'b0;
  always #5 clk = !clk;

  string folder;
  int checked[Units], differing[Units];
  logic [Units-1:0] is_done = '0;

  for (genvar index = 0; index < Units; index++) begin : gen_unit
    localparam int unsigned Rows = index == 2 ? 16 : 4;
    localparam int unsigned Window = index == 2 ? 32 : 8;
    localparam int unsigned Finds = index == 0 ? 1 : 4;
    localparam int unsigned EntryBits = $clog2(RowWords * 64);
    localparam int unsigned CountBits = $clog2(Window + 1);

    logic rst_n, word_valid, word_ready, last_word, window_valid, window_ready, last_window, done;
    logic [Rows-1:0][63:0] masks;
    logic [63:0] inside_map;
    logic [CountBits-1:0] count;
    logic [Window-1:0][EntryBits-1:0] entries;
    logic [Rows-1:0][Window-1:0] needed;
    logic [Rows-1:0][CountBits-1:0] needed_count;

    swpu_scan_unit #(
      .Rows    (Rows),
      .Window  (Window),
      .RowWords(RowWords),
      .Finds   (Finds)
    ) dut (
      .clk_i         (clk),
      .rst_ni        (rst_n),
      .word_valid_i  (word_valid),
      .word_ready_o  (word_ready),
      .masks_i       (masks),
      .inside_i      (inside_map),
      .last_word_i   (last_word),
      .window_valid_o(window_valid),
      .window_ready_i(window_ready),
      .count_o       (count),
      .entries_o     (entries),
      .needed_o      (needed),
      .needed_count_o(needed_count),
      .last_window_o (last_window),
      .done_o        (done)
    );

    initial begin
      int file, words, windows, given, taken, waited;
      logic [Rows*64-1:0] word_masks[RowWords];
      logic [63:0] word_inside[RowWords];

      checked[index] = 0;
      differing[index] = 0;
      rst_n = 1'b0;
      word_valid = 1'b0;
      window_ready = 1'b0;
      last_word = 1'b0;
      masks = '0;
      inside_map = '0;
      if (!$value$plusargs("vectors=%s", folder)) $fatal(1, "no +vectors");
      file = $fopen($sformatf("%s/scan%0d.txt", folder, Rows), "r");
      if (file == 0) $fatal(1, "no vectors of %0d rows", Rows);
      repeat (2) @(negedge clk);
      rst_n = 1'b1;
      while ($fscanf(file, "%h\n", words) == 1) begin
        logic is_finished;
        for (int w = 0; w < words; w++) begin
          logic [63:0] map_word;
          logic [Rows*64-1:0] mask_word;
          if ($fscanf(file, "%h %h\n", map_word, mask_word) != 2) $fatal(1, "a mask is missing");
          word_inside[w] = map_word;
          word_masks[w] = mask_word;
        end
        if ($fscanf(file, "%h\n", windows) != 1) $fatal(1, "windows are missing");
        given = 0;
        taken = 0;
        waited = 0;
        is_finished = 1'b0;
        while (!is_finished) begin
          // Drive, let the outputs settle, then look at what the next rising edge will do.
          word_valid = given < words && $urandom_range(3) != 0;
          masks = word_valid ? word_masks[given] : '1;
          inside_map = word_valid ? word_inside[given] : '1;
          last_word = word_valid ? given == words - 1 : 1'b1;
          window_ready = $urandom_range(2) != 0;
          #1;
          if (word_valid && word_ready) given++;
          is_finished = done;
          if (window_valid && window_ready) begin
            logic is_last;
            logic [CountBits-1:0] expected_count;
            logic [Window*EntryBits-1:0] expected_entries;
            logic [Rows*Window-1:0] expected_needed;
            logic [Rows*CountBits-1:0] expected_needed_count;
            taken++;
            checked[index]++;
            if (taken > windows || $fscanf(file, "%h %h %h %h %h\n", is_last, expected_count,
                expected_entries, expected_needed, expected_needed_count) != 5) begin
              $fatal(1, "a window too many");
            end
            if (last_window !== is_last || count !== expected_count
                || entries !== expected_entries || needed !== expected_needed
                || needed_count !== expected_needed_count) begin
              differing[index]++;
              if (differing[index] == 1) begin
                $display("first difference: %0d rows, window %0d: %0d entries %h, not %0d %h", Rows,
                         checked[index], count, entries, expected_count, expected_entries);
              end
            end
          end
          waited++;
          if (waited > 10000) $fatal(1, "a tile does not end");
          @(negedge clk);
        end
        if (taken != windows || given != words) $fatal(1, "a window too few");
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
