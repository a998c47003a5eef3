import Formats

extension Model {
  /// Weights, biases, scales, shifts and running statistics in the names and shapes of torchvision
  /// (see `Network.exchangeNames`); pruned weights are zeros.
  public func exportedArrays() -> [NamedArray] {
    let names = network.exchangeNames
    var arrays: [NamedArray] = []
    for (layer, node) in zip(layers, network.nodes) {
      let name = names[node.name] ?? node.name
      if let layer = layer as? ConvolutionLayer {
        arrays.append(
          NamedArray(
            name: name + ".weight", shape: Network.exchangeShape(layer.convolution),
            values: layer.denseWeights))
        if let bias = layer.bias {
          arrays.append(vector(name + ".bias", bias.values.array()))
        } else if network.name == ModelName.vgg16.rawValue {
          // vgg16_bn has biases that its norms undo.
          let zeros = [Float](repeating: 0, count: layer.geometry.filters)
          arrays.append(vector(name + ".bias", zeros))
        }
      } else if let layer = layer as? BatchNormLayer {
        arrays.append(vector(name + ".weight", layer.gamma.values.array()))
        arrays.append(vector(name + ".bias", layer.beta.values.array()))
        arrays.append(vector(name + ".running_mean", layer.runningMean.array()))
        arrays.append(vector(name + ".running_var", layer.runningVariance.array()))
      }
    }
    return arrays
  }

  private func vector(_ name: String, _ values: [Float]) -> NamedArray {
    NamedArray(name: name, shape: [values.count], values: values)
  }
}
