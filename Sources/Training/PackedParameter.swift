// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A parameter as callers outside of Swift see it: packed values, where each belongs in the dense
/// array, and the mask that decides it.
package struct PackedParameter {
  /// Unique in the model, for example `layer1.0.conv1.weight`.
  package let name: String
  /// The values; of a weight the packed kept ones.
  package let values: Tensor
  /// The gradient of the last backward pass, in the same order.
  package let gradient: Tensor
  private let layer: ConvolutionLayer?

  /// `layer` is nil for what is not the weight of a convolution or linear layer.
  init(_ parameter: Parameter, weightOf layer: ConvolutionLayer?) {
    name = parameter.name
    values = parameter.values
    gradient = parameter.gradient
    self.layer = layer
  }

  /// Sizes of the dense array, `[K][C][R][S]` for a weight.
  package var shape: [Int] {
    guard let geometry = layer?.geometry else { return [values.count, 1, 1, 1] }
    return [geometry.filters, geometry.channelsPerGroup, geometry.rows, geometry.columns]
  }

  /// For a weight, the index of each value in the dense array, -1 for padding that stays zero.
  package var positions: [Int32]? { layer?.filters.densePositions }

  /// Whether pruning may touch it.
  package var isPrunable: Bool { layer?.isPrunable ?? false }
}

// MARK: - Weights of convolutions and linear layers

extension PackedParameter {
  /// A weight's own members; what is no weight has none.
  private var weights: ConvolutionLayer {
    guard let layer else { preconditionFailure("'\(name)' is no weight of a convolution") }
    return layer
  }

  /// Weights of the dense layer.
  package var denseCount: Int { weights.geometry.weights }
  /// The layer as masks see it.
  package var filterShape: FilterShape { weights.filterShape }
  /// What is kept; nil when the layer is dense.
  package var mask: LayerMask? { weights.mask }
  /// The values in `[K][C][R][S]` order, zero where pruned.
  package var denseValues: [Float] { weights.denseWeights }
  /// dL/dW of every weight, from the last backward pass that asked for it.
  package var denseGradient: [Float]? { weights.denseGradient }

  /// Replaces the values; those of pruned places are left out.
  package func store(denseValues: [Float]) { weights.store(denseWeights: denseValues) }

  /// Replaces dL/dW of every weight, for example by its mean over many processes.
  package func store(denseGradient: [Float]) { weights.store(denseGradient: denseGradient) }

  /// Packs the layer for another mask. This value describes the old packing; ask the model again.
  package func apply(_ mask: LayerMask) {
    weights.apply(mask)
    weights.dropObservation()
  }
}

extension Model {
  /// All parameters with their packings, in the order of `parameters`.
  package var packedParameters: [PackedParameter] {
    parameters.map { parameter in
      PackedParameter(parameter, weightOf: convolutions.first { $0.weight === parameter })
    }
  }
}
