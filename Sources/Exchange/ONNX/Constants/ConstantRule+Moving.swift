// SPDX-License-Identifier: Apache-2.0

extension ConstantRule {
  /// Operations that move, repeat or leave out values.
  static let moving: [String: ConstantRule] = [
    "Reshape": reshape, "Flatten": reshape, "Squeeze": reshape, "Unsqueeze": reshape,
    "Transpose": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      let strides = TensorValues.strides(values.shape)
      let order = try node.facts.permutation(of: values.shape.count)
      return [values.walked(node.output, strides: order.map { strides[$0] })]
    },
    "Expand": ConstantRule { node throws(Unsupported) in
      [try node.input(0).broadcast(to: node.output)]
    },
    "Slice": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      if node.output.contains(0) { return [values.picking([], shape: node.output)] }
      let strides = TensorValues.strides(values.shape)
      let slices = try node.facts.slice(of: values.shape)
      let offset = zip(slices, strides).reduce(0) { $0 + $1.0.first * $1.1 }
      let steps = zip(slices, strides).map { $0.step * $1 }
      return [values.walked(node.output, strides: steps, from: offset)]
    },
    "Split": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      let strides = TensorValues.strides(values.shape)
      let axis = try node.facts.axis(node.facts.integer("axis", 0), of: values.shape.count)
      var first = 0
      return node.outputs.map { shape in
        defer { first += shape[axis] }
        return values.walked(shape, strides: strides, from: first * strides[axis])
      }
    },
    "Concat": ConstantRule { node throws(Unsupported) in [try concatenation(node)] },
    "Gather": ConstantRule { node throws(Unsupported) in
      let (values, indices) = (try node.input(0), try node.input(1))
      let axis = try node.facts.axis(node.facts.integer("axis", 0), of: values.shape.count)
      let size = values.shape[axis]
      let outer = values.shape[..<axis].reduce(1, *)
      let inner = values.shape[(axis + 1)...].reduce(1, *)
      var places: [Int] = []
      for row in 0..<outer {
        for index in indices.integers ?? [] {
          guard (-size..<size).contains(index) else {
            throw Unsupported("takes \(index) of \(size)")
          }
          let first = (row * size + (index < 0 ? index + size : index)) * inner
          places += first..<first + inner
        }
      }
      return [values.picking(places, shape: node.output)]
    },
    "Tile": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      // Each axis as two: its repeats, which do not move, and its positions.
      let repeats = zip(node.output, values.shape).map { $1 == 0 ? 0 : $0 / $1 }
      let shape = zip(repeats, values.shape).flatMap { [$0, $1] }
      let strides = TensorValues.strides(values.shape).flatMap { [0, $0] }
      return [values.walked(shape, strides: strides).reshaped(node.output)]
    },
    "Pad": ConstantRule { node throws(Unsupported) in [try padded(node)] },
    // Of inference; its mask is of no constant's.
    "Dropout": ConstantRule { node throws(Unsupported) in [try node.input(0)] },
    "ScatterND": ConstantRule { node throws(Unsupported) in [try scattered(node)] },
  ]

  private static let reshape = ConstantRule { node throws(Unsupported) in
    [try node.input(0).reshaped(node.output)]
  }

  /// Slices of the first input replaced by those of the third, at the places in the second.
  private static func scattered(_ node: ConstantNode) throws(Unsupported) -> TensorValues {
    let (values, indices, updates) = (
      try node.input(0), try node.input(1), try node.input(2)
    )
    guard node.facts.text("reduction") ?? "none" == "none", let places = indices.integers,
      let depth = indices.shape.last, (1...max(1, values.shape.count)).contains(depth),
      updates.count * depth == places.count * values.shape.dropFirst(depth).reduce(1, *)
    else { throw Unsupported("a ScatterND that reduces, or of sizes that do not fit") }
    let strides = TensorValues.strides(values.shape)
    let inner = values.shape.dropFirst(depth).reduce(1, *)
    // Places among the values, and behind them among the updates.
    var sources = Array(0..<values.count)
    for slice in 0..<places.count / depth {
      var first = 0
      for axis in 0..<depth {
        let (size, place) = (values.shape[axis], places[slice * depth + axis])
        guard (-size..<size).contains(place) else { throw Unsupported("takes \(place) of \(size)") }
        first += (place < 0 ? place + size : place) * strides[axis]
      }
      for offset in 0..<inner { sources[first + offset] = values.count + slice * inner + offset }
    }
    let count = [values.count + updates.count]
    if let own = values.integers, let new = updates.integers {
      return TensorValues(own + new, shape: count, element: values.element)
        .picking(sources, shape: values.shape)
    }
    return TensorValues(values.reals + updates.reals, shape: count, element: values.element)
      .picking(sources, shape: values.shape)
  }

  private static func concatenation(_ node: ConstantNode) throws(Unsupported) -> TensorValues {
    let axis = try node.facts.axis(node.facts.integer("axis", 1), of: node.output.count)
    // All in one row, then the places of each piece in the order of the result.
    var all: [TensorValues] = []
    for index in node.inputs.indices { all.append(try node.input(index)) }
    let starts = all.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    let outer = node.output[..<axis].reduce(1, *)
    let lengths = all.map { $0.shape[axis...].reduce(1, *) }
    var places: [Int] = []
    places.reserveCapacity(starts[all.count])
    for row in 0..<outer {
      for (piece, length) in lengths.enumerated() {
        let first = starts[piece] + row * length
        places += first..<first + length
      }
    }
    return joined(all).picking(places, shape: node.output)
  }

  private static func padded(_ node: ConstantNode) throws(Unsupported) -> TensorValues {
    let values = try node.input(0)
    guard (node.facts.text("mode") ?? "constant") == "constant" else {
      throw Unsupported("a padding of constants other than with one value")
    }
    let padding = try node.facts.padding(of: values.shape)
    let fill =
      node.facts.has(2)
      ? try node.input(2) : TensorValues([0.0], shape: [1], element: values.element)
    guard fill.count == 1 else { throw Unsupported("\(fill.count) values to pad with") }
    // The value to pad with is the last of the row.
    let row = joined([values, fill])
    let strides = TensorValues.strides(values.shape)
    var places = [0]
    for axis in values.shape.indices {
      var next: [Int] = []
      for place in places {
        for position in 0..<node.output[axis] {
          let source = position - padding[axis].before
          let isInside = place >= 0 && (0..<values.shape[axis]).contains(source)
          next.append(isInside ? place + source * strides[axis] : -1)
        }
      }
      places = next
    }
    return row.picking(places.map { $0 < 0 ? values.count : $0 }, shape: node.output)
  }

  /// The values of several in one row.
  private static func joined(_ all: [TensorValues]) -> TensorValues {
    let element = all.first?.element ?? .float32
    let integers = all.compactMap(\.integers)
    if integers.count == all.count {
      let row = Array(integers.joined())
      return TensorValues(row, shape: [row.count], element: element)
    }
    let row = all.flatMap(\.reals)
    return TensorValues(row, shape: [row.count], element: element)
  }
}
