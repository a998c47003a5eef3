// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Operations that put values together, take some, or repeat them.
  static let pieces: [String: ShapeRule] = [
    "Concat": ShapeRule { node throws(Unsupported) in
      let shapes = try node.allShapes()
      var shape = shapes[0]
      let axis = try node.axis(node.integer("axis", 1), of: shape.count)
      for other in shapes.dropFirst() {
        guard other.count == shape.count,
          shape.indices.allSatisfy({ $0 == axis || other[$0] == shape[$0] })
        else { throw Unsupported("joins \(shape) and \(other)") }
        shape[axis] += other[axis]
      }
      return [shape]
    },
    "Split": ShapeRule { node throws(Unsupported) in
      var shape = try node.shape(0)
      let axis = try node.axis(node.integer("axis", 0), of: shape.count)
      return try node.splitSizes(of: shape[axis]).map { size in
        shape[axis] = size
        return shape
      }
    },
    "Slice": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      return [try node.slice(of: shape).map(\.count)]
    },
    "Gather": ShapeRule { node throws(Unsupported) in
      let (shape, indices) = (try node.shape(0), try node.shape(1))
      let axis = try node.axis(node.integer("axis", 0), of: shape.count)
      return [shape[..<axis] + indices + shape[(axis + 1)...]]
    },
    "GatherElements": ShapeRule { node throws(Unsupported) in [try node.shape(1)] },
    "GatherND": ShapeRule { node throws(Unsupported) in
      let (shape, indices) = (try node.shape(0), try node.shape(1))
      let batch = try node.integer("batch_dims", 0)
      guard let length = indices.last, batch >= 0, batch < indices.count,
        batch + length <= shape.count, length >= 0
      else { throw Unsupported("indices of \(indices) for \(shape)") }
      return [indices.dropLast() + shape[(batch + length)...]]
    },
    "Pad": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      return [zip(shape, try node.padding(of: shape)).map { $0 + $1.before + $1.after }]
    },
    "Tile": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      guard let repeats = try node.list("repeats", input: 1), repeats.count == shape.count,
        repeats.allSatisfy({ (0...1 << 40).contains($0) }), shape.allSatisfy({ $0 < 1 << 22 })
      else { throw Unsupported("repeats that do not fit a value of \(shape)") }
      return [zip(shape, repeats).map { $0 * $1 }]
    },
    "Expand": ShapeRule { node throws(Unsupported) in
      guard let wanted = try node.list("shape", input: 1) else {
        throw Unsupported("no shape is given")
      }
      return [try broadcastShape(node.shape(0), wanted)]
    },
    "Resize": resize, "Upsample": resize,
    "GridSample": ShapeRule { node throws(Unsupported) in
      let (shape, grid) = (try node.shape(0), try node.shape(1))
      guard shape.count > 2, grid.count == shape.count else {
        throw Unsupported("a grid of \(grid) for \(shape)")
      }
      return [Array(shape[..<2] + grid[1..<(grid.count - 1)])]
    },
    "OneHot": ShapeRule { node throws(Unsupported) in
      guard let depth = node.integers(1)?.first, (0...1 << 40).contains(depth) else {
        throw Unsupported("a depth that is not known before the network runs")
      }
      var shape = try node.shape(0)
      let axis = try node.integer("axis", -1)
      let place = try node.axis(axis, of: shape.count + 1)
      shape.insert(depth, at: place)
      return [shape]
    },
    "CenterCropPad": ShapeRule { node throws(Unsupported) in
      var shape = try node.shape(0)
      guard let sizes = node.integers(1) else { throw Unsupported("sizes that are not known") }
      let axes = try node.axes(try node.list("axes") ?? Array(shape.indices), of: shape.count)
      guard sizes.count == axes.count else { throw Unsupported("\(sizes.count) sizes") }
      for (axis, size) in zip(axes, sizes) { shape[axis] = size }
      return [shape]
    },
  ]

  private static let resize = ShapeRule { node throws(Unsupported) in
    var shape = try node.shape(0)
    let axes = try node.axes(try node.list("axes") ?? Array(shape.indices), of: shape.count)
    if node.has(3) {
      guard let sizes = node.integers(3), sizes.count == axes.count else {
        throw Unsupported("sizes that are not known before the network runs")
      }
      for (axis, size) in zip(axes, sizes) { shape[axis] = size }
      return [shape]
    }
    // Scales are the second input of the oldest sets of operations, later the third.
    var scales: [Double]?
    if case .floats(let values)? = node.node.attributes["scales"] {
      scales = values.map { Double($0) }
    }
    guard let scales = scales ?? node.reals(node.has(2) ? 2 : 1), scales.count == axes.count else {
      throw Unsupported("scales that are not known before the network runs")
    }
    for (axis, scale) in zip(axes, scales) {
      let size = (Double(shape[axis]) * scale).rounded(.down)
      guard size >= 0, size < 0x1p40 else { throw Unsupported("scales \(scales)") }
      shape[axis] = Int(size)
    }
    return [shape]
  }
}

/// What a Slice takes along an axis.
struct AxisSlice {
  var first: Int
  var step: Int
  var count: Int
}

extension NodeFacts {
  /// What a Slice takes along every axis.
  func slice(of shape: [Int]) throws(Unsupported) -> [AxisSlice] {
    guard let starts = try list("starts", input: 1), let ends = try list("ends", input: 2),
      starts.count == ends.count, starts.count <= shape.count
    else { throw Unsupported("starts and ends that do not fit a value of \(shape)") }
    let given = try list("axes", input: 3) ?? Array(starts.indices)
    let axes = try axes(given, of: shape.count)
    let steps = try list("steps", input: 4) ?? Array(repeating: 1, count: starts.count)
    guard axes.count == starts.count, steps.count == starts.count,
      steps.allSatisfy({ $0 != 0 && $0 > -1 << 40 && $0 < 1 << 40 })
    else { throw Unsupported("axes \(given) and steps \(steps)") }
    var slices = shape.map { AxisSlice(first: 0, step: 1, count: $0) }
    for (place, axis) in axes.enumerated() {
      let (size, step) = (shape[axis], steps[place])
      func position(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        let fromStart = value < 0 ? max(value, -1 << 41) + size : value
        return min(max(fromStart, range.lowerBound), range.upperBound)
      }
      if size == 0 { continue }
      let range = step > 0 ? 0...size : -1...(size - 1)
      let (first, end) = (position(starts[place], range), position(ends[place], range))
      let length = step > 0 ? end - first : first - end
      slices[axis] = AxisSlice(
        first: first, step: step, count: max(0, (length + abs(step) - 1) / abs(step)))
    }
    return slices
  }

  /// The sizes of the pieces of a Split.
  func splitSizes(of size: Int) throws(Unsupported) -> [Int] {
    let sizes: [Int]
    if let given = try list("split", input: 1) {
      sizes = given
    } else {
      let count = try integer("num_outputs", node.outputs.count)
      guard count > 0, count <= 1 << 16 else { throw Unsupported("\(count) pieces") }
      let each = (size + count - 1) / count
      sizes = (0..<count).map { min(each, max(0, size - $0 * each)) }
    }
    guard sizes.allSatisfy({ (0...size).contains($0) }), sizes.reduce(0, +) == size else {
      throw Unsupported("pieces \(sizes.prefix(16)) of \(size)")
    }
    return sizes
  }

  /// Values before and behind each axis of a Pad.
  func padding(of shape: [Int]) throws(Unsupported) -> [(before: Int, after: Int)] {
    let given = try list("pads")
    guard let pads = given != nil ? given : try list("paddings", input: 1) else {
      throw Unsupported("no pads are given")
    }
    let axes = try axes(
      has(3) ? integers(3) ?? [] : Array(shape.indices), of: shape.count)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ abs($0) <= 1 << 24 }) else {
      throw Unsupported("pads \(pads.prefix(16)) for a value of \(shape)")
    }
    var padding = shape.map { _ in (before: 0, after: 0) }
    for (place, axis) in axes.enumerated() {
      padding[axis] = (pads[place], pads[axes.count + place])
    }
    return padding
  }
}
