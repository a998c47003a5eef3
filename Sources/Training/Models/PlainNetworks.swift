// SPDX-License-Identifier: Apache-2.0
import Tensor

/// LeNet-5 (LeCun et al. 1998) with ReLU and max pooling.
func leNet5(input: MapShape, classes: Int, width: Double) throws(NetworkError) -> Network {
  var network = Network(name: "lenet5", input: input)
  // Images of 28x28 are padded to the 32x32 that the network was made for.
  let padding = input.height < 32 ? 2 : 0
  var x = try network.convolution(
    "conv1", network.input, filters: scaled(6, by: width), kernel: 5, padding: padding, bias: true,
    prunable: false)
  x = try network.activation("relu1", x)
  x = try network.pool("pool1", x, .max, size: 2)
  x = try network.convolution("conv2", x, filters: scaled(16, by: width), kernel: 5, bias: true)
  x = try network.activation("relu2", x)
  x = try network.pool("pool2", x, .max, size: 2)
  x = try network.linear("fc1", x, outputs: scaled(120, by: width))
  x = try network.activation("relu3", x)
  x = try network.linear("fc2", x, outputs: scaled(84, by: width))
  x = try network.activation("relu4", x)
  try network.linear("fc3", x, outputs: classes, prunable: false)
  return network
}

/// A multilayer perceptron with two hidden layers of 512 units.
func multilayerPerceptron(input: MapShape, classes: Int, width: Double) throws(NetworkError)
  -> Network
{
  var network = Network(name: "mlp", input: input)
  var x = network.input
  for layer in 1...2 {
    x = try network.linear("fc\(layer)", x, outputs: scaled(512, by: width))
    x = try network.activation("relu\(layer)", x)
  }
  try network.linear("fc3", x, outputs: classes, prunable: false)
  return network
}

/// VGG-16 (Simonyan and Zisserman 2015) with batch normalisation. Images below 64x64 get the single
/// classifier that is usual for them, larger ones the three linear layers with dropout.
func vgg16Network(input: MapShape, classes: Int, width: Double) throws(NetworkError) -> Network {
  var network = Network(name: "vgg16", input: input)
  var x = network.input
  var index = 0
  for (stage, filters) in [
    [64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512],
  ]
  .enumerated() {
    for count in filters {
      index += 1
      x = try network.convolution(
        "conv\(index)", x, filters: scaled(count, by: width), kernel: 3, padding: 1,
        prunable: index > 1)
      x = try network.batchNorm("bn\(index)", x, activation: .relu)
    }
    x = try network.pool("pool\(stage + 1)", x, .max, size: 2)
  }
  if input.height >= 64 {
    for layer in 1...2 {
      x = try network.linear("fc\(layer)", x, outputs: scaled(4096, by: width))
      x = try network.activation("relu\(layer)", x)
      x = try network.dropout("dropout\(layer)", x, probability: 0.5)
    }
  }
  try network.linear("fc", x, outputs: classes, prunable: false)
  return network
}
