// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Which activations and gradients of a training step are in memory between two layers, on a machine
/// that computes layers which mix no values while it reads what they need.
///
/// A normalisation, an activation or a dropout of one stored value is made again wherever it is read; a
/// sum of several values is stored when it is first made. A gradient is stored behind the last layer
/// that mixes values; from there to the one before, it is computed while it is read. The images are
/// bytes to begin with, and the logits and their gradient never leave the loss.
struct StoredTensors {
  /// For each layer, whether what it makes is stored.
  let outputs: [Bool]
  /// For each layer, whether the gradient of what it makes is stored.
  let gradients: [Bool]

  init(_ network: Network) {
    let nodes = network.nodes
    outputs = nodes.map {
      ($0.layer.mixesValues || $0.inputs.count > 1) && $0.output != network.output
    }
    gradients = nodes.map { node in
      nodes.contains { $0.layer.mixesValues && $0.inputs.contains(node.output) }
    }
  }
}

/// The formats in which activations and gradients wait for their next use; nil for the precision that
/// they are computed in.
public struct StorageFormats: Sendable, Equatable {
  /// Of activations, with a scale for each channel.
  public var activations: EightBitFormat?
  /// Of the gradients of activations, with a scale for each.
  public var gradients: EightBitFormat?

  /// Formats.
  public init(activations: EightBitFormat? = nil, gradients: EightBitFormat? = nil) {
    self.activations = activations
    self.gradients = gradients
  }
}
