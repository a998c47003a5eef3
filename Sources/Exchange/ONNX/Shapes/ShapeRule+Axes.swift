// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Operations that change which axes there are, and no value.
  static let axes: [String: ShapeRule] = [
    "Flatten": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      let axis = try node.integer("axis", 1)
      guard (-shape.count...shape.count).contains(axis) else { throw Unsupported("axis \(axis)") }
      let split = axis < 0 ? axis + shape.count : axis
      return [[try checkedCount(Array(shape[..<split])), try checkedCount(Array(shape[split...]))]]
    },
    "Reshape": ShapeRule { node throws(Unsupported) in
      guard let wanted = try node.list("shape", input: 1) else {
        throw Unsupported("no shape is given")
      }
      return [
        try reshaped(node.shape(0), to: wanted, zeroIsSize: node.integer("allowzero", 0) != 0)
      ]
    },
    "Squeeze": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      guard let list = try node.list("axes", input: 1) else { return [shape.filter { $0 != 1 }] }
      let axes = Set(try node.axes(list, of: shape.count))
      guard axes.allSatisfy({ shape[$0] == 1 }) else {
        throw Unsupported("takes the axes \(list) out of \(shape)")
      }
      return [shape.indices.filter { !axes.contains($0) }.map { shape[$0] }]
    },
    "Unsqueeze": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      let list = try node.list("axes", input: 1) ?? []
      guard list.count <= 16 else { throw Unsupported("\(list.count) axes") }
      let rank = shape.count + list.count
      let axes = Set(try node.axes(list, of: rank))
      var rest = shape[...]
      return [(0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }]
    },
    "Transpose": ShapeRule { node throws(Unsupported) in
      let shape = try node.shape(0)
      let order = try node.permutation(of: shape.count)
      return [order.map { shape[$0] }]
    },
    "DepthToSpace": ShapeRule { node throws(Unsupported) in
      let (shape, side) = (try node.shape(0), try node.integer("blocksize", 1))
      guard shape.count == 4, (1...1 << 12).contains(side), shape[1] % (side * side) == 0 else {
        throw Unsupported("blocks of \(side) on a value of \(shape)")
      }
      return [[shape[0], shape[1] / (side * side), shape[2] * side, shape[3] * side]]
    },
    "SpaceToDepth": ShapeRule { node throws(Unsupported) in
      let (shape, side) = (try node.shape(0), try node.integer("blocksize", 1))
      guard shape.count == 4, (1...1 << 12).contains(side), shape[2] % side == 0,
        shape[3] % side == 0
      else { throw Unsupported("blocks of \(side) on a value of \(shape)") }
      return [[shape[0], shape[1] * side * side, shape[2] / side, shape[3] / side]]
    },
  ]

  /// The sizes that a Reshape asks for: 0 is the old size, -1 what is left.
  static func reshaped(_ shape: [Int], to wanted: [Int], zeroIsSize: Bool) throws(Unsupported)
    -> [Int]
  {
    let count = try checkedCount(shape)
    guard wanted.count <= 64 else { throw Unsupported("\(wanted.count) axes") }
    var sizes = wanted
    if !zeroIsSize {
      for axis in sizes.indices where sizes[axis] == 0 {
        guard axis < shape.count else { throw Unsupported("the shape \(wanted) for \(shape)") }
        sizes[axis] = shape[axis]
      }
    }
    let open = sizes.indices.filter { sizes[$0] == -1 }
    guard open.count <= 1, sizes.allSatisfy({ $0 >= -1 }) else {
      throw Unsupported("the shape \(wanted)")
    }
    if let open = open.first {
      sizes[open] = 1
      let rest = try checkedCount(sizes)
      guard rest > 0, count % rest == 0 else {
        throw Unsupported("the shape \(wanted) for \(count) values")
      }
      sizes[open] = count / rest
    }
    guard try checkedCount(sizes) == count else {
      throw Unsupported("the shape \(wanted) for \(count) values")
    }
    return sizes
  }
}

extension NodeFacts {
  /// The axes of a Transpose in their new order.
  func permutation(of rank: Int) throws(Unsupported) -> [Int] {
    let order = try list("perm") ?? Array((0..<rank).reversed())
    guard order.sorted() == Array(0..<rank) else {
      throw Unsupported("the order \(order.prefix(16)) of \(rank) axes")
    }
    return order
  }
}
