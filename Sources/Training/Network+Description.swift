// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

extension Network {
  /// The network as a model of a processor sees it.
  ///
  /// - Parameter batch: images of a training step.
  public func description(batch: Int) -> NetworkDescription {
    var convolutions: [NetworkDescription.Convolution] = []
    var vectorLayers: [NetworkDescription.VectorLayer] = []
    // What depends on a weight needs a gradient; the images do not.
    var hasGradient = Set<Value>()
    for node in nodes {
      let needsInputGradient = node.inputs.contains { hasGradient.contains($0) }
      if let kind = node.vectorKind {
        vectorLayers.append(
          NetworkDescription.VectorLayer(
            name: node.name, kind: kind,
            inputElements: node.inputs.reduce(0) { $0 + map($1).count },
            outputElements: map(node.output).count))
      }
      if case .convolution(let convolution) = node.layer {
        convolutions.append(
          NetworkDescription.Convolution(
            name: node.name, geometry: convolution.geometry,
            needsInputGradient: needsInputGradient, prunable: convolution.prunable))
      }
      if needsInputGradient || node.hasParameters { hasGradient.insert(node.output) }
    }
    return NetworkDescription(
      name: name, batch: batch, convolutions: convolutions, vectorLayers: vectorLayers)
  }
}

extension Network.Node {
  fileprivate var vectorKind: NetworkDescription.VectorLayer.Kind? {
    switch layer {
    case .batchNorm: inputs.count > 1 ? .batchNormWithResidual : .batchNorm
    case .activation: .activation
    case .pooling, .globalAveragePool: .pooling
    case .add: .add
    case .dropout: .dropout
    case .convolution, .flatten: nil
    }
  }

  fileprivate var hasParameters: Bool {
    switch layer {
    case .convolution, .batchNorm: true
    case .activation, .pooling, .globalAveragePool, .add, .flatten, .dropout: false
    }
  }
}
