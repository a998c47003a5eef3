// SPDX-License-Identifier: Apache-2.0
import Exchange

extension Model {
  /// Weights, biases, scales, shifts and running statistics in the names and shapes of torchvision
  /// (see `Network.exchangeNames`); pruned weights are zeros.
  public func exportedArrays() -> [NamedArray] {
    var values: [[Float]] = []
    for layer in layers {
      if let layer = layer as? ConvolutionLayer {
        values.append(layer.denseWeights)
        if let bias = layer.bias {
          values.append(bias.values.array())
        } else if network.addsConvolutionBiases {
          values.append([Float](repeating: 0, count: layer.geometry.filters))
        }
      } else if let layer = layer as? BatchNormLayer {
        values += [layer.gamma.values, layer.beta.values].map { $0.array() }
        values += [layer.runningMean, layer.runningVariance].map { $0.array() }
      }
    }
    return zip(network.exchangeShapes, values).map { entry, values in
      NamedArray(name: entry.name, shape: entry.shape, values: values)
    }
  }
}
