// SPDX-License-Identifier: Apache-2.0
import Tensor

/// What a convolution multiplies in the three passes of a step, for the first image of the batch.
public struct ConvolutionOperands: Sendable {
  /// The layer's name.
  public let name: String
  /// Its sizes.
  public let geometry: ConvolutionGeometry
  /// What is kept of its weights; nil when it is dense.
  public let mask: LayerMask?
  /// Weights `[K][C][R][S]`, zero where pruned.
  public let weights: [Float]
  /// Input `[C][row][column]`.
  public let input: [Float]
  /// Gradient of the loss with respect to the output, `[K][row][column]`.
  public let gradient: [Float]

  /// Operands of one layer; `weights`, `input` and `gradient` fit the geometry.
  public init(
    name: String, geometry: ConvolutionGeometry, mask: LayerMask?, weights: [Float], input: [Float],
    gradient: [Float]
  ) {
    precondition(
      weights.count == geometry.weights && input.count == geometry.input.count
        && gradient.count == geometry.output.count, "operands of another size than \(name)")
    self.name = name
    self.geometry = geometry
    self.mask = mask
    self.weights = weights
    self.input = input
    self.gradient = gradient
  }
}
