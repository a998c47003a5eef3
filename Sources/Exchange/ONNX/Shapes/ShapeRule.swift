// SPDX-License-Identifier: Apache-2.0

/// Why the output shapes of a node are not known: no rule for its operation, or inputs that do not fit.
struct Unsupported: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// The shapes of what a node makes, from what is known of what it reads.
///
/// Rules are those of https://onnx.ai/onnx/operators, in a table by operation; all sizes are known, that of
/// the batch too. Settings that newer sets of operations give as inputs are read from either place.
struct ShapeRule {
  /// The shapes of all outputs. An output of unknown size is left out or `nil`.
  let shapes: @Sendable (NodeFacts) throws(Unsupported) -> [[Int]?]

  init(_ shapes: @escaping @Sendable (NodeFacts) throws(Unsupported) -> [[Int]?]) {
    self.shapes = shapes
  }

  /// The rule of an operation of ONNX, or of one that ONNX Runtime adds.
  static func of(_ node: ONNXGraph.Node) -> ShapeRule? {
    switch node.domain {
    case "": table[node.operation]
    case "com.microsoft": runtimeTable[node.operation]
    default: nil
    }
  }

  private static let table = [elementwise, windows, axes, pieces, reductions, products, misc]
    .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// The shape of the first input.
  static let same = ShapeRule { node throws(Unsupported) in [try node.shape(0)] }
}

/// A node with what is known of its inputs.
struct NodeFacts {
  let node: ONNXGraph.Node
  /// Shapes of the inputs; nil for an unknown one and for one that is not given.
  let shapes: [[Int]?]
  /// Values of the inputs that are small constants.
  let constants: [TensorValues?]

  /// Whether an input is given.
  func has(_ input: Int) -> Bool { input < node.inputs.count && !node.inputs[input].isEmpty }

  /// Whole numbers of an input that is a small constant.
  func integers(_ input: Int) -> [Int]? { has(input) ? constants[input]?.integers : nil }

  /// Reals of an input that is a small constant.
  func reals(_ input: Int) -> [Double]? { has(input) ? constants[input]?.reals : nil }

  /// The shape of an input.
  func shape(_ input: Int) throws(Unsupported) -> [Int] {
    guard has(input) else { throw Unsupported("input \(input) is not given") }
    guard let shape = shapes[input] else { throw Unsupported("an input of unknown size") }
    return shape
  }

  /// The shapes of all inputs that are given.
  func allShapes() throws(Unsupported) -> [[Int]] {
    var all: [[Int]] = []
    for input in node.inputs.indices where has(input) { all.append(try shape(input)) }
    guard !all.isEmpty else { throw Unsupported("no inputs") }
    return all
  }

  /// A number among the attributes.
  func integer(_ name: String, _ standard: Int) throws(Unsupported) -> Int {
    guard let attribute = node.attributes[name] else { return standard }
    guard case .int(let value) = attribute else {
      throw Unsupported("\(name) that is no whole number")
    }
    return value
  }

  /// Numbers among the attributes, or in an input; nil where neither is given.
  func list(_ name: String, input: Int? = nil) throws(Unsupported) -> [Int]? {
    switch node.attributes[name] {
    case .ints(let values): return values
    case .int(let value): return [value]
    case nil: break
    default: throw Unsupported("\(name) other than whole numbers")
    }
    guard let input, has(input) else { return nil }
    guard let values = integers(input) else {
      throw Unsupported("\(name) that are not known before the network runs")
    }
    return values
  }

  /// A word among the attributes.
  func text(_ name: String) -> String? {
    if case .text(let word)? = node.attributes[name] { word } else { nil }
  }

  /// An axis of so many, counted from the end if negative.
  func axis(_ axis: Int, of rank: Int) throws(Unsupported) -> Int {
    guard rank > 0, (-rank..<rank).contains(axis) else {
      throw Unsupported("axis \(axis) of \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes of so many, counted from the end if negative.
  func axes(_ list: [Int], of rank: Int) throws(Unsupported) -> [Int] {
    var axes: [Int] = []
    for number in list { axes.append(try axis(number, of: rank)) }
    guard Set(axes).count == axes.count else { throw Unsupported("axes \(list)") }
    return axes
  }
}

/// The shape of two that are combined value by value: axes of one position are repeated.
func broadcastShape(_ first: [Int], _ second: [Int]) throws(Unsupported) -> [Int] {
  let rank = max(first.count, second.count)
  var shape: [Int] = []
  for axis in 0..<rank {
    let sizes = [first, second].map { sizes in
      let place = axis - rank + sizes.count
      return place < 0 ? 1 : sizes[place]
    }
    guard sizes[0] == sizes[1] || sizes.contains(1) else {
      throw Unsupported("combines \(first) and \(second)")
    }
    shape.append(sizes[0] == 1 ? sizes[1] : sizes[0])
  }
  return shape
}

/// The number of values of a shape.
///
/// - Throws: `Unsupported` above 2^40.
func checkedCount(_ shape: [Int]) throws(Unsupported) -> Int {
  guard shape.count <= 64, shape.allSatisfy({ $0 >= 0 }) else {
    throw Unsupported("makes a value of \(shape.prefix(64))")
  }
  if shape.contains(0) { return 0 }
  var product = 1
  for size in shape {
    guard size <= 1 << 40 / product else { throw Unsupported("makes a value of \(shape)") }
    product *= size
  }
  return product
}
