// SPDX-License-Identifier: Apache-2.0
// Repeats the model's packing and expanding, for networks of 8 and 32 lanes.
// Each reads `compress<lanes>.txt` in the folder `+vectors`: needed lanes, settings (occupied, moving),
// data, packed, packed with rubbish behind it, and what comes back.
module tb_swpu_compress_network;

  localparam int unsigned Sizes = 2;
  localparam int unsigned Width = 16;

  logic clk = 1'b0;
  always #5 clk = !clk;

  string folder;
  int checked[Sizes], differing[Sizes];
  logic [Sizes-1:0] is_done = '0;

  for (genvar size = 0; size < Sizes; size++) begin : gen_size
    localparam int unsigned Stages = size == 0 ? 3 : 5;
    localparam int unsigned Lanes = 1 << Stages;

    logic rst_n, record, expand;
    logic [Lanes-1:0] needed;
    logic [Lanes-1:0][Width-1:0] data_in, data_out;

    swpu_compress_network #(
      .Lanes(Lanes),
      .Width(Width)
    ) dut (
      .clk_i   (clk),
      .rst_ni  (rst_n),
      .record_i(record),
      .needed_i(needed),
      .expand_i(expand),
      .data_i  (data_in),
      .data_o  (data_out)
    );

    initial begin
      int file;
      logic [Lanes-1:0] mask;
      logic [Stages*Lanes-1:0] occupied, moving;
      logic [Lanes*Width-1:0] data, packed_data, rubbish, returned;

      checked[size] = 0;
      differing[size] = 0;
      rst_n = 1'b0;
      record = 1'b0;
      expand = 1'b0;
      needed = '0;
      data_in = '0;
      if (!$value$plusargs("vectors=%s", folder)) $fatal(1, "no +vectors");
      file = $fopen($sformatf("%s/compress%0d.txt", folder, Lanes), "r");
      if (file == 0) $fatal(1, "no vectors of %0d lanes", Lanes);
      repeat (2) @(negedge clk);
      rst_n = 1'b1;
      while ($fscanf(file, "%h %h %h %h %h %h %h\n", mask, occupied, moving, data, packed_data,
                     rubbish, returned) == 7) begin
        logic is_equal;
        record = 1'b1;
        needed = mask;
        @(negedge clk);
        // The settings hold whatever the mask does afterwards.
        record = 1'b0;
        needed = ~mask;
        expand = 1'b0;
        data_in = data;
        @(negedge clk);
        is_equal = dut.occupied_q === occupied && dut.moving_q === moving
            && data_out === packed_data;
        expand = 1'b1;
        data_in = rubbish;
        @(negedge clk);
        is_equal = is_equal && data_out === returned;
        checked[size]++;
        if (!is_equal) begin
          differing[size]++;
          if (differing[size] == 1) $display("first difference: %0d lanes, mask %h", Lanes, mask);
        end
      end
      $fclose(file);
      is_done[size] = 1'b1;
    end
  end

  initial begin
    wait (&is_done);
    $display("checked %0d differing %0d", checked.sum(), differing.sum());
    $finish;
  end

endmodule
