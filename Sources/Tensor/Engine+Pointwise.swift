// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// `output = activation(input)`; `.none` copies.
  public func activate(
    _ activation: Activation, input: Tensor, output: Tensor, map: MapShape, images: Int
  ) {
    check(input, map, images: images)
    check(output, map, images: images)
    run(
      ck_clamp_args(
        count: Int64(floats(map, images: images)), input: input.pointer, output_of_forward: nil,
        output: output.pointer, accumulate: 0, lower: activation.lower, upper: activation.upper),
      shards: shards(words: floats(map, images: images)),
      isPaired(map, images: images)
        ? pairs.table.pointee.clamp : kernels.table.pointee.clamp)
  }

  /// Gradient of `activate`: `outputGradient` where the forward `output` lies inside the interval.
  public func activationGradient(
    _ activation: Activation, output: Tensor, outputGradient: Tensor, inputGradient: Tensor,
    accumulate: Bool, map: MapShape, images: Int
  ) {
    check(output, map, images: images)
    check(outputGradient, map, images: images)
    check(inputGradient, map, images: images)
    run(
      ck_clamp_args(
        count: Int64(floats(map, images: images)), input: outputGradient.pointer,
        output_of_forward: output.pointer, output: inputGradient.pointer,
        accumulate: accumulate ? 1 : 0, lower: activation.lower, upper: activation.upper),
      shards: shards(words: floats(map, images: images)),
      isPaired(map, images: images)
        ? pairs.table.pointee.clamp_gradient : kernels.table.pointee.clamp_gradient)
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
    onFloats(
      .read(source, map), .write(destination, map, adds: accumulate), images: images
    ) { source, destination in
      run(
        ck_dropout_args(
          planes: planes(map, images: images), source: source.pointer,
          destination: destination.pointer, accumulate: accumulate ? 1 : 0, seed: seed,
          threshold: UInt32(Double(probability) * 0x1p32), scale: 1 / (1 - probability)),
        kernels.table.pointee.dropout)
    }
  }
}
