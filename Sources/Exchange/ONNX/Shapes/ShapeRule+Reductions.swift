// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Operations that make one value of several.
  static let reductions: [String: ShapeRule] = {
    var table: [String: ShapeRule] = [:]
    for name in reducing {
      table[name] = ShapeRule { node throws(Unsupported) in
        let shape = try node.shape(0)
        let axes = Set(try node.reducedAxes(of: shape.count))
        let keeps = try node.integer("keepdims", 1) != 0
        return [
          shape.indices.compactMap { axes.contains($0) ? (keeps ? 1 : nil) : shape[$0] }
        ]
      }
    }
    for name in ["ArgMax", "ArgMin"] {
      table[name] = ShapeRule { node throws(Unsupported) in
        var shape = try node.shape(0)
        let axis = try node.axis(node.integer("axis", 0), of: shape.count)
        if try node.integer("keepdims", 1) != 0 { shape[axis] = 1 } else { shape.remove(at: axis) }
        return [shape]
      }
    }
    table["TopK"] = ShapeRule { node throws(Unsupported) in
      var shape = try node.shape(0)
      let axis = try node.axis(node.integer("axis", -1), of: shape.count)
      guard let count = try node.list("k", input: 1)?.first, (0...shape[axis]).contains(count)
      else { throw Unsupported("a number of values that is not known before the network runs") }
      shape[axis] = count
      return [shape, shape]
    }
    return table
  }()

  /// Reductions over axes.
  static let reducing: Set<String> = [
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
  ]
}

extension NodeFacts {
  /// The axes of a reduction; all of them where none are given.
  func reducedAxes(of rank: Int) throws(Unsupported) -> [Int] {
    guard let list = try list("axes", input: 1), !list.isEmpty else {
      return try integer("noop_with_empty_axes", 0) != 0 ? [] : Array(0..<rank)
    }
    return try axes(list, of: rank)
  }
}
