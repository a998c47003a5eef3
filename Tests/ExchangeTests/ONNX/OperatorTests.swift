// SPDX-License-Identifier: Apache-2.0
import Foundation
import HostileFiles
import Testing

@testable import Exchange

/// Single nodes with what ONNX Runtime makes of them; `make_operators.py` writes them.
@Suite("Shapes and constants of operators, as ONNX Runtime has them")
struct OperatorTests {
  /// A number or a truth value; what is too large for an integer is a real.
  private enum Number: Decodable {
    case integer(Int)
    case real(Double)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let truth = try? value.decode(Bool.self) {
        self = .integer(truth ? 1 : 0)
      } else if let integer = try? value.decode(Int.self) {
        self = .integer(integer)
      } else {
        self = .real(try value.decode(Double.self))
      }
    }

    var real: Double {
      switch self {
      case .integer(let value): Double(value)
      case .real(let value): value
      }
    }

    var integer: Int {
      switch self {
      case .integer(let value): value
      case .real(let value): Int(value)
      }
    }
  }

  private struct Array: Decodable {
    var shape: [Int]
    var type: Int
    var values: [Number]?

    var tensor: TensorValues? {
      guard let values, let element = ONNXGraph.Element(rawValue: type) else { return nil }
      return element.isFloat
        ? TensorValues(values.map(\.real), shape: shape, element: element)
        : TensorValues(values.map(\.integer), shape: shape, element: element)
    }
  }

  private enum Attribute: Decodable {
    case integer(Int)
    case real(Double)
    case integers([Int])
    case text(String)
    case tensor(Array)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let number = try? value.decode(Int.self) {
        self = .integer(number)
      } else if let number = try? value.decode(Double.self) {
        self = .real(number)
      } else if let list = try? value.decode([Int].self) {
        self = .integers(list)
      } else if let text = try? value.decode(String.self) {
        self = .text(text)
      } else {
        self = .tensor(try value.decode(Array.self))
      }
    }

    var attribute: ONNXGraph.Attribute {
      switch self {
      case .integer(let value): .int(value)
      case .real(let value): .float(Float(value))
      case .integers(let values): .ints(values)
      case .text(let word): .text(word)
      case .tensor(let array):
        .constant(.init(array.values?.map { Float($0.real) } ?? [], shape: array.shape))
      }
    }
  }

  private struct Case: Decodable {
    var op: String
    var attributes: [String: Attribute]
    var inputs: [Array?]
    var outputs: [Array]

    var node: ONNXGraph.Node {
      var node = ONNXGraph.Node(
        op, name: "node", domain: "",
        inputs: inputs.enumerated().map { $1 == nil ? "" : "i\($0)" },
        outputs: outputs.indices.map { "o\($0)" }, attributes: [:])
      node.attributes = attributes.mapValues(\.attribute)
      return node
    }
  }

  private func cases() throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: corpus("operators.json"))
  }

  private func facts(_ test: Case) -> NodeFacts {
    NodeFacts(
      node: test.node, shapes: test.inputs.map { $0?.shape },
      constants: test.inputs.map { $0?.tensor })
  }

  @Test("each output has the shape that ONNX Runtime makes")
  func shapes() throws {
    let cases = try cases()
    #expect(cases.count > 150)
    for (number, test) in cases.enumerated() {
      let rule = try #require(ShapeRule.of(test.node), "\(test.op)")
      let found = try rule.shapes(facts(test))
      #expect(
        Swift.Array(found.prefix(test.outputs.count)) == test.outputs.map(\.shape),
        "case \(number), \(test.op) \(test.attributes)")
    }
  }

  @Test("constants have the values that ONNX Runtime works out")
  func values() throws {
    var count = 0
    for (number, test) in try cases().enumerated()
    where test.outputs.allSatisfy({ $0.values != nil }) {
      let rule = try #require(ConstantRule.of(test.node), "\(test.op)")
      let facts = facts(test)
      let found = try rule.values(
        ConstantNode(facts: facts, inputs: facts.constants, outputs: test.outputs.map(\.shape)))
      for (values, expected) in zip(found, test.outputs) {
        let place = "case \(number), \(test.op) \(test.attributes)"
        #expect(
          values.shape == expected.shape && values.element.rawValue == expected.type, "\(place)")
        let wrong = zip(values.reals, expected.values ?? []).count { value, number in
          // Functions differ in the last places; all else is exact.
          let tolerance =
            test.op.hasSuffix("Normalization")
            ? 1e-5 : ["Exp", "Log", "Pow", "ReduceL2", "ReduceMean"].contains(test.op) ? 1e-6 : 0
          return !(abs(value - number.real) <= tolerance * abs(number.real))
        }
        #expect(wrong == 0 && values.count == expected.values?.count, "\(place): \(values.reals)")
        count += values.count
      }
    }
    #expect(count > 300)
  }
}
