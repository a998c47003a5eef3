// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A layer with its parameters and its places in memory.
protocol RunningLayer: AnyObject {
  associatedtype Data: Layer where Data.Running == Self

  /// Where the layer reads and writes.
  var ports: Ports { get }
  /// The layer as data.
  var layer: Data { get }
  /// Scale and shift of each channel in inference, if the layer does nothing else there; else nil.
  var scaling: [ChannelScaling]? { get }
  /// Computes the output from the inputs.
  func forward(_ pass: PassSettings)
  /// Computes the gradients of inputs and parameters from the gradient of the output.
  func backward(_ pass: PassSettings)
  /// Adds the layer's operation in inference to a graph.
  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder)
}

extension RunningLayer {
  var scaling: [ChannelScaling]? { nil }

  /// The values that belong to this layer.
  var tensors: [BoundTensor] {
    layer.tensors(ports.outputMap).map { BoundTensor($0, of: self) }
  }

  /// What the optimiser trains.
  var parameters: [Parameter] { tensors.compactMap(\.parameter) }
}

/// Inference of a channel: `factor · y + shift`.
typealias ChannelScaling = (factor: Float, shift: Float)

/// A tensor of a layer that runs.
struct BoundTensor {
  let suffix: String
  let shape: [Int]
  let least: Float
  let takesBias: Bool
  /// What the optimiser trains; nil for statistics.
  let parameter: Parameter?
  /// What the layer keeps itself; nil for parameters.
  let statistic: Tensor?
  /// The values as other programs have them.
  let values: () -> [Float]
  let store: ([Float]) -> Void

  init<Running>(_ tensor: LayerTensor<Running>, of layer: Running) {
    suffix = tensor.suffix
    shape = tensor.shape
    least = tensor.least
    takesBias = tensor.takesBias
    switch tensor.owner {
    case .optimiser(let parameter): (self.parameter, statistic) = (parameter(layer), nil)
    case .statistic(let values): (parameter, statistic) = (nil, values(layer))
    }
    values = { tensor.values(layer) }
    store = { tensor.store(layer, $0) }
  }
}

/// What a layer needs to run.
struct LayerSite {
  let name: String
  /// Its index in the network, which seeds its random numbers.
  let index: Int
  let ports: Ports
  let engine: Engine
  /// The most images that a pass takes.
  let batch: Int
  let scratch: ScratchSpace
}

/// What all layers of one pass share.
struct PassSettings {
  let engine: Engine
  /// Images of the batch.
  let images: Int
  /// Batch statistics and dropout, or running statistics.
  let training: Bool
  /// Seeds the dropout of this step.
  let seed: UInt64
  /// Whether prunable layers compute the gradients of pruned weights too.
  let denseGradients: Bool
  /// Whether convolutions count the zeros that the backward pass meets.
  let observes: Bool
  /// Measures each part of a profiled step.
  var clock: StepClock?
}

/// Where a layer reads and writes.
struct Ports {
  struct Gradient {
    let tensor: Tensor
    /// Adds to what the tensor holds.
    let accumulate: Bool
  }

  let inputs: [Tensor]
  let inputMaps: [MapShape]
  let output: Tensor
  let outputMap: MapShape
  /// Nil in a model that only evaluates.
  let outputGradient: Tensor?
  /// One for each input; nil where it is not needed.
  let inputGradients: [Gradient?]

  /// The gradient of the output, which exists whenever backward runs.
  var upstream: Tensor {
    guard let outputGradient else { preconditionFailure("backward of a model without gradients") }
    return outputGradient
  }
}

/// Values with a name that is unique in the model.
public struct NamedTensor: Sendable {
  /// For example `layer1.0.bn1.running_mean`.
  public let name: String
  /// The values.
  public let values: Tensor
}

/// Values that the optimiser trains.
public final class Parameter {
  /// Unique in the model, for example `layer1.0.conv1.weight`.
  public internal(set) var name = ""
  /// The values; of a convolution the packed kept weights.
  public internal(set) var values: Tensor
  /// The gradient of the last backward pass, in the order of `values`.
  public internal(set) var gradient: Tensor
  /// The optimiser's state, each as large as `values`.
  public internal(set) var slots: [Tensor] = []
  /// Whether the optimiser leaves them as they are.
  var isFrozen = false
  /// Whether these are the weights of a convolution or linear layer.
  var isWeight = false
  /// What `limitStep` found: multiplies the gradient.
  private(set) var stepScale: Float = 1

  init(_ values: Tensor) {
    self.values = values
    gradient = Tensor(count: values.count)
  }

  /// Decides what to multiply the gradient by so that `rate` times its norm is at most `limit` times the
  /// norm of the values, if these are weights. Weights that are all zero, as a file may have them, have
  /// no limit: they could never leave zero.
  func limitStep(to limit: Float, rate: Float, engine: Engine) {
    guard isWeight, !isFrozen else { return }
    let length = Double(limit) * engine.squareSum(values).squareRoot()
    let step = Double(rate) * engine.squareSum(gradient).squareRoot()
    stepScale = length > 0 && step > length ? Float(length / step) : 1
  }
}

/// Memory that layers use one after the other, as large as the most demanding of them.
final class ScratchSpace {
  private(set) var tensor = Tensor(count: 1)

  func reserve(_ floats: Int) {
    if tensor.count < floats { tensor = Tensor(count: floats) }
  }

  private var lastDense: (filters: PackedFilters, gradient: Tensor)?

  /// A layer's dense packing and memory for its gradient. They stay for the next layer, which is often
  /// of the same shape.
  func dense(_ geometry: ConvolutionGeometry) -> (filters: PackedFilters, gradient: Tensor) {
    if let lastDense, lastDense.filters.geometry == geometry { return lastDense }
    lastDense = nil  // Its memory goes first.
    let filters = PackedFilters(
      dense: geometry, packing: Packing(for: geometry, scattered: false))
    let dense = (filters, Tensor(count: filters.weightCount))
    lastDense = dense
    return dense
  }

  /// Frees what `dense` keeps, which is larger than the layer.
  func dropDense() { lastDense = nil }
}

/// Passes a gradient on unchanged: by adding, by copying, or not at all where both are one buffer.
func passOn(_ gradient: Tensor, to slot: Ports.Gradient?, _ map: MapShape, _ pass: PassSettings) {
  guard let slot else { return }
  if slot.accumulate {
    pass.engine.add(gradient, to: slot.tensor, map: map, images: pass.images)
  } else if !slot.tensor.shares(with: gradient) {
    pass.engine.activate(
      .none, input: gradient, output: slot.tensor, map: map, images: pass.images)
  }
}
