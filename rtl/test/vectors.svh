// SPDX-License-Identifier: Apache-2.0
// What the benches of streams and blocks share, for inclusion in their modules: numbers of the file of
// vectors, in hexadecimal, and the count of what was compared with them. `Lanes` is the bench's.
  int file, operations, checked, differing;

  function automatic void check(string what, int number, logic is_equal);
    checked++;
    if (!is_equal) begin
      differing++;
      if (differing <= 8) $display("operation %0d: %s %0d differs", operations, what, number);
    end
  endfunction

  // Scanning into a part of a structure does not reach the logic behind it in Verilator.
  logic [Lanes*32-1:0] wide;
  task automatic scan();
    if ($fscanf(file, "%h", wide) != 1) $fatal(1, "a number is missing");
  endtask
  task automatic scan_int(output int number);
    scan();
    number = int'(wide[31:0]);
  endtask
  task automatic scan_sum(output sum_t number);
    scan();
    number = wide[31:0];
  endtask
  task automatic scan_bit(output logic one);
    scan();
    one = wide[0];
  endtask

  task automatic open_vectors();
    string path;
    operations = 0;
    checked = 0;
    differing = 0;
    if (!$value$plusargs("vectors=%s", path)) $fatal(1, "no +vectors");
    file = $fopen(path, "r");
    if (file == 0) $fatal(1, "no vectors");
  endtask
