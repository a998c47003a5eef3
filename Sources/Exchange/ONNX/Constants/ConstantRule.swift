// SPDX-License-Identifier: Apache-2.0

/// The values of a node's outputs, from constants alone.
struct ConstantRule {
  /// The values of the outputs, of the shapes that `ShapeRule` gives.
  let values: @Sendable (ConstantNode) throws(Unsupported) -> [TensorValues]

  init(_ values: @escaping @Sendable (ConstantNode) throws(Unsupported) -> [TensorValues]) {
    self.values = values
  }

  /// The rule of an operation; nil for one that is not worked out.
  static func of(_ node: ONNXGraph.Node) -> ConstantRule? {
    switch node.domain {
    case "": table[node.operation]
    case "com.microsoft": quantisation[node.operation]
    default: nil
    }
  }

  private static let table = [
    unary, binary, moving, making, reducing, normalisation, quantisation,
  ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}

/// A node all of whose inputs are constants, with their values.
struct ConstantNode {
  let facts: NodeFacts
  let inputs: [TensorValues?]
  /// The shapes of the outputs.
  let outputs: [[Int]]

  /// An input.
  func input(_ index: Int) throws(Unsupported) -> TensorValues {
    guard index < inputs.count, let values = inputs[index] else {
      throw Unsupported("values that are not known")
    }
    return values
  }

  /// The shape of the first output.
  var output: [Int] { outputs.first ?? [] }
}
