// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The networks that come with the engine.
public enum ModelName: String, Sendable, Codable, CaseIterable {
  /// LeNet-5.
  case lenet5
  /// Two hidden layers of 512 units.
  case mlp
  /// ResNet-20 for small images.
  case resnet20
  /// ResNet-32 for small images.
  case resnet32
  /// ResNet-56 for small images.
  case resnet56
  /// ResNet-18; the stem follows the size of the images.
  case resnet18
  /// ResNet-34; the stem follows the size of the images.
  case resnet34
  /// ResNet-50; the stem follows the size of the images.
  case resnet50
  /// VGG-16 with batch normalisation.
  case vgg16
  /// MobileNetV2.
  case mobilenetv2

  /// The network for images of a size.
  ///
  /// - Parameter width: multiplies the number of filters (units) of every layer.
  /// - Throws: `NetworkError` when the images are too small.
  public func network(input: MapShape, classes: Int, width: Double = 1) throws(NetworkError)
    -> Network
  {
    // Below 64x64 a stem that divides the map by four would leave too little.
    let stem: ResNet.Stem = input.height < 64 ? .cifar : .imageNet
    func small(_ blocks: Int) throws(NetworkError) -> Network {
      try ResNet.small(
        name: rawValue, blocks: blocks, input: input, classes: classes, width: width)
    }
    func large(_ stages: [Int], bottleneck: Bool) throws(NetworkError) -> Network {
      try ResNet.large(
        name: rawValue, stages: stages, bottleneck: bottleneck, stem: stem, input: input,
        classes: classes, width: width)
    }
    return switch self {
    case .lenet5: try leNet5(input: input, classes: classes, width: width)
    case .mlp: try multilayerPerceptron(input: input, classes: classes, width: width)
    case .resnet20: try small(3)
    case .resnet32: try small(5)
    case .resnet56: try small(9)
    case .resnet18: try large([2, 2, 2, 2], bottleneck: false)
    case .resnet34: try large([3, 4, 6, 3], bottleneck: false)
    case .resnet50: try large([3, 4, 6, 3], bottleneck: true)
    case .vgg16: try vgg16Network(input: input, classes: classes, width: width)
    case .mobilenetv2: try mobileNetV2(input: input, classes: classes, width: width)
    }
  }
}
