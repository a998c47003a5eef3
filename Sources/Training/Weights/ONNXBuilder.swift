// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Tensor

extension Model {
  /// The network for inference as an ONNX graph: weights with zeros where pruned, running statistics.
  /// It reads `images` (`[batch][channels][rows][columns]`) and makes `logits` (`[batch][classes]`).
  /// With a task, images are values of 0...1, which the graph normalises; without, they are normalised
  /// already.
  ///
  /// Nodes have the names of layers, constants the names of `Network.exchangeNames`. Dropout, which
  /// does nothing in inference, is left out.
  ///
  /// - Parameter folding: whether a normalisation becomes part of the convolution before it, where
  ///   nothing else reads that.
  public func onnxGraph(foldingBatchNorm folding: Bool, task: ImageTask? = nil) -> ONNXGraph {
    var builder = ONNXBuilder(network)
    if let task { builder.normalise(task) }
    if folding { builder.fold(network, layers) }
    for (node, layer) in zip(network.nodes, layers) { layer.addONNX(node, to: &builder) }
    return builder.finished()
  }
}

/// Collects nodes and constants, and knows what each value of the network is called.
struct ONNXBuilder {
  private let network: Network
  private let exchangeNames: [String: String]
  private var graph: ONNXGraph
  private var names: Set<String>
  private var values: [Network.Value: (name: String, isFlat: Bool)]
  /// Scales and shifts that were folded into a layer, by its name.
  private var scalings: [String: [ChannelScaling]] = [:]
  /// The layers that others have become part of.
  private var folded: Set<String> = []

  init(_ network: Network) {
    self.network = network
    exchangeNames = network.exchangeNames
    graph = ONNXGraph(name: network.name)
    // Values made within have the names of layers; what else there is must have others.
    names = Set(network.nodes.map(\.name))
    values = [:]
    let images = fresh("images")
    values[network.input] = (images, false)
    let map = network.map(network.input)
    graph.inputs = [
      .init(images, size: .init(axes: [nil, map.channels, map.height, map.width]))
    ]
  }

  /// Puts the normalisation of images before the first layer. It cannot be part of a convolution, whose
  /// padding is of zeros behind it.
  mutating func normalise(_ task: ImageTask) {
    var value = self.value(network.input).name
    for (operation, name, numbers) in [
      ("Sub", "mean", task.mean), ("Div", "std", task.standardDeviation),
    ] {
      let constant = constant("images/\(name)", .init(numbers, shape: [1, task.channels, 1, 1]))
      let output = fresh("images/\(operation.lowercased())")
      graph.nodes.append(
        .init(operation, name: output, inputs: [value, constant], output: output))
      value = output
    }
    values[network.input] = (value, false)
  }

  /// Makes each layer that does nothing but scale channels part of the layer before it, where that can
  /// and nothing else reads what it makes.
  mutating func fold(_ network: Network, _ layers: [any RunningLayer]) {
    var reads: [Network.Value: Int] = [:]
    for node in network.nodes { for input in node.inputs { reads[input, default: 0] += 1 } }
    var makers: [Network.Value: String] = [:]
    for node in network.nodes where node.layer.takesScaling { makers[node.output] = node.name }
    for (node, layer) in zip(network.nodes, layers) {
      guard let scaling = layer.scaling, reads[node.inputs[0]] == 1,
        let maker = makers[node.inputs[0]]
      else { continue }
      scalings[maker] = scaling
      folded.insert(node.name)
    }
  }

  /// The scales and shifts folded into a layer.
  func folded(into node: Network.Node) -> [ChannelScaling]? { scalings[node.name] }

  /// Whether the layer before does what this one would.
  func isFolded(_ node: Network.Node) -> Bool { folded.contains(node.name) }

  /// A name that nothing has.
  mutating func fresh(_ name: String) -> String {
    var name = name
    while !names.insert(name).inserted { name += "_" }
    return name
  }

  /// A tensor of a layer, in the name that other programs have for it.
  mutating func constant(
    _ node: Network.Node, _ suffix: String, _ values: [Float], shape: [Int]
  ) -> String {
    constant("\(exchangeNames[node.name] ?? node.name).\(suffix)", .init(values, shape: shape))
  }

  private mutating func constant(_ name: String, _ value: ONNXGraph.Constant) -> String {
    let name = fresh(name)
    graph.constants.append((name, value))
    return name
  }

  private func value(_ value: Network.Value) -> (name: String, isFlat: Bool) {
    guard let found = values[value] else { preconditionFailure("a value that no layer makes") }
    return found
  }

  /// The first input of a layer.
  func input(_ node: Network.Node) -> String { value(node.inputs[0]).name }

  /// The first input of a layer with four axes.
  mutating func map(_ node: Network.Node) -> String {
    let (name, isFlat) = value(node.inputs[0])
    if !isFlat { return name }
    let axes = constant(node.name + "/axes", ONNXGraph.Constant([2, 3]))
    let output = fresh(node.name + "/map")
    graph.nodes.append(.init("Unsqueeze", name: output, inputs: [name, axes], output: output))
    return output
  }

  /// A value with the axes of images and channels alone.
  mutating func flat(_ value: Network.Value, for node: Network.Node) -> String {
    let (name, isFlat) = self.value(value)
    if isFlat { return name }
    let output = fresh(node.name + "/flat")
    graph.nodes.append(.init("Flatten", name: output, inputs: [name], output: output))
    return output
  }

  /// Both inputs of a layer with as many axes; without, ONNX would repeat one of them.
  mutating func alike(_ node: Network.Node) -> [String] {
    let found = node.inputs.map(value)
    return found.allSatisfy({ !$0.isFlat })
      ? found.map(\.name) : node.inputs.map { flat($0, for: node) }
  }

  /// Whether an input of a layer has the axes of images and channels alone.
  func isFlat(_ node: Network.Node) -> Bool {
    node.inputs.contains { value($0).isFlat }
  }

  /// Appends the operation of a layer.
  mutating func add(
    _ node: Network.Node, _ operation: String, _ inputs: [String], isFlat: Bool = false,
    _ attributes: [String: ONNXGraph.Attribute] = [:]
  ) {
    graph.nodes.append(
      .init(
        operation, name: node.name, inputs: inputs, output: node.name, attributes: attributes))
    values[node.output] = (node.name, isFlat)
  }

  /// A layer that does nothing.
  mutating func pass(_ node: Network.Node) { values[node.output] = value(node.inputs[0]) }

  /// Appends an operation as it is.
  mutating func append(_ operation: ONNXGraph.Node) { graph.nodes.append(operation) }

  /// Names the output of a layer after the layer.
  mutating func made(_ node: Network.Node, isFlat: Bool) {
    values[node.output] = (node.name, isFlat)
  }

  /// Padding on all four sides.
  func pads(_ rows: Int, _ columns: Int) -> ONNXGraph.Attribute {
    .ints([rows, columns, rows, columns])
  }

  /// The limits of an activation.
  mutating func bounds(_ activation: Activation, _ node: Network.Node) -> [String] {
    guard activation == .relu6 else { return [] }
    return [("least", Float(0)), ("most", 6)].map { part, value in
      constant("\(node.name)/\(part)", .init([value], shape: []))
    }
  }

  /// The graph with its output, which has the axes of images and classes.
  mutating func finished() -> ONNXGraph {
    let (last, isFlat) = value(network.output)
    let logits = fresh("logits")
    graph.nodes.append(
      .init(isFlat ? "Identity" : "Flatten", name: logits, inputs: [last], output: logits))
    graph.outputs = [.init(logits, size: .init(axes: [nil, network.map(network.output).count]))]
    return graph
  }
}

extension Activation {
  /// Its operation in ONNX.
  var operation: String { self == .relu6 ? "Clip" : "Relu" }
}
