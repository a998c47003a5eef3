// SPDX-License-Identifier: Apache-2.0
import Tensor

/// MobileNetV2 (Sandler et al. 2018): inverted residuals with depthwise convolutions. Images below
/// 64x64 are not halved by the stem and the second stage, as is usual for them.
func mobileNetV2(input: MapShape, classes: Int, width: Double) throws(NetworkError)
  -> Network
{
  // Expansion, filters, blocks, first stride.
  let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
  ]
  let small = input.height < 64
  func filters(_ count: Int) -> Int { divisibleByEight(Double(count) * width) }

  var network = Network(name: "mobilenetv2", input: input)
  var x = try network.convolution(
    "conv1", network.input, filters: filters(32), kernel: 3, stride: small ? 1 : 2, padding: 1,
    prunable: false)
  x = try network.batchNorm("bn1", x, activation: .relu6)
  var block = 0
  for (stage, (expansion, count, blocks, firstStride)) in stages.enumerated() {
    for index in 0..<blocks {
      block += 1
      let stride = index > 0 || (small && stage == 1) ? 1 : firstStride
      x = try network.invertedResidual(
        "block\(block)", x, expansion: expansion, filters: filters(count), stride: stride)
    }
  }
  x = try network.convolution("conv2", x, filters: max(1280, filters(1280)), kernel: 1)
  x = try network.batchNorm("bn2", x, activation: .relu6)
  x = try network.globalAveragePool("avgpool", x)
  x = try network.dropout("dropout", x, probability: 0.2)
  try network.linear("fc", x, outputs: classes, prunable: false)
  return network
}

/// The nearest multiple of eight that is not more than a tenth below (the paper's rule).
private func divisibleByEight(_ count: Double) -> Int {
  let rounded = max(8, Int(count + 4) / 8 * 8)
  return Double(rounded) < 0.9 * count ? rounded + 8 : rounded
}

extension Network {
  /// 1x1 expansion, 3x3 depthwise, 1x1 projection; a residual where the size stays.
  fileprivate mutating func invertedResidual(
    _ prefix: String, _ input: Value, expansion: Int, filters: Int, stride: Int
  ) throws(NetworkError) -> Value {
    let hidden = map(input).channels * expansion
    var x = input
    if expansion > 1 {
      x = try convolution(prefix + ".expand", x, filters: hidden, kernel: 1)
      x = try batchNorm(prefix + ".bn1", x, activation: .relu6)
    }
    // A depthwise filter is three lines: pruning it saves nothing and costs much.
    x = try convolution(
      prefix + ".depthwise", x, filters: hidden, kernel: 3, stride: stride, padding: 1,
      groups: hidden, prunable: false)
    x = try batchNorm(prefix + ".bn2", x, activation: .relu6)
    x = try convolution(prefix + ".project", x, filters: filters, kernel: 1)
    let residual = stride == 1 && map(input).channels == filters ? input : nil
    return try batchNorm(prefix + ".bn3", x, adding: residual)
  }
}
