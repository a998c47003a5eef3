// SPDX-License-Identifier: Apache-2.0

import Foundation

extension ConstantRule {
  /// Operations on values of the same place; axes of one position are repeated.
  static let binary: [String: ConstantRule] = {
    var table: [String: ConstantRule] = [:]
    for (name, functions) in arithmetic {
      table[name] = ConstantRule { node throws(Unsupported) in
        var result = try node.input(0)
        for index in node.inputs.indices.dropFirst() {
          result = try combine(result, node.input(index), functions.real, functions.integer)
        }
        return [result]
      }
    }
    for (name, test) in comparisons {
      table[name] = ConstantRule { node throws(Unsupported) in
        let first = try node.input(0).broadcast(to: node.output).reals
        let second = try node.input(1).broadcast(to: node.output).reals
        let values = zip(first, second).map { test($0, $1) ? 1 : 0 }
        return [TensorValues(values, shape: node.output, element: .bool)]
      }
    }
    table["Where"] = ConstantRule { node throws(Unsupported) in [try chosen(node)] }
    return table
  }()

  private typealias RealFunction = @Sendable (Double, Double) -> Double
  /// Nil where there is no result, as for a division by zero.
  private typealias IntegerFunction = @Sendable (Int, Int) -> Int?

  private static let arithmetic: [String: (real: RealFunction, integer: IntegerFunction)] = [
    "Add": ({ $0 + $1 }, { $0 &+ $1 }), "Sum": ({ $0 + $1 }, { $0 &+ $1 }),
    "Sub": ({ $0 - $1 }, { $0 &- $1 }), "Mul": ({ $0 * $1 }, { $0 &* $1 }),
    "Div": ({ $0 / $1 }, { $1 == 0 ? nil : $0.dividedReportingOverflow(by: $1).partialValue }),
    "Min": ({ $0.isNaN || $1.isNaN ? .nan : min($0, $1) }, { min($0, $1) }),
    "Max": ({ $0.isNaN || $1.isNaN ? .nan : max($0, $1) }, { max($0, $1) }),
    "Pow": ({ pow($0, $1) }, { TensorValues.whole(pow(Double($0), Double($1))) }),
    "And": ({ $0 * $1 }, { $0 & $1 }), "Or": ({ max($0, $1) }, { $0 | $1 }),
    "Xor": ({ $0 == $1 ? 0 : 1 }, { $0 ^ $1 }), "BitwiseAnd": ({ _, _ in .nan }, { $0 & $1 }),
    "BitwiseOr": ({ _, _ in .nan }, { $0 | $1 }), "BitwiseXor": ({ _, _ in .nan }, { $0 ^ $1 }),
    "Mod": ({ fmod($0, $1) }, { modulo($0, $1) }),
  ]

  /// The rest of a division, of the divisor's sign.
  @Sendable private static func modulo(_ left: Int, _ right: Int) -> Int? {
    if right == 0 { return nil }
    let rest = left.remainderReportingOverflow(dividingBy: right).partialValue
    return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
  }

  private static let comparisons: [String: @Sendable (Double, Double) -> Bool] = [
    "Equal": { $0 == $1 }, "Greater": { $0 > $1 }, "GreaterOrEqual": { $0 >= $1 },
    "Less": { $0 < $1 }, "LessOrEqual": { $0 <= $1 },
  ]

  private static func combine(
    _ left: TensorValues, _ right: TensorValues, _ real: RealFunction, _ integer: IntegerFunction
  ) throws(Unsupported) -> TensorValues {
    let shape = try broadcastShape(left.shape, right.shape)
    let (first, second) = (left.broadcast(to: shape), right.broadcast(to: shape))
    if let first = first.integers, let second = second.integers {
      var values: [Int] = []
      values.reserveCapacity(first.count)
      for (one, other) in zip(first, second) {
        guard let value = integer(one, other) else { throw Unsupported("divides by zero") }
        values.append(value)
      }
      return TensorValues(values, shape: shape, element: left.element)
    }
    let values = zip(first.reals, second.reals).map { real($0, $1) }
    return TensorValues(values, shape: shape, element: left.element)
  }

  private static func chosen(_ node: ConstantNode) throws(Unsupported) -> TensorValues {
    let condition = try node.input(0).broadcast(to: node.output).reals
    let first = try node.input(1).broadcast(to: node.output)
    let second = try node.input(2).broadcast(to: node.output)
    if let one = first.integers, let other = second.integers {
      let values = condition.indices.map { condition[$0] != 0 ? one[$0] : other[$0] }
      return TensorValues(values, shape: node.output, element: first.element)
    }
    let (one, other) = (first.reals, second.reals)
    let values = condition.indices.map { condition[$0] != 0 ? one[$0] : other[$0] }
    return TensorValues(values, shape: node.output, element: first.element)
  }
}
