// SPDX-License-Identifier: Apache-2.0

import Tensor

/// How the window of a convolution or pooling moves over the axes of a map.
struct MovingWindow {
  /// Sizes of the map.
  let map: [Int]
  /// The window along each axis of the map.
  let axes: [WindowAxis]

  /// The window of a node on a map of these sizes.
  init(_ node: NodeFacts, kernel: [Int], map: [Int], isTransposed: Bool = false)
    throws(Unsupported)
  {
    let rank = map.count
    let sizes = 1...1 << 20
    guard kernel.count == rank, kernel.allSatisfy({ sizes.contains($0) }) else {
      throw Unsupported("a kernel of \(kernel) on a map of \(map)")
    }
    func list(_ name: String, count: Int, _ standard: Int, least: Int) throws(Unsupported) -> [Int]
    {
      guard let values = try node.list(name) else {
        return Array(repeating: standard, count: count)
      }
      guard values.count == count, values.allSatisfy({ (least...1 << 20).contains($0) }) else {
        throw Unsupported("\(name) \(values.prefix(8)), not \(count) numbers from \(least)")
      }
      return values
    }
    let strides = try list("strides", count: rank, 1, least: 1)
    let dilations = try list("dilations", count: rank, 1, least: 1)
    if let stated = try node.list("kernel_shape"), stated != kernel {
      throw Unsupported("a kernel_shape \(stated.prefix(8)) other than its weights' \(kernel)")
    }
    let pads: [Int]
    switch node.text("auto_pad") ?? "NOTSET" {
    case "NOTSET", "": pads = try list("pads", count: 2 * rank, 0, least: 0)
    case "VALID": pads = Array(repeating: 0, count: 2 * rank)
    case let word where word == "SAME_UPPER" || word == "SAME_LOWER":
      let wholes = (0..<rank).map { axis in
        let reach = (kernel[axis] - 1) * dilations[axis] + 1
        // As many outputs as strides fit into the map, rounded up; the other way round, stride
        // outputs for each position.
        if isTransposed { return max(0, reach - strides[axis]) }
        let outputs = (map[axis] + strides[axis] - 1) / strides[axis]
        return max(0, (outputs - 1) * strides[axis] + reach - map[axis])
      }
      let less = wholes.map { $0 / 2 }
      let more = wholes.map { $0 - $0 / 2 }
      pads = word == "SAME_UPPER" ? less + more : more + less
    case let word: throw Unsupported("auto_pad '\(word)'")
    }
    self.map = map
    axes = (0..<rank).map {
      WindowAxis(
        kernel: kernel[$0], stride: strides[$0], dilation: dilations[$0], paddingBefore: pads[$0],
        paddingAfter: pads[rank + $0])
    }
  }

  /// The sizes of the map written.
  func outputs(roundsUp: Bool = false) throws(Unsupported) -> [Int] {
    var outputs: [Int] = []
    for (size, axis) in zip(map, axes) {
      guard var count = axis.outputs(size) else {
        throw Unsupported("windows of \(axes.map(\.kernel)) on a map of \(map)")
      }
      // A last window that the map does not fill, unless it holds padding alone.
      let room = size + axis.paddingBefore + axis.paddingAfter - axis.reach
      if roundsUp, room % axis.stride > 0, count * axis.stride < size + axis.paddingBefore {
        count += 1
      }
      outputs.append(count)
    }
    return outputs
  }
}
