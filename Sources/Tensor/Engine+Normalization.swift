// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Scale, shift and the statistics of a batch normalisation, one value a channel each.
public struct NormalizationState: Sendable {
  /// Scale γ.
  public let gamma: Tensor
  /// Shift β.
  public let beta: Tensor
  /// Mean of the last training batch.
  public let mean: Tensor
  /// Biased variance of the last training batch.
  public let variance: Tensor
  /// ε, added to the variance.
  public let epsilon: Float

  /// γ = 1, β = 0.
  public init(channels: Int, epsilon: Float) {
    gamma = Tensor([Float](repeating: 1, count: channels))
    beta = Tensor(count: channels)
    mean = Tensor(count: channels)
    variance = Tensor(count: channels)
    self.epsilon = epsilon
  }
}

extension Engine {
  /// Training: normalises each channel by its statistics over the batch,
  /// `output = activation((x - mean) / √(variance + ε) · γ + β + residual)`, and leaves mean and
  /// variance in `state`.
  public func normalize(
    _ state: NormalizationState, input: Tensor, residual: Tensor?, output: Tensor,
    activation: Activation, map: MapShape, images: Int
  ) {
    check(input, map, images: images)
    check(output, map, images: images)
    if let residual { check(residual, map, images: images) }
    precondition(state.gamma.count == map.channels, "statistics of the layer's channels")
    let isPaired = isPaired(map, images: images)
    run(
      ck_norm_args(
        planes: isPaired ? pairPlanes(map, images: images) : planes(map, images: images),
        input: input.pointer,
        residual: residual.map { UnsafePointer($0.pointer) }, output: output.pointer,
        gamma: state.gamma.pointer, beta: state.beta.pointer, mean: state.mean.pointer,
        variance: state.variance.pointer, epsilon: state.epsilon, lower: activation.lower,
        upper: activation.upper),
      shards: shards(words: floats(map, images: images)),
      isPaired ? pairs.table.pointee.norm : kernels.table.pointee.norm)
  }

  /// Evaluation: `output = activation(x · scale + shift + residual)` by channel.
  public func affine(
    scale: Tensor, shift: Tensor, input: Tensor, residual: Tensor?, output: Tensor,
    activation: Activation, map: MapShape, images: Int
  ) {
    check(input, map, images: images)
    check(output, map, images: images)
    if let residual { check(residual, map, images: images) }
    precondition(scale.count >= map.channels && shift.count >= map.channels, "one a channel")
    let isPaired = isPaired(map, images: images)
    run(
      ck_affine_args(
        planes: isPaired ? pairPlanes(map, images: images) : planes(map, images: images),
        input: input.pointer,
        residual: residual.map { UnsafePointer($0.pointer) }, output: output.pointer,
        scale: scale.pointer, shift: shift.pointer, lower: activation.lower,
        upper: activation.upper),
      shards: shards(words: floats(map, images: images)),
      isPaired ? pairs.table.pointee.affine : kernels.table.pointee.affine)
  }

  /// Gradients of `normalize`.
  ///
  /// - Parameters:
  ///   - output: the forward result, which the activation's gradient needs.
  ///   - inputGradient: may be `outputGradient` itself unless that is also the residual's.
  ///   - residualGradient: receives the gradient of the residual; may be `outputGradient` itself.
  ///   - accumulateResidual: adds to `residualGradient` instead of replacing it.
  public func normalizeGradient(
    _ state: NormalizationState, input: Tensor, output: Tensor, outputGradient: Tensor,
    inputGradient: Tensor, residualGradient: Tensor?, accumulateResidual: Bool,
    gammaGradient: Tensor, betaGradient: Tensor, activation: Activation, map: MapShape, images: Int
  ) {
    check(input, map, images: images)
    check(output, map, images: images)
    check(outputGradient, map, images: images)
    check(inputGradient, map, images: images)
    if let residualGradient { check(residualGradient, map, images: images) }
    precondition(
      gammaGradient.count >= map.channels && betaGradient.count >= map.channels, "one a channel")
    let isPaired = isPaired(map, images: images)
    run(
      ck_norm_gradient_args(
        planes: isPaired ? pairPlanes(map, images: images) : planes(map, images: images),
        input: input.pointer, output: output.pointer,
        output_gradient: outputGradient.pointer, input_gradient: inputGradient.pointer,
        residual_gradient: residualGradient?.pointer,
        accumulate_residual: accumulateResidual ? 1 : 0, gamma: state.gamma.pointer,
        mean: state.mean.pointer, variance: state.variance.pointer,
        gamma_gradient: gammaGradient.pointer, beta_gradient: betaGradient.pointer,
        epsilon: state.epsilon, lower: activation.lower, upper: activation.upper),
      shards: shards(words: floats(map, images: images)),
      isPaired ? pairs.table.pointee.norm_gradient : kernels.table.pointee.norm_gradient)
  }
}
