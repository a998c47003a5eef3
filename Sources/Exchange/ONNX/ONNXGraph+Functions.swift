// SPDX-License-Identifier: Apache-2.0

import Files

extension ONNXGraph {
  /// An operation that the file defines by nodes: https://onnx.ai/onnx/repo-docs/IR.html#functions.
  struct Function: Sendable, Equatable {
    var name = ""
    var domain = ""
    /// Names of the values that a node of the operation gives and gets, in order.
    var inputs: [String] = []
    var outputs: [String] = []
    var nodes: [Node] = []
    /// Settings that a node of the operation may leave out.
    var defaults: [String: Attribute] = [:]
  }

  /// Nodes after functions are written out, at most.
  private static let mostExpandedNodes = 200_000
  private static let mostCalls = 32

  /// The graph with the nodes of functions in place of those that call them. Names of their values
  /// start with that of the calling node.
  ///
  /// - Throws: `InputError` for functions that call themselves and for too many nodes.
  func expanded(file: String) throws(InputError) -> ONNXGraph {
    if functions.isEmpty { return self }
    let known = Dictionary(
      functions.map { (Key(domain: $0.domain, name: $0.name), $0) }, uniquingKeysWith: { $1 })
    var graph = self
    graph.functions = []
    graph.nodes = []
    var calls = 0
    for node in nodes {
      try Self.expand(node, known, into: &graph.nodes, depth: 0, calls: &calls, file: file)
    }
    return graph
  }

  private struct Key: Hashable {
    var domain: String
    var name: String
  }

  private static func expand(
    _ node: Node, _ known: [Key: Function], into nodes: inout [Node], depth: Int,
    calls: inout Int, file: String
  ) throws(InputError) {
    calls += 1
    guard calls <= mostExpandedNodes, depth <= mostCalls else {
      throw InputError(
        file: file, field: "function '\(node.operation)'",
        value: depth > mostCalls ? "calls in calls" : "more nodes",
        allowed: "at most \(mostCalls) calls in each other and \(mostExpandedNodes) nodes")
    }
    guard let function = known[Key(domain: node.domain, name: node.operation)] else {
      nodes.append(node)
      return
    }
    let prefix = node.label + "/"
    var names: [String: String] = [:]
    for (index, name) in function.inputs.enumerated() {
      names[name] = index < node.inputs.count ? node.inputs[index] : ""
    }
    for (index, name) in function.outputs.enumerated() where index < node.outputs.count {
      // An output that is an input as well needs a node between them.
      if let input = names[name] {
        nodes.append(
          Node("Identity", name: prefix + name, inputs: [input], output: node.outputs[index]))
      } else if !node.outputs[index].isEmpty {
        names[name] = node.outputs[index]
      }
    }
    let settings = function.defaults.merging(node.attributes) { $1 }
    for inner in function.nodes {
      let renamed = inner.renamed(prefix: prefix, names: names, settings: settings)
      try expand(renamed, known, into: &nodes, depth: depth + 1, calls: &calls, file: file)
    }
  }
}

extension ONNXGraph.Node {
  /// The node with other names of values, and with settings of the caller where it refers to them.
  fileprivate func renamed(
    prefix: String, names: [String: String], settings: [String: ONNXGraph.Attribute]
  ) -> Self {
    func renamed(_ name: String) -> String { name.isEmpty ? "" : names[name] ?? prefix + name }
    var node = self
    // A node without a name is called after what it makes, here as anywhere.
    if !name.isEmpty { node.name = prefix + name }
    node.inputs = inputs.map(renamed)
    node.outputs = outputs.map(renamed)
    node.references = [:]
    for (name, reference) in references { node.attributes[name] = settings[reference] }
    for (name, attribute) in node.attributes {
      guard case .graph(var graph) = attribute else { continue }
      graph.nodes = graph.nodes.map {
        $0.renamed(prefix: prefix, names: names, settings: settings)
      }
      graph.constants = graph.constants.map { (renamed($0.name), $0.value) }
      graph.outputs = graph.outputs.map { ONNXGraph.Port(renamed($0.name), size: $0.size) }
      node.attributes[name] = .graph(graph)
    }
    return node
  }
}
