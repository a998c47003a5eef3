// SPDX-License-Identifier: Apache-2.0

import Masks
import Tensor

/// Convolutions and linear layers; https://onnx.ai/onnx/operators defines each operation.
extension ONNXImport {
  mutating func addWeighted(_ node: NodeFacts) throws(Unsupported) {
    switch node.node.operation {
    case "Conv", "FusedConv": try addConvolution(node, weights: 1, zero: nil)
    case "ConvInteger": try addConvolution(node, weights: 1, zero: 3)
    case "QLinearConv": try addConvolution(node, weights: 3, zero: 5)
    case "ConvTranspose": try addTransposed(node)
    case "MatMulInteger": try addProduct(node, second: 1, zero: 3)
    case "QLinearMatMul": try addProduct(node, second: 3, zero: 5)
    case "QGemm": try addProduct(node, second: 3, zero: 5)
    default: try addProduct(node, second: 1, zero: nil)
    }
  }

  /// The weights in an input, which have to be constant.
  private func source(
    _ node: NodeFacts, _ input: Int, zero: Int?, isTransposed: Bool = false
  ) throws(Unsupported) -> Weights {
    guard node.has(input) else { throw Unsupported("no weights") }
    let name = node.node.inputs[input]
    guard values.constants[name] != nil else { throw Unsupported("computed weights") }
    let hasZero = zero.map { node.has($0) && values.constants[node.node.inputs[$0]] != nil }
    return Weights(
      name: name, zero: hasZero == true ? zero.map { node.node.inputs[$0] } : nil,
      isTransposed: isTransposed)
  }

  private mutating func addConvolution(_ node: NodeFacts, weights: Int, zero: Int?)
    throws(Unsupported)
  {
    let (input, kernels) = (try node.shape(0), try node.shape(weights))
    let window = try node.window(input: input, kernels: kernels)
    let source = try source(node, weights, zero: zero)
    let geometry = try geometry(
      input: input, filters: kernels[0], window, groups: node.integer("group", 1))
    try addConvolution(
      node.node, geometry, source, input: node.node.inputs[0], isLinear: false)
  }

  /// A transposed convolution has the geometry of the convolution whose gradient it is: that one reads
  /// the map that this one writes.
  private mutating func addTransposed(_ node: NodeFacts) throws(Unsupported) {
    let input = try node.shape(0)
    let (window, output) = try node.transposedWindow()
    let source = try source(node, 1, zero: nil)
    let geometry = try geometry(
      input: output, filters: input[1], window, groups: node.integer("group", 1))
    guard [geometry.output.height, geometry.output.width].suffix(input.count - 2) == input[2...]
    else { throw Unsupported("an output_padding of more than a stride") }
    try addConvolution(
      node.node, geometry, source, input: node.node.inputs[0], isLinear: false,
      isTransposed: true)
  }

  /// The geometry of a window over one or two axes of a map `[images][channels]…`.
  private func geometry(input: [Int], filters: Int, _ window: MovingWindow, groups: Int)
    throws(Unsupported) -> ConvolutionGeometry
  {
    guard window.axes.count <= 2 else {
      throw Unsupported("a convolution of \(window.axes.count) axes, not of one or two")
    }
    let isLine = window.axes.count == 1
    let vertical = isLine ? WindowAxis(kernel: 1) : window.axes[0]
    let horizontal = window.axes[window.axes.count - 1]
    var height = isLine ? 1 : input[2]
    guard input[0] % images == 0 else {
      throw Unsupported("\(input[0]) maps of \(images) images")
    }
    let maps = input[0] / images
    if maps > 1 {
      // Several maps of an image are one above the other where no kernel reaches from one to the next.
      guard vertical == WindowAxis(kernel: 1) else {
        throw Unsupported("\(maps) maps of an image, with kernels that reach over rows")
      }
      height *= maps
    }
    guard input.dropFirst().allSatisfy({ (1...1 << 24).contains($0) }), height <= 1 << 24,
      filters <= 1 << 24,
      let geometry = ConvolutionGeometry(
        input: MapShape(channels: input[1], height: height, width: input[input.count - 1]),
        filters: filters, vertical: vertical, horizontal: horizontal, groups: groups)
    else {
      throw Unsupported(
        "\(filters) kernels of \(window.axes.map(\.kernel)) on a map of \(input.dropFirst())")
    }
    return geometry
  }

  /// A product with a constant matrix: a 1x1 convolution over the axes between the first and the last.
  private mutating func addProduct(_ node: NodeFacts, second: Int, zero: Int?)
    throws(Unsupported)
  {
    let (left, right) = (try node.shape(0), try node.shape(second))
    let isGemm = node.node.operation.contains("Gemm")
    // The channels are the first axis of two, not the last.
    let isTurned = isGemm ? try node.integer("transA", 0) != 0 : false
    if isTurned, left.count != 2 { throw Unsupported("transA of \(left.count) axes") }
    if !isGemm, values.constants[node.node.inputs[0]] != nil,
      values.constants[node.node.inputs[second]] == nil
    {
      return try addProductFromLeft(node, second: second)
    }
    let isTransposed = isGemm ? try node.integer("transB", 0) == 0 : true
    // Axes of size one in front of a matrix have no effect.
    guard right.count >= 2, right.dropLast(2).allSatisfy({ $0 == 1 }),
      let channels = isTurned ? left.first : left.last
    else {
      throw Unsupported(
        values.constants[node.node.inputs[second]] == nil
          ? "a product of two computed values" : "weights of \(right.count) axes")
    }
    let matrix = Array(right.suffix(2))
    let source: Weights
    do throws(Unsupported) {
      source = try self.source(node, second, zero: zero, isTransposed: isTransposed)
    } catch {
      throw Unsupported("a product of two computed values")
    }
    try addLinear(
      node, channels: channels, filters: matrix[isTransposed ? 1 : 0],
      rows: isTurned ? left.suffix(1) : left.dropLast(),
      source, input: node.node.inputs[0])
  }

  /// `W·x`: the channels are the axis before the last.
  private mutating func addProductFromLeft(_ node: NodeFacts, second: Int) throws(Unsupported) {
    let (matrix, value) = (try node.shape(0), try node.shape(second))
    guard matrix.count == 2, value.count >= 2 else {
      throw Unsupported("weights of \(matrix.count) axes")
    }
    let source = try source(node, 0, zero: nil)
    let channels = value[value.count - 2]
    try addLinear(
      node, channels: channels, filters: matrix[0],
      rows: value.dropLast(2) + value.suffix(1), source, input: node.node.inputs[second])
  }

  private mutating func addLinear(
    _ node: NodeFacts, channels: Int, filters: Int, rows: [Int], _ source: Weights, input: String
  ) throws(Unsupported) {
    let count = try checkedCount(rows)
    guard count > 0, count % images == 0 else {
      throw Unsupported("\(count) rows of \(images) images")
    }
    // The last two axes are those of a plane; where the images are in them, the plane is one row.
    let pixels = count / images
    var width = rows.last ?? 1
    if rows.count < 2 || pixels % width != 0 { width = pixels }
    guard let height = Self.height(pixels: pixels, width: &width),
      (1...1 << 24).contains(channels), (1...1 << 24).contains(filters),
      let geometry = ConvolutionGeometry(
        input: MapShape(channels: channels, height: height, width: width), filters: filters,
        rows: 1, columns: 1)
    else { throw Unsupported("\(pixels) rows of \(channels) values for \(filters) filters") }
    try addConvolution(node.node, geometry, source, input: input, isLinear: true)
  }

  /// The height of a plane of so many pixels, in which no side is above 2^14: a wide row is folded.
  private static func height(pixels: Int, width: inout Int) -> Int? {
    let most = 1 << 14
    if width <= most, pixels / width <= most { return pixels / width }
    guard let height = (1...most).first(where: { pixels % $0 == 0 && pixels / $0 <= most }) else {
      return nil
    }
    width = pixels / height
    return height
  }
}
