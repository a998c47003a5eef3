// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

extension Network {
  /// The network as a model of a processor sees it.
  ///
  /// - Parameters:
  ///   - batch: images of a training step.
  ///   - optimizer: what updates the weights.
  public func description(
    batch: Int, optimizer: NetworkDescription.Optimizer? = nil
  ) -> NetworkDescription {
    var convolutions: [NetworkDescription.Convolution] = []
    var vectorLayers: [NetworkDescription.VectorLayer] = []
    // What depends on a weight needs a gradient; the images do not.
    var hasGradient = Set<Value>()
    // The layer that makes each value; what only changes the layout makes nothing.
    var makers: [Value: [String]] = [input: []]
    for node in nodes {
      let reads = node.inputs.flatMap { makers[$0] ?? [] }
      makers[node.output] = node.layer is Flatten ? reads : [node.name]
      let needsInputGradient = node.inputs.contains { hasGradient.contains($0) }
      if let kind = node.layer.vectorKind(inputs: node.inputs.count) {
        vectorLayers.append(
          NetworkDescription.VectorLayer(
            name: node.name, kind: kind,
            inputElements: node.inputs.reduce(0) { $0 + map($1).count },
            outputElements: map(node.output).count, reads: reads))
      }
      if let convolution = node.layer as? Convolution {
        convolutions.append(
          NetworkDescription.Convolution(
            name: node.name, geometry: convolution.geometry,
            needsInputGradient: needsInputGradient, prunable: convolution.prunable, reads: reads))
      }
      if needsInputGradient || node.layer.parameterCount(map(node.output)) > 0 {
        hasGradient.insert(node.output)
      }
    }
    return NetworkDescription(
      name: name, batch: batch, convolutions: convolutions, vectorLayers: vectorLayers,
      optimizer: optimizer)
  }
}
