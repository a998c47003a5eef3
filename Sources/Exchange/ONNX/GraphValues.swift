// SPDX-License-Identifier: Apache-2.0

/// What is known of the values of a graph before it runs: shapes, and constants.
///
/// Small constants, which shapes are made of, are computed immediately; large ones, which are weights,
/// when they are asked for.
struct GraphValues: Sendable {
  /// A constant.
  enum Constant: Sendable {
    /// One that the file gives.
    case given(ONNXGraph.Constant)
    /// One that has been worked out.
    case values(TensorValues)
    /// What a node makes of other constants, by its place in `nodes`.
    case computed(node: Int, output: Int)
    /// One whose values are not known, with the reason.
    case unknown(String)
  }

  /// Values of a constant that is computed immediately, at most.
  private static let mostSmall = 1024

  private(set) var shapes: [String: [Int]] = [:]
  private(set) var constants: [String: Constant] = [:]
  /// The nodes that make constants, each after those whose results it reads.
  private var nodes: [ONNXGraph.Node] = []
  /// Bytes of the constants that the file gives.
  private var givenBytes = 0

  /// Sets the size of a value.
  mutating func setShape(_ shape: [Int], of value: String) { shapes[value] = shape }

  /// Adds a constant of the file.
  mutating func add(_ constant: ONNXGraph.Constant, as name: String) {
    shapes[name] = constant.shape
    givenBytes += constant.bytes.count
    if constant.count <= Self.mostSmall, let values = TensorValues(constant) {
      constants[name] = .values(values)
    } else {
      constants[name] = .given(constant)
    }
  }

  /// Gives a value another name.
  mutating func alias(_ name: String, of value: String) {
    shapes[name] = shapes[value]
    constants[name] = constants[value]
  }

  /// The known shapes and values of a node's inputs.
  func facts(_ node: ONNXGraph.Node) -> NodeFacts {
    NodeFacts(
      node: node, shapes: node.inputs.map { $0.isEmpty ? nil : shapes[$0] },
      constants: node.inputs.map { small($0) })
  }

  private func small(_ name: String) -> TensorValues? {
    if case .values(let values)? = constants[name] { values } else { nil }
  }

  /// Works out the shapes of what a node makes, and its values where they are small and constant.
  mutating func infer(_ node: ONNXGraph.Node) throws(Unsupported) {
    if node.operation == "Constant", node.domain.isEmpty { return try addConstant(node) }
    guard let rule = ShapeRule.of(node) else { throw Unsupported("no rule for its operation") }
    let facts = facts(node)
    let found = try rule.shapes(facts)
    for (output, shape) in zip(node.outputs, found) where !output.isEmpty {
      guard let shape else { continue }
      _ = try checkedCount(shape)
      shapes[output] = shape
    }
    try addResults(of: node, facts)
  }

  /// Marks what a node makes as constants where it reads nothing else.
  private mutating func addResults(of node: ONNXGraph.Node, _ facts: NodeFacts)
    throws(Unsupported)
  {
    if node.domain.isEmpty, node.operation == "Shape" || node.operation == "Size" {
      let shape = try facts.shape(0)
      let values =
        node.operation == "Size"
        ? TensorValues([try checkedCount(shape)], shape: [])
        : TensorValues(
          Array(shape[try facts.shapeRange(of: shape.count)]),
          shape: [try facts.shapeRange(of: shape.count).count])
      if let output = node.outputs.first { constants[output] = .values(values) }
      return
    }
    let inputs = node.inputs.filter { !$0.isEmpty }
    guard !inputs.isEmpty, inputs.allSatisfy({ constants[$0] != nil }),
      !node.operation.hasPrefix("Random"), node.operation != "Bernoulli"
    else { return }
    let outputs = node.outputs.map { shapes[$0] ?? [] }
    guard let rule = ConstantRule.of(node) else {
      for output in node.outputs where !output.isEmpty {
        constants[output] = .unknown("the operation \(node.operation) on constants")
      }
      return
    }
    let known = facts.constants
    if outputs.allSatisfy({ $0.reduce(1, *) <= Self.mostSmall }),
      node.inputs.indices.allSatisfy({ node.inputs[$0].isEmpty || known[$0] != nil })
    {
      let results = try Self.run(
        rule, ConstantNode(facts: facts, inputs: known, outputs: outputs))
      for (output, values) in zip(node.outputs, results) where !output.isEmpty {
        constants[output] = .values(values)
      }
      return
    }
    nodes.append(node)
    for (index, output) in node.outputs.enumerated() where !output.isEmpty {
      constants[output] = .computed(node: nodes.count - 1, output: index)
    }
  }

  private mutating func addConstant(_ node: ONNXGraph.Node) throws(Unsupported) {
    guard let output = node.outputs.first else { return }
    let attributes = node.attributes
    if case .constant(let value)? = attributes["value"] ?? attributes["sparse_value"] {
      return add(value, as: output)
    }
    let values: TensorValues
    switch (
      attributes["value_ints"], attributes["value_int"], attributes["value_float"],
      attributes["value_floats"]
    ) {
    case (.ints(let list)?, _, _, _): values = TensorValues(list, shape: [list.count])
    case (_, .int(let number)?, _, _): values = TensorValues([number], shape: [])
    case (_, _, .float(let number)?, _):
      values = TensorValues([Double(number)], shape: [], element: .float32)
    case (_, _, _, .floats(let list)?):
      values = TensorValues(list.map { Double($0) }, shape: [list.count], element: .float32)
    default: throw Unsupported("a constant of another kind than numbers")
    }
    shapes[output] = values.shape
    constants[output] = .values(values)
  }

  private static func run(_ rule: ConstantRule, _ node: ConstantNode) throws(Unsupported)
    -> [TensorValues]
  {
    let results = try rule.values(node)
    for (values, shape) in zip(results, node.outputs)
    where values.shape != shape || values.count != shape.reduce(1, *) {
      throw Unsupported("values of \(values.shape), not of \(shape)")
    }
    return results
  }
}

// MARK: Large constants

extension GraphValues {
  /// Why the values of a constant are not known; nil where they are, or can be worked out.
  func lacking(_ name: String) -> String? {
    var open = [name]
    var seen = Set<String>()
    while let name = open.popLast() {
      guard seen.insert(name).inserted else { continue }
      switch constants[name] {
      case .given(let constant):
        if let file = constant.missing { return "\(file) is missing" }
        if constant.element == nil { return "'\(name)' is of a type that is not read" }
      case .values: break
      case .computed(let node, _): open += nodes[node].inputs.filter { !$0.isEmpty }
      case .unknown(let reason): return reason
      case nil: return "'\(name)' is not constant"
      }
    }
    return nil
  }

  /// The constant of the file that an expression is made of, by most values: `fc.weight` for its
  /// transpose.
  func origin(of name: String) -> String {
    var name = name
    for _ in 0...nodes.count {
      guard case .computed(let node, _)? = constants[name] else { break }
      let inputs = nodes[node].inputs.filter { !$0.isEmpty }
      func size(_ input: String) -> Int { shapes[input]?.reduce(1, *) ?? 0 }
      guard let largest = inputs.max(by: { size($0) < size($1) }) else { break }
      name = largest
    }
    return name
  }

  /// Values that expressions may make, so that a file of some bytes cannot ask for much memory.
  var budget: Int { (1 << 26) + 64 * givenBytes }

  /// The values of a constant.
  ///
  /// - Parameter budget: values that may be made on the way, less those that were.
  /// - Throws: `Unsupported` for one that is not known, and past the budget.
  func evaluate(_ name: String, budget: inout Int) throws(Unsupported) -> TensorValues {
    var results: [String: TensorValues] = [:]
    for place in try needed(for: name) {
      let node = nodes[place]
      guard let rule = ConstantRule.of(node) else { throw Unsupported("\(node.operation)") }
      var inputs: [TensorValues?] = []
      for input in node.inputs {
        inputs.append(input.isEmpty ? nil : try values(input, results))
      }
      let outputs = node.outputs.map { shapes[$0] ?? [] }
      budget -= outputs.reduce(0) { $0 + $1.reduce(1, *) }
      guard budget >= 0 else { throw Unsupported("more values than its constants give rise to") }
      let facts = NodeFacts(node: node, shapes: facts(node).shapes, constants: inputs)
      let made = try Self.run(rule, ConstantNode(facts: facts, inputs: inputs, outputs: outputs))
      for (output, values) in zip(node.outputs, made) { results[output] = values }
    }
    return try values(name, results)
  }

  private func values(_ name: String, _ results: [String: TensorValues]) throws(Unsupported)
    -> TensorValues
  {
    if let values = results[name] { return values }
    switch constants[name] {
    case .values(let values): return values
    case .given(let constant):
      if let values = TensorValues(constant) { return values }
    default: break
    }
    throw Unsupported("'\(name)' is not known")
  }

  /// The nodes that an expression needs, in order.
  private func needed(for name: String) throws(Unsupported) -> [Int] {
    var open = [name]
    var places = Set<Int>()
    while let name = open.popLast() {
      guard case .computed(let node, _)? = constants[name] else { continue }
      if places.insert(node).inserted { open += nodes[node].inputs.filter { !$0.isEmpty } }
    }
    return places.sorted()
  }
}
