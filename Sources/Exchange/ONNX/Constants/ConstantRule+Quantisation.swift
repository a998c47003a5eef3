// SPDX-License-Identifier: Apache-2.0

extension ConstantRule {
  /// Whole numbers for reals and back: `x = (q - zero) · scale`.
  static let quantisation: [String: ConstantRule] = [
    "DequantizeLinear": ConstantRule { node throws(Unsupported) in
      let (values, scale) = (try node.input(0), try node.input(1))
      let places = try node.scalePlaces(values.shape, scale: scale.shape)
      let scales = scale.reals
      let zeros = node.facts.has(2) ? try node.input(2).reals : scales.map { _ in 0 }
      guard zeros.count == scales.count else { throw Unsupported("\(zeros.count) zero points") }
      let reals = zip(values.reals, places).map { ($0 - zeros[$1]) * scales[$1] }
      return [TensorValues(reals, shape: values.shape, element: scale.element)]
    },
    "QuantizeLinear": ConstantRule { node throws(Unsupported) in
      let (values, scale) = (try node.input(0), try node.input(1))
      let places = try node.scalePlaces(values.shape, scale: scale.shape)
      let scales = scale.reals
      var type = ONNXGraph.Element(rawValue: try node.facts.integer("output_dtype", 2))
      var zeros = scales.map { _ in 0.0 }
      if node.facts.has(2) {
        type = try node.input(2).element
        zeros = try node.input(2).reals
      }
      guard zeros.count == scales.count, let type, let range = type.integerRange else {
        throw Unsupported("a quantisation to another type than whole numbers")
      }
      let integers = zip(values.reals, places).map { value, place in
        let number = (value / scales[place]).rounded(.toNearestOrEven) + zeros[place]
        return min(max(TensorValues.whole(number), range.lowerBound), range.upperBound)
      }
      return [TensorValues(integers, shape: values.shape, element: type)]
    },
  ]
}

extension ConstantNode {
  /// The scale of each value: one for all, one for each position of an axis, or one for each block of
  /// positions of an axis.
  fileprivate func scalePlaces(_ shape: [Int], scale: [Int]) throws(Unsupported) -> [Int] {
    let count = shape.reduce(1, *)
    if scale.reduce(1, *) == 1 { return Array(repeating: 0, count: count) }
    let axis = try facts.axis(facts.integer("axis", 1), of: shape.count)
    let block = try facts.integer("block_size", 0)
    let strides = TensorValues.strides(shape)
    guard block > 0 else {
      guard scale == [shape[axis]] else {
        throw Unsupported("scales of \(scale) along axis \(axis) of \(shape)")
      }
      return (0..<count).map { $0 / strides[axis] % shape[axis] }
    }
    var expected = shape
    expected[axis] = (shape[axis] - 1) / block + 1
    guard scale == expected else {
      throw Unsupported("scales of \(scale) in blocks of \(block) for \(shape)")
    }
    let own = TensorValues.strides(scale)
    return (0..<count).map { place in
      shape.indices.reduce(0) { sum, other in
        let position = place / strides[other] % shape[other]
        return sum + (other == axis ? position / block : position) * own[other]
      }
    }
  }
}
