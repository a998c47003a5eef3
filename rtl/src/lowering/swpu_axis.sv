// SPDX-License-Identifier: Apache-2.0
// One direction of a part: of a layer's rows, or of its columns. Combinational.
//
// Forward and weight gradient: an output reads the layer's input, `stride` apart, through the taps in
// their order. Input gradient: with stride σ and padding π, input σ·i + a gathers, of the taps r with
// (a + π - r) divisible by σ, output i + (a + π - r)/σ: one part for each phase a, its taps turned.
module swpu_axis (
  input  logic                                  is_input_gradient_i,
  // Phase of the sub-pixels; only 0 but in the input gradient.
  input  logic [swpu_types_pkg::StrideBits-1:0] phase_i,
  input  swpu_types_pkg::size_t                 input_i,
  input  swpu_types_pkg::size_t                 output_i,
  input  logic [swpu_types_pkg::KernelBits-1:0] kernel_i,
  input  logic [swpu_types_pkg::StrideBits-1:0] stride_i,
  input  logic [swpu_types_pkg::KernelBits-1:0] padding_i,
  // The phase has an output and a tap.
  output logic                                  exists_o,
  output swpu_types_pkg::axis_t                 axis_o,
  // Taps of the part.
  output logic [swpu_types_pkg::KernelBits-1:0] taps_o
);

  import swpu_types_pkg::*;

  always_comb begin
    int stride, distance;
    logic [KernelBits-1:0] taps;
    stride = stride_i == '0 ? 1 : 32'(stride_i);
    distance = 0;
    taps = '0;
    axis_o = '0;
    if (is_input_gradient_i) begin
      axis_o.outputs = SizeBits'((32'(input_i) - 32'(phase_i) + stride - 1) / stride);
      axis_o.source = output_i;
      axis_o.step = StrideBits'(1);
      axis_o.target_step = stride_i;
      axis_o.target_first = phase_i;
      for (int tap = KernelSize - 1; tap >= 0; tap--) begin
        distance = 32'(phase_i) + 32'(padding_i) - tap;
        if (tap < 32'(kernel_i) && distance % stride == 0) begin
          axis_o.offsets[taps] = OffsetPlaceBits'(distance / stride);
          taps = taps + 1'b1;
        end
      end
    end else begin
      axis_o.outputs = output_i;
      axis_o.source = input_i;
      axis_o.step = stride_i;
      axis_o.target_step = StrideBits'(1);
      taps = kernel_i;
      for (int tap = 0; tap < KernelSize; tap++) begin
        axis_o.offsets[tap] = OffsetPlaceBits'(tap - 32'(padding_i));
      end
    end
    axis_o.last_tap = taps - 1'b1;
    taps_o = taps;
    exists_o = taps != '0 && 32'(phase_i) < stride && 32'(phase_i) < 32'(input_i);
  end

endmodule
