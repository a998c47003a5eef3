// SPDX-License-Identifier: Apache-2.0
// Runs whole passes of layers on the top, and compares all of the output memory, which core took which
// item, and the cycles of every item, with the model. The file `+vectors` holds pass after pass:
// - the description of the layer, field by field, and how many lines follow of each kind;
// - activations, weights, words of the masks, words of output gradients;
// - for each core its number of items, and the number and the cycles of each;
// - the results.
// The memory's contents outlast a pass, so what a pass should not touch, and what it should set to zero,
// is full of earlier values.
module tb_swpu_top #(
  parameter int unsigned Cores = swpu_pkg::Cores
);

  import swpu_types_pkg::*;

  localparam int unsigned Outputs = swpu_pkg::OutputKibibytes * 256;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, load, start, done;
  memory_e memory;
  address_t address;
  logic [swpu_pkg::MaskWord-1:0] data;
  sum_t word;
  layer_t layer;
  logic [31:0] reorder_cycles, plan_cycles, run_cycles;
  logic [Cores-1:0][31:0] core_cycles;
  logic [Cores-1:0] item_done;
  logic [Cores-1:0][JobBits-1:0] item_number;

  swpu_top #(
    .Cores(Cores)
  ) dut (
    .clk_i           (clk),
    .rst_ni          (rst_n),
    .load_i          (load),
    .memory_i        (memory),
    .address_i       (address),
    .data_i          (data),
    .data_o          (word),
    .word_write_i        (1'b0),
    .word_write_address_i('0),
    .word_i              ('0),
    .word_read_address_i ('0),
    .word_o              (),
    .activation_base_i   ('0),
    .start_i         (start),
    .layer_i         (layer),
    .done_o          (done),
    .reorder_cycles_o(reorder_cycles),
    .plan_cycles_o   (plan_cycles),
    .run_cycles_o    (run_cycles),
    .core_cycles_o   (core_cycles),
    .item_done_o     (item_done),
    .item_number_o   (item_number)
  );

  int passes, checked, differing, file;
  sum_t expected[Outputs];
  int expected_number[Cores][Jobs], expected_cycles[Cores][Jobs];
  int item_count[Cores], items_done[Cores], cycles_before[Cores];

  function automatic void differ(string what);
    differing++;
    if (differing == 1) begin
      $display("pass %0d of a layer from %0d times %0dx%0dx%0d to %0dx%0dx%0d,", layer.pass,
               layer.images, layer.channels, layer.input_rows, layer.input_columns, layer.filters,
               layer.output_rows, layer.output_columns);
      $display("kernel %0dx%0d, stride %0d, padding %0dx%0d:", layer.kernel_rows,
               layer.kernel_columns, layer.stride, layer.padding_rows, layer.padding_columns);
    end
    if (differing <= 5) $display("pass %0d: %s", passes, what);
  endfunction

  always @(posedge clk) begin
    for (int core = 0; core < Cores; core++) begin
      if (item_done[core]) begin
        int i, cycles;
        i = items_done[core];
        cycles = int'(core_cycles[core]) - cycles_before[core];
        checked++;
        if (i >= item_count[core]) differ($sformatf("core %0d has an item too many", core));
        else if (32'(item_number[core]) != expected_number[core][i]
                 || cycles != expected_cycles[core][i]) begin
          differ($sformatf("core %0d, item %0d: number %0d in %0d cycles, not %0d in %0d", core,
                           i, item_number[core], cycles, expected_number[core][i],
                           expected_cycles[core][i]));
        end
        items_done[core] = i + 1;
        cycles_before[core] = int'(core_cycles[core]);
      end
    end
  end

  // The next field of the file; a function would be called in an order of Verilator's choice.
  task automatic scan(output logic [31:0] value);
    if ($fscanf(file, "%h", value) != 1) $fatal(1, "a field is missing");
  endtask

  // Loads words one behind the other.
  task automatic fill(memory_e which, int count);
    logic [swpu_pkg::MaskWord-1:0] value;
    memory = which;
    for (int i = 0; i < count; i++) begin
      if ($fscanf(file, "%h", value) != 1) $fatal(1, "data are missing");
      load = 1'b1;
      address = AddressBits'(i);
      data = value;
      if (which == OutputMemory) expected[i] = value[31:0];
      @(negedge clk);
    end
    load = 1'b0;
  endtask

  initial begin
    string path;
    logic [1:0] pass;
    int activations, weights, masks, gradients, results, waited, most, base;
    longint all_reorder, all_plan, all_run, all_cores;
    layer_t next;
    sum_t value;
    logic [31:0] count;
    logic [31:0] fields[20];

    passes = 0;
    checked = 0;
    differing = 0;
    all_reorder = 0;
    all_plan = 0;
    all_run = 0;
    all_cores = 0;
    rst_n = 1'b0;
    load = 1'b0;
    start = 1'b0;
    memory = ActivationMemory;
    address = '0;
    data = '0;
    layer = '0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    for (int i = 0; i < Outputs; i++) expected[i] = dut.i_outputs.words_q[i];

    while ($fscanf(file, "%h", pass) == 1) begin
      for (int i = 0; i < 20; i++) scan(fields[i]);
      next.pass = pass_e'(pass);
      next.images = SizeBits'(fields[0]);
      next.channels = PlaneBits'(fields[1]);
      next.filters = PlaneBits'(fields[2]);
      next.channels_per_group = PlaneBits'(fields[3]);
      next.filters_per_group = PlaneBits'(fields[4]);
      next.input_rows = SizeBits'(fields[5]);
      next.input_columns = SizeBits'(fields[6]);
      next.output_rows = SizeBits'(fields[7]);
      next.output_columns = SizeBits'(fields[8]);
      next.kernel_rows = KernelBits'(fields[9]);
      next.kernel_columns = KernelBits'(fields[10]);
      next.stride = StrideBits'(fields[11]);
      next.padding_rows = KernelBits'(fields[12]);
      next.padding_columns = KernelBits'(fields[13]);
      next.result_base = AddressBits'(fields[14]);
      layer = next;
      activations = int'(fields[15]);
      weights = int'(fields[16]);
      masks = int'(fields[17]);
      gradients = int'(fields[18]);
      results = int'(fields[19]);
      fill(ActivationMemory, activations);
      fill(WeightMemory, weights);
      fill(MaskMemory, masks);
      fill(OutputMemory, gradients);
      for (int core = 0; core < Cores; core++) begin
        scan(count);
        item_count[core] = int'(count);
        items_done[core] = 0;
        cycles_before[core] = 0;
        for (int i = 0; i < item_count[core]; i++) begin
          scan(count);
          expected_number[core][i] = int'(count);
          scan(count);
          expected_cycles[core][i] = int'(count);
        end
      end
      base = int'(next.result_base);
      for (int i = 0; i < results; i++) begin
        scan(count);
        expected[base+i] = count;
      end

      start = 1'b1;
      @(negedge clk);
      start = 1'b0;
      waited = 0;
      while (!done) begin
        @(negedge clk);
        waited++;
        if (waited > 10000000) $fatal(1, "pass %0d does not end", passes);
      end
      @(negedge clk);
      for (int core = 0; core < Cores; core++) begin
        if (items_done[core] != item_count[core]) begin
          differ($sformatf("core %0d did %0d of %0d items", core, items_done[core],
                           item_count[core]));
        end
      end
      checked += results;
      for (int i = 0; i < Outputs; i++) begin
        value = dut.i_outputs.words_q[i];
        if (value !== expected[i]) begin
          differ($sformatf("word %0d (result %0d) is %h, not %h", i, i - base, value,
                           expected[i]));
        end
      end
      // The port reads the old content.
      address = AddressBits'(base + results - 1);
      @(negedge clk);
      if (word !== expected[base+results-1]) differ("the last result cannot be fetched");
      most = 0;
      for (int core = 0; core < Cores; core++) begin
        if (int'(core_cycles[core]) > most) most = int'(core_cycles[core]);
      end
      all_reorder += 64'(reorder_cycles);
      all_plan += 64'(plan_cycles);
      all_run += 64'(run_cycles);
      all_cores += 64'(most);
      passes++;
    end
    $fclose(file);
    $display("passes %0d reorder %0d plan %0d run %0d work %0d", passes, all_reorder, all_plan,
             all_run, all_cores);
    $display("checked %0d differing %0d", checked, differing);
    $finish;
  end

endmodule
