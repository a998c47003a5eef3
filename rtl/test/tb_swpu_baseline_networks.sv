// SPDX-License-Identifier: Apache-2.0
// Sends vectors through the baselines' networks, of 8 and of 16 lanes. Each reads
// `<network><lanes>.txt` in the folder `+vectors`: controls, data, lanes that count, what they have to
// give.
module tb_swpu_baseline_networks;

  localparam int unsigned Benches = 6;
  localparam int unsigned Width = 16;

  string folder;
  int checked[Benches], differing[Benches];
  logic [Benches-1:0] is_done = '0;

  for (genvar bench = 0; bench < Benches; bench++) begin : gen_bench
    localparam int unsigned Kind = bench / 2;
    localparam int unsigned Stages = bench % 2 == 0 ? 3 : 4;
    localparam int unsigned Lanes = 1 << Stages;
    localparam int unsigned Columns = Kind == 0 ? Stages : 2 * Stages - 1;
    localparam int unsigned Controls = Kind == 2 ? Lanes * Stages : Columns * Lanes / 2;

    logic [Controls-1:0] controls;
    logic [Lanes-1:0][Width-1:0] data_in, data_out;

    if (Kind == 0) begin : gen_butterfly
      swpu_butterfly_network #(
        .Lanes(Lanes),
        .Width(Width)
      ) dut (
        .crosses_i(controls),
        .data_i   (data_in),
        .data_o   (data_out)
      );
    end else if (Kind == 1) begin : gen_benes
      swpu_benes_network #(
        .Lanes(Lanes),
        .Width(Width)
      ) dut (
        .crosses_i(controls),
        .data_i   (data_in),
        .data_o   (data_out)
      );
    end else begin : gen_crossbar
      swpu_crossbar_network #(
        .Lanes(Lanes),
        .Width(Width)
      ) dut (
        .takes_i(controls),
        .data_i (data_in),
        .data_o (data_out)
      );
    end

    initial begin
      int file;
      string name;
      logic [Controls-1:0] read_controls;
      logic [Lanes*Width-1:0] read_data;
      logic [Lanes-1:0] counts;
      logic [Lanes*Width-1:0] read_expected;
      logic [Lanes-1:0][Width-1:0] expected;

      name = Kind == 0 ? "butterfly" : Kind == 1 ? "benes" : "crossbar";
      checked[bench] = 0;
      differing[bench] = 0;
      if (!$value$plusargs("vectors=%s", folder)) $fatal(1, "no +vectors");
      file = $fopen($sformatf("%s/%s%0d.txt", folder, name, Lanes), "r");
      if (file == 0) $fatal(1, "no vectors for %s of %0d lanes", name, Lanes);
      while ($fscanf(file, "%h %h %h %h\n", read_controls, read_data, counts, read_expected) == 4)
      begin
        logic is_equal;
        controls = read_controls;
        data_in = read_data;
        expected = read_expected;
        #1;
        is_equal = 1'b1;
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          if (counts[lane] && data_out[lane] !== expected[lane]) is_equal = 1'b0;
        end
        checked[bench]++;
        if (!is_equal) begin
          differing[bench]++;
          if (differing[bench] == 1) $display("first difference: %s, %0d lanes", name, Lanes);
        end
      end
      $fclose(file);
      is_done[bench] = 1'b1;
    end
  end

  initial begin
    wait (&is_done);
    $display("checked %0d differing %0d", checked.sum(), differing.sum());
    $finish;
  end

endmodule
