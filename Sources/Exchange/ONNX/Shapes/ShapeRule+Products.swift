// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Matrix products.
  static let products: [String: ShapeRule] = [
    "MatMul": matrixProduct(1), "MatMulInteger": matrixProduct(1),
    "QLinearMatMul": matrixProduct(3),
    "Gemm": gemm,
    "Einsum": ShapeRule { node throws(Unsupported) in
      let sums = try EinsteinSum(node)
      return [sums.output]
    },
    "Attention": ShapeRule { node throws(Unsupported) in
      // Queries, keys and values: as many outputs as queries, as wide as values.
      var shape = try node.shape(0)
      let values = try node.shape(2)
      guard shape.count > 2, values.count == shape.count, let last = values.last else {
        throw Unsupported("queries of \(shape) and values of \(values)")
      }
      if shape.count == 4 { shape[3] = last }
      return [shape]
    },
  ]

  private static func matrixProduct(_ second: Int) -> ShapeRule {
    ShapeRule { node throws(Unsupported) in
      let (first, second) = (try node.shape(0), try node.shape(second))
      let left = first.count == 1 ? [1] + first : first
      let right = second.count == 1 ? second + [1] : second
      guard left.count > 1, right.count > 1, left[left.count - 1] == right[right.count - 2] else {
        throw Unsupported("multiplies \(first) and \(second)")
      }
      var shape = try broadcastShape(Array(left.dropLast(2)), Array(right.dropLast(2)))
      if first.count > 1 { shape.append(left[left.count - 2]) }
      if second.count > 1 { shape.append(right[right.count - 1]) }
      return [shape]
    }
  }

  static let gemm = ShapeRule { node throws(Unsupported) in
    let (first, second) = (try node.shape(0), try node.shape(1))
    let (turnsFirst, turnsSecond) = (
      try node.integer("transA", 0) != 0, try node.integer("transB", 0) != 0
    )
    guard first.count == 2, second.count == 2,
      first[turnsFirst ? 0 : 1] == second[turnsSecond ? 1 : 0]
    else { throw Unsupported("multiplies \(first) and \(second)") }
    return [[first[turnsFirst ? 1 : 0], second[turnsSecond ? 0 : 1]]]
  }
}

/// A sum of products over named axes, as `bij,bjk->bik`.
struct EinsteinSum {
  /// The sizes of the result.
  let output: [Int]
  /// Products that it sums.
  let products: Int

  init(_ node: NodeFacts) throws(Unsupported) {
    let equation = (node.text("equation") ?? "").filter { !$0.isWhitespace }
    let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
    guard !equation.contains("."), sides.count <= 2, let first = sides.first else {
      throw Unsupported("the equation '\(equation)'")
    }
    let left = first.hasSuffix("-") ? first.dropLast() : first
    let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
    let shapes = try node.allShapes()
    guard terms.count == shapes.count, zip(terms, shapes).allSatisfy({ $0.count == $1.count })
    else { throw Unsupported("the equation '\(equation)' for values of \(shapes)") }
    var sizes: [Character: Int] = [:]
    var uses: [Character: Int] = [:]
    for (letter, size) in zip(terms.joined(), shapes.joined()) {
      uses[letter, default: 0] += 1
      if let known = sizes[letter], known != 1 {
        guard size == known || size == 1 else {
          throw Unsupported("the equation '\(equation)' for values of \(shapes)")
        }
      } else {
        sizes[letter] = size
      }
    }
    let result =
      sides.count == 2 ? Array(sides[1]) : uses.filter { $0.value == 1 }.map(\.key).sorted()
    var output: [Int] = []
    for letter in result {
      guard let size = sizes[letter] else { throw Unsupported("the equation '\(equation)'") }
      output.append(size)
    }
    self.output = output
    products = try checkedCount(Array(sizes.values))
  }
}
