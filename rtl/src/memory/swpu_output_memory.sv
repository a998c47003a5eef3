// SPDX-License-Identifier: Apache-2.0
// The memory of results, words of FP32; in the weight gradient also of the output gradients, two of
// them in a word. A model, as swpu_memory is: every row of every core writes when it has results, as
// the model of the processor has it, and each port gathers a run of gradients. Data come in the cycle
// after.
module swpu_output_memory #(
  parameter int unsigned Words = swpu_pkg::OutputKibibytes * 256,
  parameter int unsigned WritePorts = swpu_pkg::Cores * swpu_pkg::Rows * swpu_pkg::Lanes,
  parameter int unsigned ReadPorts = swpu_pkg::Cores * swpu_pkg::PortsPerCore,
  localparam int unsigned IndexBits = $clog2(Words)
) (
  input  logic                                         clk_i,
  // A port to load gradients and fetch results.
  input  logic                                         write_i,
  input  logic [IndexBits-1:0]                         address_i,
  input  swpu_types_pkg::sum_t                         data_i,
  output swpu_types_pkg::sum_t                         data_o,
  // A word of a stream, from an element on.
  input  logic [IndexBits-1:0]                         word_address_i,
  output swpu_types_pkg::stream_sums_t                 word_o,
  // Results.
  input  logic [WritePorts-1:0]                        result_write_i,
  input  swpu_types_pkg::address_t [WritePorts-1:0]    result_address_i,
  input  swpu_types_pkg::sum_t [WritePorts-1:0]        result_data_i,
  // Output gradients, by the address of the element.
  input  logic [ReadPorts-1:0]                         gradient_read_i,
  input  swpu_types_pkg::run_address_t [ReadPorts-1:0] gradient_address_i,
  output swpu_types_pkg::run_t [ReadPorts-1:0]         gradient_data_o
);

  if (Words < 2 || IndexBits >= swpu_types_pkg::AddressBits) begin : gen_words
    $error("Words is %0d; 2 to half of what an address numbers are allowed", Words);
  end

  import swpu_types_pkg::*;

  sum_t words_q[Words];

  // A read returns the old value; writes are blocking, before the end of the cycle, as Verilator
  // takes no delayed ones from so many ports. Nothing else looks at the words.
  always @(posedge clk_i) begin
    data_o <= words_q[address_i];
    for (int unsigned lane = 0; lane < swpu_pkg::StreamElements; lane++) begin
      word_o[lane] <= words_q[word_address_i+IndexBits'(lane)];
    end
    for (int unsigned port = 0; port < ReadPorts; port++) begin
      if (gradient_read_i[port]) begin
        for (int unsigned element = 0; element < swpu_pkg::PortElements; element++) begin
          gradient_data_o[port][element] <= gradient_address_i[port][element][0]
              ? words_q[gradient_address_i[port][element][IndexBits:1]][31:16]
              : words_q[gradient_address_i[port][element][IndexBits:1]][15:0];
        end
      end
    end
    if (write_i) words_q[address_i] = data_i;
    for (int unsigned port = 0; port < WritePorts; port++) begin
      if (result_write_i[port]) words_q[IndexBits'(result_address_i[port])] = result_data_i[port];
    end
  end

`ifndef SYNTHESIS
  // Nothing is loaded while results are written.
  assert property (@(posedge clk_i) !write_i || result_write_i == '0);
`endif

endmodule
