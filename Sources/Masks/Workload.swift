// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The workload of one training step: the layers of a network with their masks and the sparsity of
/// activations and gradients. Training records it, and the processor model reads it.
///
/// ```swift
/// let network = try ModelName.resnet20.network(
///   input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
/// let workload = Workload(
///   network.description(batch: 4), pruning: PruningConfiguration(sparsity: 0.9), seed: 1)
/// print(workload.layers.map { $0.mask.density })
/// ```
public struct Workload: Sendable, Equatable {
  /// A convolution or linear layer.
  public struct Layer: Sendable, Equatable {
    /// Name and sizes.
    public var convolution: NetworkDescription.Convolution
    /// What is kept of its weights.
    public var mask: LayerMask
    /// The unit by which it was pruned.
    public var granularity: Granularity
    /// Sparsity of the layer's input.
    public var inputSparsity: Double
    /// Sparsity of the output's gradient.
    public var gradientSparsity: Double
    /// Which values of the input are zero, where that is known; `inputSparsity` is then its sparsity.
    public var inputZeros: ZeroMask?
    /// Which values of the output's gradient are zero, where that is known.
    public var gradientZeros: ZeroMask?

    /// A layer; `mask` is a mask of its filters.
    public init(
      convolution: NetworkDescription.Convolution, mask: LayerMask, granularity: Granularity,
      inputSparsity: Double, gradientSparsity: Double
    ) {
      precondition(
        mask.shape == convolution.filterShape,
        "a mask of \(mask.shape) for a layer of \(convolution.filterShape)")
      self.convolution = convolution
      self.mask = mask
      self.granularity = granularity
      self.inputSparsity = inputSparsity
      self.gradientSparsity = gradientSparsity
    }

    /// Name of the layer in its network.
    public var name: String { convolution.name }
    /// Sizes.
    public var geometry: ConvolutionGeometry { convolution.geometry }
  }

  /// Name of the network.
  public var name: String
  /// Images of a training step.
  public var batch: Int
  /// Convolutions and linear layers, in order.
  public var layers: [Layer]
  /// All other layers, in order.
  public var vectorLayers: [NetworkDescription.VectorLayer]
  /// The optimiser.
  public var optimizer: NetworkDescription.Optimizer

  /// A workload.
  public init(
    name: String, batch: Int, layers: [Layer], vectorLayers: [NetworkDescription.VectorLayer],
    optimizer: NetworkDescription.Optimizer = .sgd
  ) {
    self.optimizer = optimizer
    self.name = name
    self.batch = batch
    self.layers = layers
    self.vectorLayers = vectorLayers
  }
}
