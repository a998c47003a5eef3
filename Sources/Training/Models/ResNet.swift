// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Residual networks (He et al. 2016).
public enum ResNet {
  /// The first layers.
  public enum Stem: String, Sendable, Codable {
    /// 3x3, stride 1: for images of 32x32.
    case cifar
    /// 7x7, stride 2, then max pooling 3x3, stride 2: for images of 224x224.
    case imageNet
  }

  /// ResNet-20/32/56 for small images: three stages of `blocks` basic blocks, 16, 32 and 64 filters.
  ///
  /// - Throws: `NetworkError` when the images are too small.
  public static func small(
    name: String, blocks: Int, input: MapShape, classes: Int, width: Double
  ) throws(NetworkError) -> Network {
    try network(
      name: name, stages: [blocks, blocks, blocks], filters: [16, 32, 64], bottleneck: false,
      stem: .cifar, input: input, classes: classes, width: width)
  }

  /// ResNet-18/34 (basic blocks) or ResNet-50 (bottlenecks): four stages from 64 filters up.
  ///
  /// - Throws: `NetworkError` when the images are too small.
  public static func large(
    name: String, stages: [Int], bottleneck: Bool, stem: Stem, input: MapShape, classes: Int,
    width: Double
  ) throws(NetworkError) -> Network {
    try network(
      name: name, stages: stages, filters: [64, 128, 256, 512], bottleneck: bottleneck, stem: stem,
      input: input, classes: classes, width: width)
  }

  private static func network(
    name: String, stages: [Int], filters: [Int], bottleneck: Bool, stem: Stem, input: MapShape,
    classes: Int, width: Double
  ) throws(NetworkError) -> Network {
    let filters = filters.map { scaled($0, by: width) }
    var network = Network(name: name, input: input)
    var x: Network.Value
    switch stem {
    case .cifar:
      x = try network.convolution(
        "conv1", network.input, filters: filters[0], kernel: 3, padding: 1, prunable: false)
      x = try network.batchNorm("bn1", x, activation: .relu)
    case .imageNet:
      x = try network.convolution(
        "conv1", network.input, filters: filters[0], kernel: 7, stride: 2, padding: 3,
        prunable: false)
      x = try network.batchNorm("bn1", x, activation: .relu)
      x = try network.pool("maxpool", x, .max, size: 3, stride: 2, padding: 1)
    }
    for (stage, blocks) in stages.enumerated() {
      for block in 0..<blocks {
        let stride = stage > 0 && block == 0 ? 2 : 1
        let prefix = "layer\(stage + 1).\(block)"
        x =
          bottleneck
          ? try network.bottleneckBlock(prefix, x, filters: filters[stage], stride: stride)
          : try network.basicBlock(prefix, x, filters: filters[stage], stride: stride)
      }
    }
    x = try network.globalAveragePool("avgpool", x)
    try network.linear("fc", x, outputs: classes, prunable: false)
    return network
  }
}

/// A number of filters times a width multiplier, rounded, at least 1.
func scaled(_ filters: Int, by width: Double) -> Int {
  max(1, Int((Double(filters) * width).rounded()))
}

extension Network {
  /// Two 3x3 convolutions around a shortcut.
  mutating func basicBlock(_ prefix: String, _ input: Value, filters: Int, stride: Int)
    throws(NetworkError) -> Value
  {
    var x = try convolution(
      prefix + ".conv1", input, filters: filters, kernel: 3, stride: stride, padding: 1)
    x = try batchNorm(prefix + ".bn1", x, activation: .relu)
    x = try convolution(prefix + ".conv2", x, filters: filters, kernel: 3, padding: 1)
    let residual = try shortcut(prefix, input, filters: filters, stride: stride)
    return try batchNorm(prefix + ".bn2", x, adding: residual, activation: .relu)
  }

  /// 1x1, 3x3, 1x1 convolutions around a shortcut; the last has four times the filters.
  mutating func bottleneckBlock(_ prefix: String, _ input: Value, filters: Int, stride: Int)
    throws(NetworkError) -> Value
  {
    var x = try convolution(prefix + ".conv1", input, filters: filters, kernel: 1)
    x = try batchNorm(prefix + ".bn1", x, activation: .relu)
    x = try convolution(
      prefix + ".conv2", x, filters: filters, kernel: 3, stride: stride, padding: 1)
    x = try batchNorm(prefix + ".bn2", x, activation: .relu)
    x = try convolution(prefix + ".conv3", x, filters: filters * 4, kernel: 1)
    let residual = try shortcut(prefix, input, filters: filters * 4, stride: stride)
    return try batchNorm(prefix + ".bn3", x, adding: residual, activation: .relu)
  }

  /// The input itself, or a 1x1 convolution where the size changes.
  private mutating func shortcut(_ prefix: String, _ input: Value, filters: Int, stride: Int)
    throws(NetworkError) -> Value
  {
    if stride == 1 && map(input).channels == filters { return input }
    let x = try convolution(
      prefix + ".downsample.0", input, filters: filters, kernel: 1, stride: stride,
      prunable: false)
    return try batchNorm(prefix + ".downsample.1", x)
  }
}
