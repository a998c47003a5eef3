// SPDX-License-Identifier: Apache-2.0
// Works through the items of layer passes, and compares every result, the cycles of every item, and
// the runs read for it with those of the model. The file `+vectors` holds item after item:
// - its description, the number of its tiles, of the lines of a tile and of the runs of a line at most,
//   its cycles, its reads of the activation memory and of output gradients, and how many results follow;
// - the masks and the kept weights of each row, and of a list its lines, with what each row needs;
// - the tiles, each with the lines that any row of the group needs, run by run, and in the weight
//   gradient the output gradients of each row;
// - the results: of each tile that has any entry, or of each fixed window.
// The bench models the memories outside of the core and the units that turn a tile, a line and a run
// into an address; a line that the model does not need is an error to read.
module tb_swpu_core;

  import swpu_types_pkg::*;

  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Lanes = swpu_pkg::Lanes;
  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Ports = swpu_pkg::PortsPerCore;
  localparam int unsigned MostTiles = 4096;
  localparam int unsigned MostRuns = 1 << 20;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, start, done;
  mask_write_t mask;
  list_write_t list;
  weight_write_t weight;
  item_t item;
  logic [Rows-1:0] rows;
  logic [NumberBits-1:0] tile_address, read_tile;
  tile_t tile;
  line_read_t [Ports-1:0] read;
  gradient_read_t [Ports-1:0] gradient_read;
  run_t [Ports-1:0] read_data, gradient_data;
  tile_result_t [Rows-1:0] outputs;
  window_result_t [Rows-1:0] gradients;

  swpu_core dut (
    .clk_i          (clk),
    .rst_ni         (rst_n),
    .mask_i         (mask),
    .list_i         (list),
    .weight_i       (weight),
    .start_i        (start),
    .item_i         (item),
    .rows_i         (rows),
    .done_o         (done),
    .tile_address_o (tile_address),
    .tile_i         (tile),
    .read_tile_o    (read_tile),
    .read_o         (read),
    .read_from_o    (),
    .read_data_i    (read_data),
    .gradient_read_o(gradient_read),
    .gradient_data_i(gradient_data),
    .opens_o        (),
    .outputs_o      (outputs),
    .gradients_o    (gradients)
  );

  // The memories outside.
  tile_t tiles[MostTiles];
  run_t source[MostRuns], output_gradients[MostRuns];
  int source_item[MostRuns];
  int lines, runs, reads, gradient_reads, items;

  function automatic int source_index(int tile_number, int line, int run);
    return (tile_number * lines + line) * runs + run;
  endfunction

  function automatic int gradient_index(int tile_number, int row, int run);
    return (tile_number * Rows + row) * runs + run;
  endfunction

  // Results that are expected: lanes that count, values, and whether they came.
  logic [Lanes-1:0] expected_lanes[MostTiles];
  sum_t [Lanes-1:0] expected_outputs[MostTiles][Rows];
  logic [Window-1:0] expected_needed[MostTiles][Rows];
  sum_t [Window-1:0] expected_gradients[MostTiles][Rows];
  logic [Rows-1:0] expected[MostTiles];
  int checked, differing, cycles;
  longint total_cycles;
  logic is_running;

  function automatic void differ(string what, int row, int number);
    differing++;
    if (differing <= 5) begin
      $display("item %0d: %s differs in row %0d, tile or window %0d", items, what, row, number);
    end
  endfunction

  always @(posedge clk) begin
    tile <= tiles[32'(tile_address) % MostTiles];
    for (int port = 0; port < Ports; port++) begin
      int index;
      index = source_index(32'(read_tile), 32'(read[port].line), 32'(read[port].run));
      if (read[port].valid) begin
        reads++;
        if (index >= MostRuns || source_item[index] != items) differ("a read", port, index);
        else read_data[port] <= source[index];
      end
      index = gradient_index(32'(read_tile), 32'(gradient_read[port].row),
                             32'(gradient_read[port].run));
      if (gradient_read[port].valid) begin
        gradient_reads++;
        gradient_data[port] <= output_gradients[index];
      end
    end
    if (start) is_running = 1'b1;
    if (done) is_running = 1'b0;
    if (is_running) cycles++;
    for (int row = 0; row < Rows; row++) begin
      int number;
      if (outputs[row].valid) begin
        number = 32'(outputs[row].number) % MostTiles;
        if (!expected[number][row]) differ("a result too many", row, number);
        expected[number][row] = 1'b0;
        for (int lane = 0; lane < Lanes; lane++) begin
          if (expected_lanes[number][lane]) begin
            checked++;
            if (outputs[row].sums[lane] !== expected_outputs[number][row][lane]) begin
              differ($sformatf("lane %0d: %h, not %h,", lane, outputs[row].sums[lane],
                               expected_outputs[number][row][lane]), row, number);
            end
          end
        end
      end
      if (gradients[row].valid) begin
        number = 32'(gradients[row].number) % MostTiles;
        if (!expected[number][row]) differ("a result too many", row, number);
        expected[number][row] = 1'b0;
        if (gradients[row].needed !== expected_needed[number][row]) differ("lanes", row, number);
        for (int lane = 0; lane < Window; lane++) begin
          if (expected_needed[number][row][lane]) begin
            checked++;
            if (gradients[row].sums[lane] !== expected_gradients[number][row][lane]) begin
              differ($sformatf("entry %0d: %h, not %h,", lane, gradients[row].sums[lane],
                               expected_gradients[number][row][lane]), row, number);
            end
          end
        end
      end
    end
  end

  initial begin
    string path;
    int file, tile_count, expected_cycles, expected_reads, expected_gradient_reads, results, group;
    int line, line_count, run_count, weight_count, number, waited;
    tile_t next_tile;
    // Structures are read field by field: a bench cannot scan into a part of one.
    // What it scans straight into a signal does not reach the logic behind it in Verilator.
    logic makes_gradients;
    logic [Rows-1:0] used_rows;
    logic [swpu_pkg::MaskWord-1:0] next_mask;
    operand_t next_weight;
    logic [KernelBits-1:0] last_row, last_column, first_row, first_column;
    logic [ScanWordBits-1:0] last_scan_word, first_word;
    logic [ScanPlaceBits-1:0] first_place;
    logic [WordBits-1:0] last_word;
    logic [EntryBits-1:0] first_line, line_entry, line_number;
    logic [KernelBits-1:0] line_row;
    logic [Rows*KernelSize-1:0] line_needed;
    int list_count;
    logic [NumberBits-1:0] last_window;
    logic [KernelSize*KernelSize-1:0] anywhere;
    logic [KernelSize*KernelSize*NumberBits-1:0] last_tile;
    logic [$bits(next_tile.rows)-1:0] tile_rows, tile_columns;
    logic [KernelSize*RunBits-1:0] tile_runs;
    logic [RunBits-1:0] tile_gradient_runs;
    logic [Lanes-1:0] result_lanes;
    logic [Lanes*32-1:0] result_outputs;
    logic [Window-1:0] result_needed;
    logic [Window*32-1:0] result_gradients;
    logic [$bits(run_t)-1:0] data;

    checked = 0;
    differing = 0;
    items = 0;
    total_cycles = 0;
    is_running = 1'b0;
    rst_n = 1'b0;
    mask = '0;
    list = '0;
    weight = '0;
    start = 1'b0;
    item = '0;
    rows = '0;
    for (int i = 0; i < MostRuns; i++) source_item[i] = -1;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
    repeat (2) @(negedge clk);
    rst_n = 1'b1;

    while ($fscanf(file, "%h %h %h %h %h %h %h %h %h %h %h %h %h %h\n", makes_gradients, used_rows,
                   last_row, last_column, last_word, last_scan_word, first_word, first_place,
                   first_line, first_row, first_column, last_window, anywhere, last_tile)
           == 14) begin
      item.makes_gradients = makes_gradients;
      item.last_kernel_row = last_row;
      item.last_kernel_column = last_column;
      item.last_word = last_scan_word;
      item.start.word = first_word;
      item.start.place = first_place;
      item.start.line = first_line;
      item.start.row = first_row;
      item.start.column = first_column;
      item.last_window = last_window;
      item.reads_anywhere = anywhere;
      item.last_tile = last_tile;
      rows = used_rows;
      if ($fscanf(file, "%d %d %d %d %d %d %d\n", tile_count, lines, runs, expected_cycles,
                  expected_reads, expected_gradient_reads, results) != 7) $fatal(1, "no counts");
      if (tile_count > MostTiles || tile_count * lines * runs > MostRuns
          || tile_count * Rows * runs > MostRuns) $fatal(1, "an item is too large");
      group = $countones(rows);

      for (int row = 0; row < group; row++) begin
        for (int word = 0; word <= 32'(last_word); word++) begin
          mask.valid = 1'b1;
          mask.row = RowBits'(row);
          mask.word = WordBits'(word);
          if ($fscanf(file, "%h\n", next_mask) != 1) $fatal(1, "a mask is missing");
          mask.mask = next_mask;
          @(negedge clk);
        end
      end
      mask.valid = 1'b0;
      if ($fscanf(file, "%d\n", list_count) != 1) $fatal(1, "the list is missing");
      for (int place = 0; place < list_count; place++) begin
        if ($fscanf(file, "%h %h %h %h\n", line_entry, line_number, line_row, line_needed) != 4)
        begin
          $fatal(1, "a line of the list is missing");
        end
        list.valid = 1'b1;
        list.place = EntryBits'(place);
        list.line.entry = line_entry;
        list.line.line = line_number;
        list.line.row = line_row;
        list.line.needed = line_needed;
        @(negedge clk);
      end
      list.valid = 1'b0;
      for (int row = 0; row < group; row++) begin
        if ($fscanf(file, "%d\n", weight_count) != 1) $fatal(1, "weights are missing");
        for (int address = 0; address < weight_count; address++) begin
          weight.valid = 1'b1;
          weight.row = RowBits'(row);
          weight.address = WeightBits'(address);
          if ($fscanf(file, "%h\n", next_weight) != 1) $fatal(1, "a weight is missing");
          weight.weight = next_weight;
          @(negedge clk);
        end
      end
      weight.valid = 1'b0;

      for (int index = 0; index < tile_count; index++) begin
        next_tile = '0;
        if ($fscanf(file, "%h %h %h %h %d\n", tile_rows, tile_columns, tile_runs,
                    tile_gradient_runs, line_count) != 5) $fatal(1, "a tile is missing");
        next_tile.rows = tile_rows;
        next_tile.columns = tile_columns;
        next_tile.runs = tile_runs;
        next_tile.gradient_runs = tile_gradient_runs;
        next_tile.is_last = index == tile_count - 1;
        tiles[index] = next_tile;
        for (int i = 0; i < line_count; i++) begin
          if ($fscanf(file, "%d %d\n", line, run_count) != 2) $fatal(1, "a line is missing");
          for (int run = 0; run < run_count; run++) begin
            if ($fscanf(file, "%h\n", data) != 1) $fatal(1, "a run is missing");
            source[source_index(index, line, run)] = data;
            source_item[source_index(index, line, run)] = items;
          end
        end
        if (item.makes_gradients) begin
          for (int row = 0; row < group; row++) begin
            for (int run = 0; run < 32'(next_tile.gradient_runs); run++) begin
              if ($fscanf(file, "%h\n", data) != 1) $fatal(1, "a gradient is missing");
              output_gradients[gradient_index(index, row, run)] = data;
            end
          end
        end
      end
      for (int i = 0; i < results; i++) begin
        if ($fscanf(file, "%d\n", number) != 1) $fatal(1, "a result is missing");
        if (number >= MostTiles) $fatal(1, "a result of no tile");
        expected[number] = rows;
        if (item.makes_gradients) begin
          for (int row = 0; row < group; row++) begin
            if ($fscanf(file, "%h %h\n", result_needed, result_gradients) != 2) begin
              $fatal(1, "a result is missing");
            end
            expected_needed[number][row] = result_needed;
            // With two banks a row has no result of a window of which it needs nothing.
            if (swpu_pkg::SumBanks == 2 && result_needed == '0) expected[number][row] = 1'b0;
            expected_gradients[number][row] = result_gradients;
          end
        end else begin
          if ($fscanf(file, "%h\n", result_lanes) != 1) $fatal(1, "no lanes");
          expected_lanes[number] = result_lanes;
          for (int row = 0; row < group; row++) begin
            if ($fscanf(file, "%h\n", result_outputs) != 1) $fatal(1, "a result is missing");
            expected_outputs[number][row] = result_outputs;
          end
        end
      end

      reads = 0;
      gradient_reads = 0;
      cycles = 0;
      start = 1'b1;
      @(negedge clk);
      start = 1'b0;
      waited = 0;
      while (is_running) begin
        @(negedge clk);
        waited++;
        if (waited > 1000000) $fatal(1, "item %0d does not end", items);
      end
      checked++;
      if (cycles != expected_cycles) begin
        differ($sformatf("%0d cycles, not %0d,", cycles, expected_cycles), 0, 0);
      end
      if (reads != expected_reads || gradient_reads != expected_gradient_reads) begin
        differ($sformatf("%0d and %0d reads, not %0d and %0d,", reads, gradient_reads,
                         expected_reads, expected_gradient_reads), 0, 0);
      end
      for (int i = 0; i < MostTiles; i++) begin
        if (expected[i] != '0) differ("a result too few", 0, i);
        expected[i] = '0;
      end
      total_cycles += 64'(cycles);
      items++;
    end
    $fclose(file);
    $display("items %0d cycles %0d", items, total_cycles);
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
