// SPDX-License-Identifier: Apache-2.0

import Foundation

extension ConstantRule {
  /// Operations on each value by itself.
  static let unary: [String: ConstantRule] = {
    var table: [String: ConstantRule] = [:]
    for (name, function) in realFunctions {
      table[name] = ConstantRule { node throws(Unsupported) in
        let values = try node.input(0)
        let results = values.reals.map(function)
        return [TensorValues(results, shape: values.shape, element: values.element)]
      }
    }
    for (name, functions) in bothFunctions {
      table[name] = ConstantRule { node throws(Unsupported) in
        let values = try node.input(0)
        if let integers = values.integers {
          let results = integers.map(functions.integer)
          return [TensorValues(results, shape: values.shape, element: values.element)]
        }
        let results = values.reals.map(functions.real)
        return [TensorValues(results, shape: values.shape, element: values.element)]
      }
    }
    table["Cast"] = ConstantRule { node throws(Unsupported) in
      let number = try node.facts.integer("to", 0)
      guard let type = ONNXGraph.Element(rawValue: number) else {
        throw Unsupported("a Cast to the type \(number)")
      }
      return [try node.input(0).converted(to: type)]
    }
    table["CastLike"] = ConstantRule { node throws(Unsupported) in
      [try node.input(0).converted(to: node.input(1).element)]
    }
    table["Clip"] = ConstantRule { node throws(Unsupported) in [try clipped(node)] }
    return table
  }()

  private static let realFunctions: [String: @Sendable (Double) -> Double] = [
    "Sqrt": { $0.squareRoot() }, "Exp": { exp($0) }, "Log": { log($0) },
    "Reciprocal": { 1 / $0 }, "Sigmoid": { 1 / (1 + exp(-$0)) }, "Tanh": { tanh($0) },
    "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) },
    "Round": { $0.rounded(.toNearestOrEven) }, "Erf": { erf($0) }, "Sin": { sin($0) },
    "Cos": { cos($0) }, "Softplus": { log(1 + exp($0)) },
  ]

  private static let bothFunctions:
    [String: (real: @Sendable (Double) -> Double, integer: @Sendable (Int) -> Int)] = [
      "Neg": ({ -$0 }, { 0 &- $0 }), "Abs": ({ abs($0) }, { $0 < 0 ? 0 &- $0 : $0 }),
      "Relu": ({ max(0, $0) }, { max(0, $0) }),
      "Sign": ({ $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }, { $0.signum() }),
      "Not": ({ $0 == 0 ? 1 : 0 }, { $0 == 0 ? 1 : 0 }), "Identity": ({ $0 }, { $0 }),
    ]

  private static func clipped(_ node: ConstantNode) throws(Unsupported) -> TensorValues {
    let values = try node.input(0)
    func bound(_ name: String, _ input: Int, _ standard: Double) throws(Unsupported) -> Double {
      if case .float(let value)? = node.facts.node.attributes[name] { return Double(value) }
      return node.facts.has(input) ? try node.input(input).reals.first ?? standard : standard
    }
    let (least, most) = (try bound("min", 1, -.infinity), try bound("max", 2, .infinity))
    if let integers = values.integers {
      let range = (least: TensorValues.whole(least), most: TensorValues.whole(most))
      let results = integers.map { min(max($0, range.least), range.most) }
      return TensorValues(results, shape: values.shape, element: values.element)
    }
    let results = values.reals.map { min(max($0, least), most) }
    return TensorValues(results, shape: values.shape, element: values.element)
  }
}
