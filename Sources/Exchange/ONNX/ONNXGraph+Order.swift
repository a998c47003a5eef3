// SPDX-License-Identifier: Apache-2.0
import Files

extension ONNXGraph {
  /// The nodes in an order in which each follows the makers of what it reads: the file's own order
  /// where it is one, as ONNX asks.
  ///
  /// - Parameter isInner: whether values of a graph around it may be read.
  /// - Throws: `InputError` for a value of two makers or of none, and for a cycle.
  func order(file: String, isInner: Bool = false) throws(InputError) -> [Int] {
    let makers = try makers(file: file)
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    for root in nodes.indices where states[root] == .new {
      // Depth first without recursion: a chain of nodes may be as long as the file.
      var path: [(node: Int, input: Int)] = [(root, 0)]
      states[root] = .open
      while let (node, input) = path.last {
        let inputs = nodes[node].inputs
        if input == inputs.count {
          states[node] = .done
          order.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].input += 1
        if inputs[input].isEmpty { continue }
        guard let maker = makers[inputs[input]] else {
          if isInner { continue }
          throw InputError(
            file: file, field: "node '\(nodes[node].label)' input",
            value: "'\(inputs[input])', which nothing makes",
            allowed: "inputs of the graph, initializers, outputs of nodes")
        }
        guard case .node(let before) = maker else { continue }
        switch states[before] {
        case .done: break
        case .new:
          states[before] = .open
          path.append((before, 0))
        case .open:
          throw InputError(
            file: file, field: "node '\(nodes[before].label)'", value: "a cycle through it",
            allowed: "nodes that do not read what they make")
        }
      }
    }
    return order
  }

  private enum Maker {
    case caller
    case constant
    case node(Int)
  }

  private func makers(file: String) throws(InputError) -> [String: Maker] {
    var makers: [String: Maker] = [:]
    func twice(_ name: String) -> InputError {
      InputError(
        file: file, field: "value '\(name)'", value: "two makers", allowed: "one maker")
    }
    for input in inputs where makers.updateValue(.caller, forKey: input.name) != nil {
      throw twice(input.name)
    }
    for (name, _) in constants {
      // An input with a constant of its name is a standard value, as old files have it.
      if case .constant = makers.updateValue(.constant, forKey: name) { throw twice(name) }
    }
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        if makers.updateValue(.node(index), forKey: output) != nil { throw twice(output) }
      }
    }
    return makers
  }
}
