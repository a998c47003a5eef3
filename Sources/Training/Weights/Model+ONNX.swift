// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Tensor

extension Model {
  /// The network for inference as an ONNX graph: weights with zeros where pruned, running statistics.
  /// It reads `images` (`[batch][channels][rows][columns]`) and makes `logits` (`[batch][classes]`).
  ///
  /// Nodes have the names of layers, constants the names of `Network.exchangeNames`. Dropout, which
  /// does nothing in inference, is left out.
  ///
  /// - Parameter folding: whether a normalisation becomes part of the convolution before it, where
  ///   nothing else reads that.
  public func onnxGraph(foldingBatchNorm folding: Bool) -> ONNXGraph {
    var builder = GraphBuilder(network)
    let folded = folding ? network.foldedConvolutions : [:]
    var norms: [String: BatchNormLayer] = [:]
    for (node, layer) in zip(network.nodes, layers) {
      norms[node.name] = layer as? BatchNormLayer
    }
    for (node, layer) in zip(network.nodes, layers) {
      switch node.layer {
      case .convolution(let convolution):
        guard let layer = layer as? ConvolutionLayer else { preconditionFailure("\(node.name)") }
        var weights = layer.denseWeights
        var bias = layer.bias?.values.array()
        if let norm = folded[node.name].flatMap({ norms[$0] }) {
          (weights, bias) = norm.folded(into: weights, bias: bias)
        }
        builder.add(node, convolution, weights: weights, bias: bias)
      case .batchNorm(let norm):
        guard let layer = layer as? BatchNormLayer else { preconditionFailure("\(node.name)") }
        builder.add(node, norm, layer, isFolded: folded.values.contains(node.name))
      case .activation(let activation): builder.add(node, activation)
      case .pooling(let geometry): builder.add(node, geometry)
      case .globalAveragePool: builder.add(node, "GlobalAveragePool", [builder.map(node)])
      case .add: builder.add(node, "Add", builder.alike(node), isFlat: builder.isFlat(node))
      case .flatten: builder.add(node, "Flatten", [builder.map(node)], isFlat: true)
      case .dropout: builder.pass(node)
      }
    }
    return builder.finished()
  }
}

extension Network {
  /// Convolutions that a normalisation reads and nothing else, with its name.
  fileprivate var foldedConvolutions: [String: String] {
    var reads: [Value: Int] = [:]
    for node in nodes { for input in node.inputs { reads[input, default: 0] += 1 } }
    var makers: [Value: String] = [:]
    for node in nodes { if case .convolution = node.layer { makers[node.output] = node.name } }
    var folded: [String: String] = [:]
    for node in nodes {
      guard case .batchNorm = node.layer, reads[node.inputs[0]] == 1,
        let maker = makers[node.inputs[0]]
      else { continue }
      folded[maker] = node.name
    }
    return folded
  }
}

extension BatchNormLayer {
  /// Weights and bias of a convolution that does the normalisation too: with
  /// f = γ / √(σ² + ε), `w' = f·w` and `b' = f·(b - μ) + β`.
  fileprivate func folded(into weights: [Float], bias: [Float]?) -> ([Float], [Float]) {
    let scaling = (0..<ports.outputMap.channels).map(inferenceScaling)
    let perFilter = weights.count / scaling.count
    let scaled = weights.indices.map { weights[$0] * scaling[$0 / perFilter].factor }
    let shifted = scaling.indices.map {
      scaling[$0].shift + (bias?[$0] ?? 0) * scaling[$0].factor
    }
    return (scaled, shifted)
  }
}

/// Collects nodes and constants, and knows what each value of the network is called.
private struct GraphBuilder {
  private let network: Network
  private let exchangeNames: [String: String]
  private var graph: ONNXGraph
  private var names: Set<String>
  private var values: [Network.Value: (name: String, isFlat: Bool)]

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

  /// A name that nothing has.
  private mutating func fresh(_ name: String) -> String {
    var name = name
    while !names.insert(name).inserted { name += "_" }
    return name
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
  private mutating func flat(_ value: Network.Value, for node: Network.Node) -> String {
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

  mutating func add(
    _ node: Network.Node, _ convolution: Convolution, weights: [Float], bias: [Float]?
  ) {
    let geometry = convolution.geometry
    let name = exchangeNames[node.name] ?? node.name
    var shape = Network.exchangeShape(convolution)
    let isLinear =
      shape.count == 2
      || (isFlat(node) && geometry.rows * geometry.columns == 1 && geometry.groups == 1
        && geometry.paddingRows + geometry.paddingColumns == 0)
    if isLinear { shape = Array(shape.prefix(2)) }
    let input = isLinear ? flat(node.inputs[0], for: node) : map(node)
    var inputs = [input, constant(name + ".weight", .init(weights, shape: shape))]
    if let bias { inputs.append(constant(name + ".bias", .init(bias, shape: [bias.count]))) }
    if isLinear { return add(node, "Gemm", inputs, isFlat: true, ["transB": .int(1)]) }
    add(
      node, "Conv", inputs,
      [
        "kernel_shape": .ints([geometry.rows, geometry.columns]),
        "strides": .ints([geometry.stride, geometry.stride]),
        "pads": pads(geometry.paddingRows, geometry.paddingColumns),
        "group": .int(geometry.groups),
      ])
  }

  private func pads(_ rows: Int, _ columns: Int) -> ONNXGraph.Attribute {
    .ints([rows, columns, rows, columns])
  }

  /// A normalisation, then the residual, then the activation; the last of them makes the value that
  /// has the layer's name.
  mutating func add(
    _ node: Network.Node, _ norm: BatchNorm, _ layer: BatchNormLayer, isFolded: Bool
  ) {
    let hasResidual = node.inputs.count > 1
    var sum = alike(node)
    let isFlat = node.inputs.contains { value($0).isFlat }
    var steps: [(operation: String, inputs: [String], attributes: [String: ONNXGraph.Attribute])] =
      []
    if !isFolded {
      let name = exchangeNames[node.name] ?? node.name
      let parts = [
        ("weight", layer.gamma.values), ("bias", layer.beta.values),
        ("running_mean", layer.runningMean), ("running_var", layer.runningVariance),
      ]
      let constants = parts.map { part, tensor in
        let values = tensor.array()
        return constant("\(name).\(part)", .init(values, shape: [values.count]))
      }
      steps.append(
        ("BatchNormalization", [sum[0]] + constants, ["epsilon": .float(norm.epsilon)]))
    }
    if hasResidual { steps.append(("Add", [], [:])) }
    if norm.activation != .none {
      steps.append((norm.activation.operation, bounds(norm.activation, node), [:]))
    }
    if steps.isEmpty { return pass(node) }
    for (index, step) in steps.enumerated() {
      let isLast = index == steps.count - 1
      // The normalisation's node has the layer's name, and the last value has it too.
      let nodeName = index == 0 ? node.name : fresh("\(node.name)/\(step.operation)")
      let output = isLast ? node.name : fresh("\(node.name)/\(index)")
      let inputs: [String] =
        switch step.operation {
        case "Add": sum
        case "BatchNormalization": step.inputs
        default: [sum[0]] + step.inputs
        }
      graph.nodes.append(
        .init(
          step.operation, name: nodeName, inputs: inputs, output: output,
          attributes: step.attributes))
      sum[0] = output
    }
    values[node.output] = (node.name, isFlat)
  }

  mutating func add(_ node: Network.Node, _ activation: Activation) {
    if activation == .none { return pass(node) }
    let (input, isFlat) = value(node.inputs[0])
    add(node, activation.operation, [input] + bounds(activation, node), isFlat: isFlat)
  }

  private mutating func bounds(_ activation: Activation, _ node: Network.Node) -> [String] {
    guard activation == .relu6 else { return [] }
    return [("least", Float(0)), ("most", 6)].map { part, value in
      constant("\(node.name)/\(part)", .init([value], shape: []))
    }
  }

  mutating func add(_ node: Network.Node, _ geometry: PoolingGeometry) {
    var attributes: [String: ONNXGraph.Attribute] = [
      "kernel_shape": .ints([geometry.size, geometry.size]),
      "strides": .ints([geometry.stride, geometry.stride]),
      "pads": pads(geometry.padding, geometry.padding),
    ]
    if geometry.kind == .average { attributes["count_include_pad"] = .int(1) }
    add(node, geometry.kind == .max ? "MaxPool" : "AveragePool", [map(node)], attributes)
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
  fileprivate var operation: String { self == .relu6 ? "Clip" : "Relu" }
}
