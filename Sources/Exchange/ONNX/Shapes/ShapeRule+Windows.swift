// SPDX-License-Identifier: Apache-2.0

import Tensor

extension ShapeRule {
  /// Convolutions and poolings.
  static let windows: [String: ShapeRule] = [
    "Conv": convolution(weights: 1), "ConvInteger": convolution(weights: 1),
    "QLinearConv": convolution(weights: 3), "DeformConv": convolution(weights: 1),
    "ConvTranspose": ShapeRule { node throws(Unsupported) in [try node.transposedOutput()] },
    "MaxPool": pooling, "AveragePool": pooling, "LpPool": pooling,
    "GlobalAveragePool": global, "GlobalMaxPool": global, "GlobalLpPool": global,
    "MaxRoiPool": ShapeRule { node throws(Unsupported) in
      let (map, regions) = (try node.shape(0), try node.shape(1))
      guard map.count > 1, let count = regions.first, let sides = try node.list("pooled_shape")
      else { throw Unsupported("regions of unknown sizes") }
      return [[count, map[1]] + sides]
    },
    "RoiAlign": ShapeRule { node throws(Unsupported) in
      let (map, regions) = (try node.shape(0), try node.shape(1))
      guard map.count > 1, let count = regions.first else { throw Unsupported("no regions") }
      return [
        [count, map[1], try node.integer("output_height", 1), try node.integer("output_width", 1)]
      ]
    },
  ]

  static func convolution(weights: Int) -> ShapeRule {
    ShapeRule { node throws(Unsupported) in
      let (input, kernels) = (try node.shape(0), try node.shape(weights))
      let window = try node.window(input: input, kernels: kernels)
      return [[input[0], kernels[0]] + (try window.outputs())]
    }
  }

  static let pooling = ShapeRule { node throws(Unsupported) in
    let input = try node.shape(0)
    guard let kernel = try node.list("kernel_shape"), input.count == kernel.count + 2 else {
      throw Unsupported("a pooling without kernel_shape for a value of \(input)")
    }
    let window = try MovingWindow(node, kernel: kernel, map: Array(input[2...]))
    let output = input[..<2] + (try window.outputs(roundsUp: node.integer("ceil_mode", 0) != 0))
    return [Array(output), Array(output)]
  }

  static let global = ShapeRule { node throws(Unsupported) in
    let input = try node.shape(0)
    guard input.count > 2 else { throw Unsupported("no plane in a value of \(input)") }
    return [input[..<2] + Array(repeating: 1, count: input.count - 2)]
  }
}

extension NodeFacts {
  /// The window of a convolution.
  func window(input: [Int], kernels: [Int]) throws(Unsupported) -> MovingWindow {
    guard input.count > 2, kernels.count == input.count else {
      throw Unsupported("weights \(kernels) on a value of \(input)")
    }
    let groups = try integer("group", 1)
    guard groups > 0, groups <= 1 << 24, kernels[1] <= input[1], kernels[1] * groups == input[1]
    else {
      throw Unsupported(
        "\(groups) groups of \(kernels[1]) channels on a map of \(input[1]) channels")
    }
    guard kernels[0] > 0, kernels[0] % groups == 0 else {
      throw Unsupported("\(kernels[0]) filters in \(groups) groups")
    }
    return try MovingWindow(self, kernel: Array(kernels[2...]), map: Array(input[2...]))
  }

  /// The window of the convolution that a transposed one turns round, on the map that it writes.
  func transposedWindow() throws(Unsupported) -> (window: MovingWindow, output: [Int]) {
    let (input, kernels) = (try shape(0), try shape(1))
    guard input.count > 2, kernels.count == input.count, kernels[0] == input[1], kernels[1] > 0
    else { throw Unsupported("weights \(kernels) on a value of \(input)") }
    let groups = try integer("group", 1)
    guard (1...1 << 24).contains(groups), kernels[1] <= 1 << 24, input[1] % groups == 0 else {
      throw Unsupported("\(groups) groups of \(input[1]) channels")
    }
    let map = Array(input[2...])
    let extra = try list("output_padding") ?? Array(repeating: 0, count: map.count)
    guard extra.count == map.count, extra.allSatisfy({ (0...1 << 20).contains($0) }) else {
      throw Unsupported("output_padding \(extra.prefix(8))")
    }
    let given = try MovingWindow(self, kernel: Array(kernels[2...]), map: map, isTransposed: true)
    let stated = try list("output_shape")
    var sizes: [Int] = []
    var axes: [(before: Int, after: Int)] = []
    for (number, axis) in given.axes.enumerated() {
      let whole = axis.stride * (map[number] - 1) + extra[number] + axis.reach
      if let stated {
        guard stated.count >= map.count, case let size = stated[stated.count - map.count + number],
          (1...1 << 24).contains(size)
        else { throw Unsupported("output_shape \(stated.prefix(8))") }
        let padding = max(0, whole - size)
        let isUpper = text("auto_pad") == "SAME_UPPER"
        let before = isUpper ? padding / 2 : padding - padding / 2
        axes.append((before, padding - before))
        sizes.append(size)
      } else {
        axes.append((axis.paddingBefore, axis.paddingAfter))
        sizes.append(whole - axis.paddingBefore - axis.paddingAfter)
      }
    }
    guard sizes.allSatisfy({ $0 > 0 }) else { throw Unsupported("makes a map of \(sizes)") }
    let output = [input[0], kernels[1] * groups] + sizes
    return (MovingWindow(given, sizes: sizes, paddings: axes), output)
  }

  fileprivate func transposedOutput() throws(Unsupported) -> [Int] {
    try transposedWindow().output
  }
}

extension MovingWindow {
  /// The window over the map that a transposed convolution writes.
  ///
  /// The padding behind is what makes it have as many outputs as the transposed one has inputs.
  fileprivate init(_ given: MovingWindow, sizes: [Int], paddings: [(before: Int, after: Int)]) {
    map = sizes
    axes = given.axes.indices.map { number in
      let axis = given.axes[number]
      let read = axis.stride * (given.map[number] - 1) + axis.reach
      return WindowAxis(
        kernel: axis.kernel, stride: axis.stride, dilation: axis.dilation,
        paddingBefore: paddings[number].before,
        paddingAfter: max(0, read - sizes[number] - paddings[number].before))
    }
  }
}
