// SPDX-License-Identifier: Apache-2.0
import Files
import Masks
import Tensor

/// Goes through the nodes of a graph in order and collects layers, with the size of every value.
struct ONNXImport {
  /// Where the weights of a layer are.
  struct Weights: Sendable {
    /// Name of the constant.
    let name: String
    /// Name of the constant with the zero point of whole numbers; nil for 0.
    let zero: String?
    /// Whether the constant is `[inputs][outputs]`.
    let isTransposed: Bool
  }

  /// Multiply-accumulates of a layer and an image at most, so that no count overflows.
  private static let mostProducts = 1 << 46
  private static let mostSide = 1 << 14
  private static let mostWeights = 1 << 30

  private(set) var convolutions: [NetworkDescription.Convolution] = []
  private(set) var vectorLayers: [NetworkDescription.VectorLayer] = []
  private(set) var leftOut: [ONNXNetwork.LeftOut] = []
  private(set) var weights: [String: Weights] = [:]
  /// Images of the input, where the file fixes them.
  let batch: Int?
  /// Images that sizes are worked out for.
  let images: Int
  private(set) var values = GraphValues()
  /// Which layer makes each computed value.
  var origins: [String: ValueOrigin] = [:]
  /// Why it is not known what a layer reads, by the name of the layer.
  private(set) var unclearReads: [String: String] = [:]
  /// Inputs of unknown size, with what the file has of it.
  let openInputs: [String: String]
  /// Multiply-accumulates of an image in all layers.
  private(set) var multiplyAccumulates = 0
  private let graph: ONNXGraph
  /// The nodes that read a value, as far as they are nodes of the graph itself; -1 represents others.
  private let readers: [String: [Int]]
  private let declared: [String: [Int]]
  /// Outputs of linear layers, whose biases may follow as additions.
  private var products = Set<String>()
  private var hasGradient = Set<String>()
  private var taken = Set<Int>()
  private var nameCounts: [String: Int] = [:]
  private let file: String

  /// - Parameter side: the size of open axes of inputs other than the first.
  init(_ graph: ONNXGraph, file: String, side: Int?) throws(InputError) {
    self.graph = graph
    self.file = file
    for (name, constant) in graph.constants { values.add(constant, as: name) }
    readers = graph.readers
    let inputs = graph.inputs.filter { [values] in values.constants[$0.name] == nil }
    // An open axis of images is one of one image: counts are of one in any case.
    let first = inputs.first { ($0.size?.axes.count ?? 0) > 1 }
    batch = first.flatMap { $0.size?.axes[0] }.flatMap { $0 > 0 ? $0 : nil }
    images = batch ?? 1
    if let batch, batch > 1 << 20 {
      throw InputError(
        file: file, field: "graph input batch", value: "\(batch)", allowed: "1 to \(1 << 20)")
    }
    var open: [String: String] = [:]
    for input in inputs {
      origins[input.name] =
        input.name == first?.name ? .images : .other("the input '\(printable(input.name))'")
      if let shape = Self.shape(input.size, images: images, side: side) {
        values.setShape(shape, of: input.name)
      } else {
        open[input.name] = input.size?.description ?? "no shape"
      }
    }
    openInputs = open
    declared = Dictionary(
      (graph.sizes + graph.outputs).compactMap { [images] port in
        Self.shape(port.size, images: images, side: nil).map { (port.name, $0) }
      }, uniquingKeysWith: { $1 })
  }

  /// The sizes of all axes, where they are known and possible. An axis of 0 is an open one.
  private static func shape(_ size: ONNXGraph.ValueSize?, images: Int, side: Int?) -> [Int]? {
    guard let axes = size?.axes else { return nil }
    var shape: [Int] = []
    for (place, axis) in axes.enumerated() {
      if let axis, axis > 0 {
        shape.append(axis)
      } else if place == 0 {
        shape.append(images)
      } else if let side {
        shape.append(side)
      } else {
        return nil
      }
    }
    do throws(Unsupported) {
      return try checkedCount(shape) > 0 ? shape : nil
    } catch {
      return nil
    }
  }

  /// Takes the nodes of the graph.
  ///
  /// - Throws: `InputError` for a layer whose size depends on an open input.
  mutating func addNodes() throws(InputError) {
    for index in try graph.order(file: file) {
      try add(graph.nodes[index], isTaken: taken.contains(index))
    }
  }

  /// Takes a node whose inputs have been made.
  private mutating func add(_ node: ONNXGraph.Node, isTaken: Bool, depth: Int = 0)
    throws(InputError)
  {
    if node.inputs.contains(where: hasGradient.contains) { markGradient(node.outputs) }
    if node.operation == "If", node.domain.isEmpty, let branch = chosenBranch(node) {
      return try inline(branch, of: node, depth: depth)
    }
    var problem: Unsupported?
    do throws(Unsupported) {
      try values.infer(node)
    } catch {
      problem = error
      for output in node.outputs {
        if let shape = declared[output] { values.setShape(shape, of: output) }
      }
    }
    let isConstant = node.outputs.contains { values.constants[$0] != nil }
    if isTaken || isConstant { return }
    let role = NodeRole(node)
    do throws(Unsupported) {
      if let problem { throw problem }
      try addLayer(node, role)
    } catch {
      followOrigin(node)
      try leaveOut(node, role, error)
    }
  }

  private mutating func addLayer(_ node: ONNXGraph.Node, _ role: NodeRole) throws(Unsupported) {
    switch role {
    case .weighted: try addWeighted(values.facts(node))
    case .vector(let kind): try addVector(values.facts(node), kind)
    case .free: followOrigin(node)
    case .moving: throw Unsupported("moves values")
    case .product: throw Unsupported("multiply-accumulates that are no layer of the model")
    case .unknown:
      throw Unsupported(
        node.domain.isEmpty ? "no layer of the model" : "an operation of '\(node.domain)'")
    }
  }

  private mutating func leaveOut(_ node: ONNXGraph.Node, _ role: NodeRole, _ problem: Unsupported)
    throws(InputError)
  {
    let facts = values.facts(node)
    let isLayer: Bool
    var products: Int? = 0
    switch role {
    case .weighted, .product:
      isLayer = true
      products = facts.multiplyAccumulates(output: node.outputs.first.flatMap { values.shapes[$0] })
        .map { ($0 + images - 1) / images }
    case .unknown:
      isLayer = false
      products = nil
    case .vector, .free, .moving: isLayer = false
    }
    // A layer behind an input of unknown size: no correct statement about the network is possible.
    if isLayer, products == nil, let (name, found) = openInputs.min(by: { $0.key < $1.key }),
      node.inputs.contains(where: { $0 == name || values.shapes[$0] == nil })
    {
      throw InputError(
        file: file, field: "graph input '\(name)' shape", value: found,
        allowed: "sizes of all axes but that of images; --image-size gives open ones a size")
    }
    leftOut.append(
      ONNXNetwork.LeftOut(
        name: printable(node.label), operation: printable(node.operation),
        reason: printable(problem.reason), multiplyAccumulates: products))
  }

  // MARK: Branches

  /// The branch of an `If` whose condition is constant.
  private func chosenBranch(_ node: ONNXGraph.Node) -> ONNXGraph? {
    guard let condition = values.facts(node).constants.first??.reals.first,
      case .graph(let branch)? = node.attributes[condition != 0 ? "then_branch" : "else_branch"]
    else { return nil }
    return branch
  }

  private mutating func inline(_ branch: ONNXGraph, of node: ONNXGraph.Node, depth: Int)
    throws(InputError)
  {
    for (name, constant) in branch.constants { values.add(constant, as: name) }
    for index in try branch.order(file: file, isInner: true) {
      try add(branch.nodes[index], isTaken: false, depth: depth + 1)
    }
    for (output, made) in zip(node.outputs, branch.outputs) {
      values.alias(output, of: made.name)
      origins[output] = origins[made.name]
      if hasGradient.contains(made.name) { markGradient([output]) }
    }
  }
}

// MARK: What layers are made of

extension ONNXImport {
  /// A name that no layer has.
  private mutating func unique(_ label: String) -> String {
    let label = printable(label)
    var name = label
    while let count = nameCounts[name] {
      nameCounts[label] = (nameCounts[label] ?? count) + 1
      name = "\(label) (\(nameCounts[label] ?? 2))"
    }
    nameCounts[name] = 1
    return name
  }

  /// The values of one image.
  func elements(_ shape: [Int]) -> Int { (shape.reduce(1, *) + images - 1) / images }

  /// Adds a layer without weights of its own to multiply by.
  ///
  /// - Parameters:
  ///   - inputs: the values that it reads, of so many elements in all.
  ///   - output: the value that it makes, where that is not the node's own.
  mutating func addVectorLayer(
    _ node: ONNXGraph.Node, _ kind: NetworkDescription.VectorLayer.Kind, _ inputs: [String],
    reads: Int, writes: Int, output: String? = nil
  ) {
    let name = unique(node.label)
    vectorLayers.append(
      NetworkDescription.VectorLayer(
        name: name, kind: kind, inputElements: reads, outputElements: writes,
        reads: layers(reading: inputs, name)))
    if let output = output ?? node.outputs.first { origins[output] = .layer(name) }
  }

  /// The layers that make these values; nil, and noted, where they are no whole outputs of layers.
  private mutating func layers(reading inputs: [String], _ name: String) -> [String]? {
    do throws(Unsupported) {
      return try layers(of: inputs)
    } catch {
      unclearReads[name] = printable(error.reason)
      return nil
    }
  }

  /// Adds a convolution or linear layer.
  mutating func addConvolution(
    _ node: ONNXGraph.Node, _ geometry: ConvolutionGeometry, _ source: Weights,
    input: String, isLinear: Bool, isTransposed: Bool = false
  ) throws(Unsupported) {
    let shape = FilterShape(
      validating: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
      columns: geometry.columns)
    guard let shape, shape.count <= Self.mostWeights else {
      throw Unsupported(
        "\(geometry.filters) kernels of \(geometry.rows)x\(geometry.columns): at most "
          + "\(FilterShape.maximumColumns) columns and \(Self.mostWeights) weights")
    }
    let sides = [geometry.input, geometry.output].flatMap { [$0.height, $0.width] }
    guard sides.allSatisfy({ $0 <= Self.mostSide }) else {
      throw Unsupported("a map of more than \(Self.mostSide) rows or columns")
    }
    guard geometry.output.pixels <= Self.mostProducts / geometry.weights else {
      throw Unsupported("more than \(Self.mostProducts) MACs")
    }
    let name = unique(node.label)
    // A convolution of ONNX Runtime may take in a sum, as its fourth input.
    let inputs = [input] + (node.operation == "FusedConv" ? node.inputs.dropFirst(3) : [])
    convolutions.append(
      NetworkDescription.Convolution(
        name: name, geometry: geometry, needsInputGradient: hasGradient.contains(input),
        prunable: geometry.channelsPerGroup > 4
          && !(isLinear && isLast(node.outputs.first ?? "")), isTransposed: isTransposed,
        reads: layers(reading: inputs, name)))
    if let output = node.outputs.first { origins[output] = .layer(name) }
    weights[name] = source
    multiplyAccumulates += geometry.denseMACs
    if isLinear { products.formUnion(node.outputs) }
    markGradient(node.outputs)
  }

  /// Whether the caller gets a value, perhaps behind a bias, a softmax or a change of axes.
  private func isLast(_ value: String) -> Bool {
    var value = value
    for _ in 0..<4 {
      guard let readers = readers[value], readers.count == 1 else { return false }
      if readers[0] < 0 { return graph.outputs.contains { $0.name == value } }
      let node = graph.nodes[readers[0]]
      guard
        ["Add", "Softmax", "LogSoftmax", "Sigmoid", "Reshape", "Squeeze", "Identity"]
          .contains(node.operation),
        node.inputs.allSatisfy({ $0 == value || values.constants[$0] != nil })
      else { return false }
      value = node.outputs.first ?? ""
    }
    return false
  }

  /// Whether a value is the output of a linear layer, to which a bias may be added.
  func isProduct(_ value: String) -> Bool { products.contains(value) }

  /// Whether a value depends on weights.
  func dependsOnWeights(_ value: String) -> Bool { hasGradient.contains(value) }

  /// Marks the outputs as depending on weights.
  mutating func markGradient(_ values: [String]) {
    hasGradient.formUnion(values.filter { !$0.isEmpty })
  }

  /// The one node that reads a value; nil where there are more, or where the caller reads it too.
  func onlyReader(of value: String) -> (index: Int, node: ONNXGraph.Node)? {
    guard let readers = readers[value], readers.count == 1, readers[0] >= 0,
      !taken.contains(readers[0])
    else { return nil }
    return (readers[0], graph.nodes[readers[0]])
  }

  /// Leaves a node to the layer that does its work.
  mutating func take(_ index: Int) { taken.insert(index) }
}

extension ONNXGraph {
  /// The nodes that read each value; -1 for the caller and for graphs within nodes.
  fileprivate var readers: [String: [Int]] {
    var readers: [String: [Int]] = [:]
    var inner: [ONNXGraph] = []
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { readers[input, default: []].append(index) }
      inner += node.graphs
    }
    while let graph = inner.popLast() {
      for node in graph.nodes {
        for input in node.inputs { readers[input, default: []].append(-1) }
        inner += node.graphs
      }
      for output in graph.outputs { readers[output.name, default: []].append(-1) }
    }
    for output in outputs { readers[output.name, default: []].append(-1) }
    return readers
  }
}

extension ONNXGraph.Node {
  /// The graphs among its attributes.
  fileprivate var graphs: [ONNXGraph] {
    attributes.values.compactMap { if case .graph(let graph) = $0 { graph } else { nil } }
  }
}

extension ONNXGraph.ValueSize: CustomStringConvertible {
  /// For example `[?, 3, 224, 224]`.
  public var description: String {
    "[\(axes.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))]"
  }
}
