// SPDX-License-Identifier: Apache-2.0

extension ConstantRule {
  /// Operations that make values from sizes, and products.
  static let making: [String: ConstantRule] = [
    "ConstantOfShape": ConstantRule { node throws(Unsupported) in
      let still = node.output.map { _ in 0 }
      guard case .constant(let given)? = node.facts.node.attributes["value"] else {
        let zero = TensorValues([0.0], shape: [1], element: .float32)
        return [zero.walked(node.output, strides: still)]
      }
      guard let value = TensorValues(given), value.count == 1 else {
        throw Unsupported("a value that is not one number")
      }
      return [value.walked(node.output, strides: still)]
    },
    "Range": ConstantRule { node throws(Unsupported) in
      let (start, step) = (try node.input(0), try node.input(2))
      let count = node.output[0]
      if let first = start.integers?.first, let step = step.integers?.first {
        let values = (0..<count).map { first &+ $0 &* step }
        return [TensorValues(values, shape: [count], element: start.element)]
      }
      guard let first = start.reals.first, let step = step.reals.first else {
        throw Unsupported("a range without a start")
      }
      let values = (0..<count).map { first + Double($0) * step }
      return [TensorValues(values, shape: [count], element: start.element)]
    },
    "MatMul": ConstantRule { node throws(Unsupported) in
      let (left, right) = (try node.input(0), try node.input(1))
      guard left.shape.count == 2, right.shape.count == 2 else {
        throw Unsupported("a product of constants of more than two axes")
      }
      return [try product(left, right)]
    },
    "Trilu": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      guard values.shape.count > 1, let columns = values.shape.last else {
        throw Unsupported("no matrix")
      }
      let rows = values.shape[values.shape.count - 2]
      let diagonal = node.facts.has(1) ? try node.input(1).integers?.first ?? 0 : 0
      let isUpper = try node.facts.integer("upper", 1) != 0
      // The value behind all others is the zero of what is cut off.
      let places = (0..<values.count).map { place in
        let distance = place % columns - place / columns % rows
        return (isUpper ? distance >= diagonal : distance <= diagonal) ? place : values.count
      }
      if let integers = values.integers {
        let row = TensorValues(integers + [0], shape: [values.count + 1], element: values.element)
        return [row.picking(places, shape: values.shape)]
      }
      let row = TensorValues(
        values.reals + [0], shape: [values.count + 1], element: values.element)
      return [row.picking(places, shape: values.shape)]
    },
  ]

  /// Multiplications of a product of constants, at most.
  private static let mostProducts = 1 << 30

  /// The product of two matrices.
  private static func product(_ left: TensorValues, _ right: TensorValues) throws(Unsupported)
    -> TensorValues
  {
    let (rows, inner, columns) = (left.shape[0], left.shape[1], right.shape[1])
    guard try checkedCount([rows, inner, columns]) <= mostProducts else {
      throw Unsupported("a product of constants of more than \(mostProducts) multiplications")
    }
    let (first, second) = (left.reals, right.reals)
    var sums = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for place in 0..<inner {
        let factor = first[row * inner + place]
        for column in 0..<columns {
          sums[row * columns + column] += factor * second[place * columns + column]
        }
      }
    }
    return TensorValues(sums, shape: [rows, columns], element: left.element)
  }
}
