// SPDX-License-Identifier: Apache-2.0
import Exchange

extension Model {
  /// Weights, biases, scales, shifts and running statistics in the names and shapes of torchvision
  /// (see `Network.exchangeNames`); pruned weights are zeros.
  public func exportedArrays() -> [NamedArray] {
    let names = network.exchangeNames
    return zip(layers, network.nodes).flatMap { layer, node in
      let prefix = (names[node.name] ?? node.name) + "."
      var arrays = layer.tensors.map {
        NamedArray(name: prefix + $0.suffix, shape: $0.shape, values: $0.values())
      }
      if let bias = network.addedBias(node) {
        arrays.append(
          NamedArray(
            name: prefix + bias.suffix, shape: bias.shape,
            values: [Float](repeating: 0, count: bias.shape[0])))
      }
      return arrays
    }
  }
}
