// SPDX-License-Identifier: Apache-2.0

import Masks

/// A training step, or a forward pass, as operations that read and write tensors in the DRAM.
///
/// A convolution's raw output y is stored once. What follows it element by element (normalisation,
/// residual, activation, dropout) is made of stored tensors while they stream in for whoever multiplies
/// the result, and what needs no statistics of the batch is made while results stream out. A value of
/// several tensors is stored when it is first made. Convolutions that read one value run together.
/// Backward, an operation streams in the gradient of its outputs, rebuilds the gradient of y from it and y,
/// and rebuilds its input; on the way out the gradient of the input is masked by the activation that
/// made the input.
struct StepGraph {
  /// What a tensor holds, which decides how many bits a value takes.
  enum Kind: String, Codable {
    case images
    /// A raw output of a convolution.
    case stash
    /// What convolutions multiply; zeros may be packed.
    case activation
    /// A gradient; zeros may be packed.
    case gradient
    /// Which value of a pooling window was the largest.
    case index
  }

  struct Tensor {
    var name: String
    /// Values of the whole batch.
    var elements: Int
    var kind: Kind
    /// Sparsity: the fraction of values that are zero.
    var zeros: Double
  }

  struct Operation {
    enum Kind: String, Codable { case forward, backward, vector }

    var name: String
    var kind: Kind
    /// Layers of the workload, by number, and their passes.
    var passes: [(layer: Int, pass: Pass)] = []
    /// Tensors from which the operand of the forward pass is made; backward, the layer's input.
    var inputs: [Int] = []
    /// Backward: tensors from which the gradient of the outputs is made.
    var gradients: [Int] = []
    /// Backward: tensors that are needed on the way out besides.
    var others: [Int] = []
    var writes: [Int] = []

    /// All tensors read, each once.
    var reads: [Int] { unique(gradients + inputs + others) }
  }

  private(set) var tensors: [Tensor] = []
  private(set) var operations: [Operation] = []
  /// Operations up to here are the forward pass.
  private(set) var forwardCount = 0

  /// The operations of a step; nil when the description does not say what the layers read.
  init?(_ workload: Workload, isInference: Bool, fusesBackward: Bool) {
    guard let nodes = DataflowNode.ordered(workload) else { return nil }
    var builder = Builder(workload: workload, nodes: nodes, isInference: isInference)
    builder.forward()
    forwardCount = builder.operations.count
    if !isInference { builder.backward(fused: fusesBackward) }
    (tensors, operations) = (builder.tensors, builder.operations)
  }
}

/// Each number once, in the order in which it comes first.
private func unique(_ numbers: [Int]) -> [Int] {
  var seen = Set<Int>()
  return numbers.filter { seen.insert($0).inserted }
}

private struct Builder {
  let workload: Workload
  let nodes: [DataflowNode]
  let isInference: Bool
  var tensors: [StepGraph.Tensor] = []
  var operations: [StepGraph.Operation] = []
  /// The tensor that holds what a node makes.
  private var stored: [Int: Int] = [:]
  private var images: Int?
  /// Whether what a node makes depends on weights.
  private var isTrained: [Bool] = []
  /// Tensors that hold the complete gradient of a node, and parts of it.
  private var gradient: [Int: [Int]] = [:]
  private var partial: [Int: [Int]] = [:]
  /// What each forward operation consumed and where its outputs are: for the way back.
  private var sources: [(input: Int, makers: [Int], index: Int?)] = []

  init(workload: Workload, nodes: [DataflowNode], isInference: Bool) {
    self.workload = workload
    self.nodes = nodes
    self.isInference = isInference
    for node in nodes {
      isTrained.append(
        node.layer != nil || node.isNormalisation
          || node.inputs.contains { $0 >= 0 && isTrained[$0] })
    }
  }

  // MARK: Nodes

  private func consumers(_ node: Int) -> [Int] {
    node < 0 ? nodes.indices.filter { nodes[$0].inputs.contains(-1) } : nodes[node].consumers
  }

  private func needsStatistics(_ node: Int) -> Bool { !isInference && nodes[node].isNormalisation }

  /// Whether a convolution or pooling reads what a node makes.
  private func isConsumed(_ node: Int) -> Bool {
    consumers(node).contains { !nodes[$0].isElementwise }
  }

  /// Sparsity of a node's output: what was observed where a convolution reads it.
  private func zeros(_ node: Int) -> Double {
    for consumer in consumers(node) {
      if let layer = nodes[consumer].layer { return workload.layers[layer].inputSparsity }
    }
    return node >= 0 && nodes[node].mayActivate ? 0.5 : 0
  }

  private func dependsOnWeights(_ node: Int) -> Bool { node >= 0 && isTrained[node] }

  private mutating func tensor(
    _ name: String, elements: Int, _ kind: StepGraph.Kind, zeros: Double = 0
  ) -> Int {
    tensors.append(
      StepGraph.Tensor(
        name: name, elements: elements * workload.batch, kind: kind, zeros: zeros))
    return tensors.count - 1
  }

  private func elements(_ node: Int) -> Int {
    node < 0 ? workload.layers[0].geometry.input.count : nodes[node].elements
  }

  private func name(_ node: Int) -> String { node < 0 ? "images" : nodes[node].name }

  /// The stored tensors of which a node's output is made.
  private mutating func tensors(of node: Int) -> [Int] {
    if node < 0 {
      let found = images ?? tensor("images", elements: elements(-1), .images)
      images = found
      return [found]
    }
    var all: [Int] = []
    var seen = Set<Int>()
    var left = [node]
    while let next = left.popLast() {
      if !seen.insert(next).inserted { continue }
      if next < 0 {
        all += tensors(of: -1)
      } else if let tensor = stored[next] {
        all.append(tensor)
      } else {
        left += nodes[next].inputs.reversed()
      }
    }
    return unique(all)
  }

  /// Raw outputs behind a node that a normalisation of the batch reads: their sums with the gradient
  /// are added up when it leaves.
  private func normalised(_ node: Int) -> [Int] {
    var all: [Int] = []
    var seen = Set<[Int]>()
    var left = [(node: node, isBehind: false)]
    while let (next, isBehind) = left.popLast() {
      if next < 0 || !seen.insert([next, isBehind ? 1 : 0]).inserted { continue }
      if nodes[next].layer != nil {
        if isBehind, let raw = stored[next] { all.append(raw) }
      } else if nodes[next].isElementwise {
        // A value with a gradient of its own sums for itself.
        left += nodes[next].inputs.reversed().filter {
          !($0 >= 0 && nodes[$0].isElementwise && isConsumed($0))
        }.map { ($0, isBehind || needsStatistics(next)) }
      }
    }
    return unique(all)
  }

  // MARK: Forward

  mutating func forward() {
    var done = Set<Int>()
    for node in nodes.indices where !done.contains(node) {
      if nodes[node].layer != nil {
        let input = nodes[node].inputs[0]
        let siblings = consumers(input).filter { nodes[$0].layer != nil }
        done.formUnion(siblings)
        convolutions(siblings, of: input)
      } else if !nodes[node].isElementwise {
        pooling(node)
      } else if consumers(node).isEmpty, stored[node] == nil {
        var operation = StepGraph.Operation(name: nodes[node].name, kind: .vector)
        operation.inputs = tensors(of: node)
        let made = tensor(nodes[node].name, elements: elements(node), .activation)
        stored[node] = made
        operation.writes = [made]
        operations.append(operation)
        sources.append((input: node, makers: [], index: nil))
      }
    }
  }

  /// Reads what makes up a value; a value of several tensors that is needed again is written.
  private mutating func read(_ node: Int, into operation: inout StepGraph.Operation, by users: Int)
  {
    operation.inputs = tensors(of: node)
    if node < 0 || operation.inputs.count < 2 || stored[node] != nil { return }
    if isInference && consumers(node).count <= users { return }
    let value = tensor(name(node), elements: elements(node), .activation, zeros: zeros(node))
    stored[node] = value
    operation.writes.append(value)
  }

  private mutating func convolutions(_ siblings: [Int], of input: Int) {
    var operation = StepGraph.Operation(
      name: siblings.map { nodes[$0].name }.joined(separator: " + "), kind: .forward)
    read(input, into: &operation, by: siblings.count)
    for node in siblings {
      if let layer = nodes[node].layer { operation.passes.append((layer, .forward)) }
      // What follows and needs no statistics is made on the way out.
      var end = node
      while let next = onlyConsumer(end), nodes[next].isElementwise, !needsStatistics(next) {
        let others = nodes[next].inputs.filter { $0 != end }
        if !others.allSatisfy(isMade) { break }
        for other in others { operation.others += tensors(of: other) }
        end = next
      }
      let isRaw = end == node && consumers(node).contains { nodes[$0].isElementwise }
      let made =
        isRaw
        ? tensor(name(node) + ".y", elements: elements(node), .stash)
        : tensor(name(end), elements: elements(end), .activation, zeros: zeros(end))
      stored[end] = made
      operation.writes.append(made)
    }
    operations.append(operation)
    sources.append((input: input, makers: siblings, index: nil))
  }

  private func onlyConsumer(_ node: Int) -> Int? {
    let all = consumers(node)
    return all.count == 1 ? all[0] : nil
  }

  private func isMade(_ node: Int) -> Bool {
    var seen = Set<Int>()
    var left = [node]
    while let next = left.popLast() {
      if next < 0 || stored[next] != nil || !seen.insert(next).inserted { continue }
      if !nodes[next].isElementwise { return false }
      left += nodes[next].inputs
    }
    return true
  }

  private mutating func pooling(_ node: Int) {
    let input = nodes[node].inputs[0]
    var operation = StepGraph.Operation(name: nodes[node].name, kind: .vector)
    read(input, into: &operation, by: 1)
    let made = tensor(name(node), elements: elements(node), .activation, zeros: zeros(node))
    stored[node] = made
    operation.writes.append(made)
    var index: Int?
    // Where windows are whole planes the pooling is a mean; others may be of the maximum.
    if !isInference, elements(input) <= 16 * elements(node) {
      let found = tensor(name(node) + ".index", elements: elements(node), .index)
      operation.writes.append(found)
      index = found
    }
    operations.append(operation)
    sources.append((input: input, makers: [node], index: index))
  }

  // MARK: Backward

  mutating func backward(fused: Bool) {
    var left = [Int: Int]()
    for (input, makers, _) in sources where !makers.isEmpty { left[input, default: 0] += 1 }
    for (number, (input, makers, index)) in sources.enumerated().reversed() {
      if makers.isEmpty { continue }
      left[input, default: 1] -= 1
      let isLast = left[input] == 0
      if nodes[makers[0]].layer != nil {
        backwardConvolutions(makers, of: input, isLast: isLast, fused: fused)
      } else if dependsOnWeights(input) {
        backwardPooling(makers[0], of: input, index: index, isLast: isLast, forward: number)
      }
    }
  }

  /// The tensors of which the gradient of a node's output is made.
  private mutating func gradients(of node: Int) -> [Int] {
    if let known = gradient[node] { return known }
    if consumers(node).isEmpty {
      let loss = tensor(name(node) + ".gradient", elements: elements(node), .gradient)
      gradient[node] = [loss]
      return [loss]
    }
    var all: [Int] = []
    var seen: Set<Int> = [node]
    var left = Array(consumers(node).reversed())
    while let next = left.popLast() {
      if !nodes[next].isElementwise || !seen.insert(next).inserted { continue }
      if gradient[next] != nil || consumers(next).isEmpty {
        all += gradients(of: next)
      } else {
        left += consumers(next).reversed()
      }
    }
    return unique(all)
  }

  /// Whether the gradient passes a normalisation on its way to a convolution's raw output.
  private func isNormalised(_ node: Int) -> Bool {
    var seen = Set<Int>()
    var left = consumers(node)
    while let next = left.popLast() {
      if !nodes[next].isElementwise || !seen.insert(next).inserted { continue }
      if needsStatistics(next) { return true }
      if !isConsumed(next) { left += consumers(next) }
    }
    return false
  }

  private mutating func backwardConvolutions(
    _ siblings: [Int], of input: Int, isLast: Bool, fused: Bool
  ) {
    var operation = StepGraph.Operation(
      name: siblings.map { nodes[$0].name }.joined(separator: " + "), kind: .backward)
    for node in siblings {
      operation.gradients += gradients(of: node)
      if isNormalised(node), let raw = stored[node] { operation.gradients.append(raw) }
    }
    operation.gradients = unique(operation.gradients)
    operation.inputs = tensors(of: input)
    let layers = siblings.compactMap { nodes[$0].layer }
    let needing = layers.filter { workload.layers[$0].convolution.needsInputGradient }
    var weightGradient = operation
    weightGradient.passes = layers.map { ($0, .weightGradient) }
    if needing.isEmpty {
      operations.append(weightGradient)
      return
    }
    operation.passes = needing.map { ($0, .inputGradient) }
    finish(&operation, gradientOf: input, isLast: isLast)
    if fused {
      operation.passes = layers.flatMap { layer in
        needing.contains(layer)
          ? [(layer, .inputGradient), (layer, .weightGradient)] : [(layer, .weightGradient)]
      }
      operations.append(operation)
    } else {
      operations += [operation, weightGradient]
    }
  }

  /// What an operation that makes the gradient of a value reads besides, and what it writes.
  private mutating func finish(
    _ operation: inout StepGraph.Operation, gradientOf node: Int, isLast: Bool
  ) {
    if !isLast {
      let part = tensor(name(node) + ".part", elements: elements(node), .gradient)
      partial[node, default: []].append(part)
      operation.writes.append(part)
      return
    }
    for consumer in consumers(node) where nodes[consumer].isElementwise {
      operation.others += gradients(of: consumer)
    }
    operation.others += partial[node] ?? []
    operation.others += normalised(node)
    let whole = tensor(
      name(node) + ".gradient", elements: elements(node), .gradient, zeros: zeros(node))
    gradient[node] = [whole]
    operation.writes.append(whole)
  }

  private mutating func backwardPooling(
    _ node: Int, of input: Int, index: Int?, isLast: Bool, forward: Int
  ) {
    let arriving = gradients(of: node) + (index.map { [$0] } ?? [])
    if consumers(input).count == 1, stored[input] == nil, tensors(of: input).count == 1 {
      // Whoever reads the gradient spreads it over the windows as it streams in.
      gradient[input] = arriving
      return
    }
    var operation = StepGraph.Operation(name: nodes[node].name + " backward", kind: .vector)
    operation.gradients = arriving
    operation.inputs = tensors(of: input)
    finish(&operation, gradientOf: input, isLast: isLast)
    operations.append(operation)
  }
}
