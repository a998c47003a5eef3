// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// `output = activation(input)`, element by element; `.none` copies.
  public func activate(_ activation: Activation, input: Tensor, output: Tensor) {
    precondition(input.count == output.count, "tensors of one size")
    run(
      ck_clamp_args(
        count: Int64(input.count), input: input.pointer, output_of_forward: nil,
        output: output.pointer, accumulate: 0, lower: activation.lower, upper: activation.upper),
      kernels.table.pointee.clamp)
  }

  /// Gradient of `activate`: `outputGradient` where the forward `output` lies inside the interval.
  public func activationGradient(
    _ activation: Activation, output: Tensor, outputGradient: Tensor, inputGradient: Tensor,
    accumulate: Bool
  ) {
    precondition(
      output.count == outputGradient.count && output.count == inputGradient.count,
      "tensors of one size")
    run(
      ck_clamp_args(
        count: Int64(output.count), input: outputGradient.pointer,
        output_of_forward: output.pointer, output: inputGradient.pointer,
        accumulate: accumulate ? 1 : 0, lower: activation.lower, upper: activation.upper),
      kernels.table.pointee.clamp_gradient)
  }

  /// Inverted dropout: drops each value with probability `probability` and scales the others by
  /// `1 / (1 - probability)`. Which are dropped follows from `seed` and the place of the value in
  /// its image, so the same call on the gradient is the backward pass.
  public func dropout(
    _ source: Tensor, into destination: Tensor, probability: Float, seed: UInt64,
    accumulate: Bool, map: MapShape, images: Int
  ) {
    check(source, map, images: images)
    check(destination, map, images: images)
    precondition((0..<1).contains(probability), "a probability below one")
    run(
      ck_dropout_args(
        planes: planes(map, images: images), source: source.pointer,
        destination: destination.pointer, accumulate: accumulate ? 1 : 0, seed: seed,
        threshold: UInt32(Double(probability) * 0x1p32), scale: 1 / (1 - probability)),
      kernels.table.pointee.dropout)
  }
}
