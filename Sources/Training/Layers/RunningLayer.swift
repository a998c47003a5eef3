// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A layer with its parameters and its places in memory.
protocol RunningLayer: AnyObject {
  /// Where the layer reads and writes.
  var ports: Ports { get }
  /// What the optimiser trains.
  var parameters: [Parameter] { get }
  /// Other values that belong to the layer's state: running statistics.
  var statistics: [NamedTensor] { get }
  /// Computes the output from the inputs.
  func forward(_ pass: Pass)
  /// Computes the gradients of inputs and parameters from the gradient of the output.
  func backward(_ pass: Pass)
}

extension RunningLayer {
  var parameters: [Parameter] { [] }
  var statistics: [NamedTensor] { [] }
}

/// What all layers of one pass share.
struct Pass {
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
  /// Takes the time of each part of a step that is profiled.
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
  /// One for each input; nil where nobody needs it.
  let inputGradients: [Gradient?]

  /// The gradient of the output, which exists whenever backward runs.
  var upstream: Tensor {
    guard let outputGradient else { preconditionFailure("backward of a model without gradients") }
    return outputGradient
  }
}

/// Values with a name that is unique in the model.
public struct NamedTensor: Sendable {
  /// For example `layer1.0.bn1.runningMean`.
  public let name: String
  /// The values.
  public let values: Tensor
}

/// Values that the optimiser trains.
public final class Parameter {
  /// Unique in the model, for example `layer1.0.conv1.weight`.
  public let name: String
  /// The values; of a convolution the packed kept weights.
  public internal(set) var values: Tensor
  /// The gradient of the last backward pass, in the order of `values`.
  public internal(set) var gradient: Tensor
  /// The optimiser's state, each as large as `values`.
  public internal(set) var slots: [Tensor] = []

  init(name: String, values: Tensor) {
    self.name = name
    self.values = values
    gradient = Tensor(count: values.count)
  }
}
