// SPDX-License-Identifier: Apache-2.0
// Carries out the commands of a training step on an image of the DRAM, and compares the whole DRAM with the
// image behind the step. The file `+vectors` holds the number of halves, the address of the commands, and of
// each half what it is before and behind. The DRAM answers after a random number of cycles.
module tb_swpu_step #(
  parameter int unsigned Cores = swpu_pkg::Cores
);

  import swpu_types_pkg::*;

  localparam int unsigned Halves = 1 << 18;
  localparam int unsigned Lanes = swpu_pkg::StreamElements;

  logic clk = 1'b0;
  always #5 clk = !clk;

  logic rst_n, start, done, read, read_valid;
  half_address_t commands, read_address, write_address;
  logic [Lanes-1:0] write;
  operand_t [Lanes-1:0] read_data, write_data;
  operand_t dram[Halves], expected[Halves];
  int waits;

  swpu_step #(
    .Cores(Cores)
  ) dut (
    .clk_i          (clk),
    .rst_ni         (rst_n),
    .start_i        (start),
    .commands_i     (commands),
    .done_o         (done),
    .read_o         (read),
    .read_address_o (read_address),
    .read_valid_i   (read_valid),
    .read_data_i    (read_data),
    .write_o        (write),
    .write_address_o(write_address),
    .write_data_o   (write_data)
  );

  int counts[7];
  always @(posedge clk) begin
    read_valid <= 1'b0;
    if (read && !read_valid) begin
      if (waits == 0) begin
        read_valid <= 1'b1;
        for (int lane = 0; lane < Lanes; lane++) begin
          read_data[lane] <= dram[(32'(read_address) + lane) % Halves];
        end
        waits = $urandom_range(3);
      end else begin
        waits--;
      end
    end
    for (int lane = 0; lane < Lanes; lane++) begin
      if (write[lane]) dram[(32'(write_address) + lane) % Halves] = write_data[lane];
    end
    counts[32'(dut.command) % 7]++;
  end

  initial begin
    string path;
    int file, halves, differing, changed, cycles;
    logic [15:0] before_step, behind_step;
    half_address_t first;

    rst_n = 1'b0;
    start = 1'b0;
    waits = 0;
    commands = '0;
    changed = 0;
    for (int i = 0; i < 7; i++) counts[i] = 0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
    if ($fscanf(file, "%h %h\n", halves, first) != 2) $fatal(1, "no sizes");
    if (halves > Halves) $fatal(1, "the image is too large");
    for (int i = 0; i < halves; i++) begin
      if ($fscanf(file, "%h %h\n", before_step, behind_step) != 2) $fatal(1, "a half is missing");
      dram[i] = before_step;
      expected[i] = behind_step;
      if (before_step != behind_step) changed++;
    end
    $fclose(file);
    repeat (2) @(negedge clk);
    rst_n = 1'b1;
    commands = first;
    start = 1'b1;
    @(negedge clk);
    start = 1'b0;
    cycles = 1;
    while (!done) begin
      @(negedge clk);
      cycles++;
      if (cycles > 20000000) $fatal(1, "the step does not end");
    end
    @(negedge clk);
    differing = 0;
    for (int i = 0; i < halves; i++) begin
      if (dram[i] !== expected[i]) begin
        differing++;
        if (differing <= 5) begin
          $display("half %0d is %h, not %h", i, dram[i], expected[i]);
        end
      end
    end
    $display("cycles %0d changed %0d", cycles, changed);
    $display("cycles of commands: masks %0d weights %0d in %0d passes %0d out %0d updates %0d",
             counts[LoadMasks], counts[LoadWeights], counts[StreamIn], counts[RunPass],
             counts[StreamOut], counts[Update]);
    $display("checked %0d differing %0d", halves, differing);
    $finish;
  end

endmodule
