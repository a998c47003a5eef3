// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The layers of an ONNX file with their weights, in their order, for a program that trains them.
///
/// Constants are worked out, and the normalisation of images in front of the first layer is set apart. What
/// there is no layer for is listed, all of it at once.
public struct ONNXLayers: Sendable {
  /// What a layer does.
  public enum Kind: Sendable, Equatable {
    /// A convolution: weights `[K][C][R][S]`.
    case convolution(NamedArray, bias: [Float]?, Window, groups: Int)
    /// A linear layer: weights `[K][C]`.
    case linear(NamedArray, bias: [Float]?)
    /// A batch normalisation.
    case batchNorm(scale: [Float], shift: [Float], mean: [Float], variance: [Float], epsilon: Float)
    /// max(0, x).
    case relu
    /// max(0, min(6, x)).
    case relu6
    /// The largest of a window.
    case maxPool(Window)
    /// The mean of a window, padding counted.
    case averagePool(Window)
    /// The mean of each feature map.
    case globalAveragePool
    /// The sum of two values.
    case add
    /// Every value becomes a channel.
    case flatten
    /// Nothing in training and inference, or nothing that a loss does not do itself.
    case pass
  }

  /// A window that moves over rows and columns alike in stride.
  public struct Window: Sendable, Equatable {
    /// Sizes of the window, and zeros on each side.
    public let rows, columns, stride, paddingRows, paddingColumns: Int
  }

  /// A layer.
  public struct Layer: Sendable {
    /// After its weights, else after its node; unique.
    public let name: String
    /// What it does.
    public let kind: Kind
    /// Names of values.
    public let inputs: [String]
    /// Name of the value that it makes.
    public let output: String
  }

  /// The layers, each after those whose values it reads.
  public private(set) var layers: [Layer] = []
  /// The value that is the images.
  public let input: String
  /// Channels, rows and columns of an image, as far as the file fixes them.
  public let image: [Int?]
  /// The value that is the logits.
  public let output: String
  /// Factor and shift of each channel that the file applies to images in front of the first layer.
  public private(set) var scaling: (factors: [Float], shifts: [Float])?
  /// The file's metadata.
  public let metadata: [String: String]
  /// What is worth knowing, a sentence each.
  public private(set) var notes: [String] = []

  private var names: Set<String> = []
  /// Values that are the images, scaled or not.
  private var imageValues: Set<String> = []

  /// Reads a file.
  ///
  /// - Parameter side: rows and columns of images where the file leaves them open.
  /// - Throws: `InputError` naming the file and the field; of operators without a layer all of them.
  public init(path: String, side: Int = 32) throws(InputError) {
    try self.init(fileBytes(path), file: path, side: side)
  }

  /// Reads the bytes of a file.
  ///
  /// - Parameters:
  ///   - file: names them in errors; external data are in its folder.
  ///   - side: rows and columns of images where the file leaves them open.
  /// - Throws: `InputError` naming the file and the field; of operators without a layer all of them.
  public init(_ data: Data, file: String, side: Int = 32) throws(InputError) {
    try self.init(
      ONNXGraph(data, file: file), file: file, side: side,
      metadata: ONNXGraph.metadata(data, file: file))
  }

  init(_ graph: ONNXGraph, file: String, side: Int = 32, metadata: [String: String] = [:])
    throws(InputError)
  {
    func failure(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: field, value: value, allowed: allowed)
    }
    let graph = try graph.expanded(file: file)
    var values = GraphValues()
    for (name, constant) in graph.constants { values.add(constant, as: name) }
    let inputs = graph.inputs.filter { [values] in values.constants[$0.name] == nil }
    guard inputs.count == 1, graph.outputs.count == 1 else {
      throw failure(
        "graph", "\(inputs.count) inputs and \(graph.outputs.count) outputs",
        "one input, the images, and one output, the logits")
    }
    input = inputs[0].name
    output = graph.outputs[0].name
    self.metadata = metadata
    guard let axes = inputs[0].size?.axes, axes.count == 4, let channels = axes[1], channels > 0
    else {
      throw failure(
        "graph input '\(input)' shape", inputs[0].size.map { "\($0)" } ?? "none",
        "[batch, channels, rows, columns]")
    }
    image = [channels, axes[2], axes[3]]
    values.setShape([1, channels, axes[2] ?? side, axes[3] ?? side], of: input)
    imageValues = [input]
    var problems: [String] = []
    var budget = values.budget
    for index in try graph.order(file: file) {
      let node = graph.nodes[index]
      do throws(Unsupported) {
        try values.infer(node)
        if node.outputs.contains(where: { values.constants[$0] != nil }) { continue }
        try add(node, values, budget: &budget)
      } catch {
        problems.append(
          "\(printable(node.operation)) '\(printable(node.label))' (\(printable(error.reason)))")
      }
    }
    if !problems.isEmpty {
      let most = 20
      throw failure(
        "graph nodes",
        problems.prefix(most).joined(separator: ", ")
          + (problems.count > most ? " and \(problems.count - most) more" : ""),
        "nodes that training has layers for: Conv, Gemm, MatMul, BatchNormalization, Relu, Clip to "
          + "0...6, MaxPool, AveragePool, GlobalAveragePool, ReduceMean of planes, Add, Flatten, "
          + "Reshape to a row, Dropout, Identity")
    }
    guard layers.contains(where: { $0.output == output }) else {
      throw failure("graph output '\(output)'", "no layer", "what the last layer makes")
    }
  }

  private mutating func add(_ node: ONNXGraph.Node, _ values: GraphValues, budget: inout Int)
    throws(Unsupported)
  {
    let facts = values.facts(node)
    func array(_ input: Int) throws(Unsupported) -> (shape: [Int], values: [Float])? {
      guard facts.has(input) else { return nil }
      guard values.constants[node.inputs[input]] != nil else {
        throw Unsupported("computed weights")
      }
      let found = try values.evaluate(node.inputs[input], budget: &budget)
      let floats = found.reals.map { Float($0) }
      guard floats.allSatisfy(\.isFinite) else { throw Unsupported("weights that are not finite") }
      return (found.shape, floats)
    }
    func needed(_ input: Int) throws(Unsupported) -> (shape: [Int], values: [Float]) {
      guard let found = try array(input) else { throw Unsupported("no weights") }
      return found
    }
    func stem(_ input: Int) -> String {
      let name = values.origin(of: node.inputs[input])
      for ending in [".weight", ".scale", ".gamma"] where name.hasSuffix(ending) {
        return String(name.dropLast(ending.count))
      }
      return node.label
    }
    switch node.operation {
    case "Conv":
      let (input, kernels) = (try facts.shape(0), try needed(1))
      guard input.count == 4, kernels.shape.count == 4 else {
        throw Unsupported("a convolution of \(input.count - 2) axes, not of two")
      }
      let window = try self.window(facts.window(input: input, kernels: kernels.shape))
      let bias = try array(2)?.values
      if let bias, bias.count != kernels.shape[0] { throw Unsupported("a bias of another size") }
      try append(
        stem(1),
        .convolution(
          NamedArray(name: "weight", shape: kernels.shape, values: kernels.values), bias: bias,
          window, groups: facts.integer("group", 1)), node)
    case "Gemm", "MatMul":
      let isGemm = node.operation == "Gemm"
      let matrix = try needed(1)
      guard matrix.shape.count == 2, try facts.shape(0).count == 2 else {
        throw Unsupported("a product other than of rows by a constant matrix")
      }
      if isGemm {
        for name in ["alpha", "beta"] {
          if case .float(let value)? = node.attributes[name], value != 1 {
            throw Unsupported("\(name) of \(value)")
          }
        }
        guard try facts.integer("transA", 0) == 0 else { throw Unsupported("transA") }
      }
      let isTransposed = isGemm ? try facts.integer("transB", 0) != 0 : false
      let (rows, columns) = (matrix.shape[0], matrix.shape[1])
      let weights =
        isTransposed
        ? matrix.values
        : (0..<columns).flatMap { column in
          (0..<rows).map { matrix.values[$0 * columns + column] }
        }
      let filters = isTransposed ? rows : columns
      var bias = isGemm ? try array(2)?.values : nil
      if let one = bias, one.count == 1, filters > 1 {
        bias = [Float](repeating: one[0], count: filters)
      }
      if let bias, bias.count != filters { throw Unsupported("a bias of another size") }
      try append(
        stem(1),
        .linear(
          NamedArray(
            name: "weight", shape: [filters, weights.count / max(filters, 1)], values: weights),
          bias: bias), node)
    case "BatchNormalization":
      let channels = try facts.shape(0)[1]
      var parts: [[Float]] = []
      for input in 1...4 { parts.append(try needed(input).values) }
      guard parts.allSatisfy({ $0.count == channels }), parts[3].allSatisfy({ $0 >= 0 }) else {
        throw Unsupported("other values than one a channel")
      }
      var epsilon: Float = 1e-5
      if case .float(let value)? = node.attributes["epsilon"] { epsilon = value }
      try append(
        stem(1),
        .batchNorm(
          scale: parts[0], shift: parts[1], mean: parts[2], variance: parts[3], epsilon: epsilon),
        node)
    case "Relu": try append(node.label, .relu, node)
    case "Clip":
      func bound(_ name: String, _ input: Int) throws(Unsupported) -> Float? {
        if case .float(let value)? = node.attributes[name] { return value }
        return facts.reals(input)?.first.map { Float($0) }
      }
      let (least, most) = (try bound("min", 1), try bound("max", 2))
      guard least == 0, most == 6 || most == nil else {
        throw Unsupported("limits other than 0 and 6")
      }
      try append(node.label, most == nil ? .relu : .relu6, node)
    case "MaxPool", "AveragePool":
      let input = try facts.shape(0)
      guard input.count == 4, let kernel = try facts.list("kernel_shape") else {
        throw Unsupported("no square window on a map")
      }
      let window = try self.window(MovingWindow(facts, kernel: kernel, map: Array(input[2...])))
      guard window.rows == window.columns, window.paddingRows == window.paddingColumns,
        try facts.integer("ceil_mode", 0) == 0
      else { throw Unsupported("a window that is not square, or ceil_mode") }
      if node.operation == "AveragePool", window.paddingRows > 0 {
        guard try facts.integer("count_include_pad", 0) == 1 else {
          throw Unsupported("padding that does not count")
        }
      }
      try append(
        node.label, node.operation == "MaxPool" ? .maxPool(window) : .averagePool(window), node)
    case "GlobalAveragePool": try append(node.label, .globalAveragePool, node)
    case "ReduceMean":
      let axes = try facts.axes(facts.list("axes", input: 1) ?? [], of: facts.shape(0).count)
      guard try facts.shape(0).count == 4, axes.sorted() == [2, 3] else {
        throw Unsupported("axes other than rows and columns")
      }
      try append(node.label, .globalAveragePool, node)
    case "Add", "Sub", "Mul", "Div": try addElementwise(node, values, budget: &budget)
    case "Flatten", "Reshape", "Squeeze", "Unsqueeze":
      let (input, made) = (try facts.shape(0), values.shapes[node.outputs.first ?? ""] ?? [])
      guard input.first == made.first, made.count >= 2, made.dropFirst(2).allSatisfy({ $0 == 1 })
      else { throw Unsupported("a change of shape other than to a row for each image") }
      try append(
        node.label, input.dropFirst(2).allSatisfy { $0 == 1 } ? .pass : .flatten, node)
    case "Dropout", "Identity", "Cast": try append(node.label, .pass, node)
    case "Softmax", "LogSoftmax":
      guard node.outputs.first == output else { throw Unsupported("not the last layer") }
      notes.append("The last \(node.operation) is left out; the loss computes it")
      try append(node.label, .pass, node)
    default: throw Unsupported("no layer for it")
    }
  }

  /// A sum of two values, the bias of a linear layer, or the normalisation of images.
  private mutating func addElementwise(
    _ node: ONNXGraph.Node, _ values: GraphValues, budget: inout Int
  ) throws(Unsupported) {
    let isConstant = node.inputs.map { values.constants[$0] != nil }
    guard node.inputs.count == 2 else { throw Unsupported("other than two inputs") }
    if isConstant == [false, false] {
      guard node.operation == "Add", values.shapes[node.inputs[0]] == values.shapes[node.inputs[1]]
      else { throw Unsupported("of two computed values, other than a sum of equal sizes") }
      return try append(node.label, .add, node)
    }
    let place = isConstant[0] ? 1 : 0
    let value = node.inputs[place]
    let constant = try values.evaluate(node.inputs[1 - place], budget: &budget)
    let numbers = constant.reals.map { Float($0) }
    if node.operation == "Add", let index = layers.firstIndex(where: { $0.output == value }),
      case .linear(let weights, nil) = layers[index].kind, numbers.count == weights.shape[0]
    {
      // Nothing else reads the product; else the sum would be of a value that is no longer there.
      layers[index] = Layer(
        name: layers[index].name, kind: .linear(weights, bias: numbers),
        inputs: layers[index].inputs, output: node.outputs[0])
      return
    }
    let channels = image[0] ?? 0
    guard imageValues.contains(value),
      place == 0 || node.operation == "Add" || node.operation == "Mul",
      numbers.count == 1
        || numbers.count == channels && constant.shape.filter({ $0 != 1 }) == [channels]
          && constant.shape.count >= 3
        || numbers.count == channels && channels == 1
    else { throw Unsupported("with a constant, and no normalisation of the images") }
    var (factors, shifts) =
      scaling ?? (
        [Float](repeating: 1, count: channels), [Float](repeating: 0, count: channels)
      )
    for channel in 0..<channels {
      let number = numbers[numbers.count == 1 ? 0 : channel]
      switch node.operation {
      case "Add": shifts[channel] += number
      case "Sub": shifts[channel] -= number
      case "Mul":
        factors[channel] *= number
        shifts[channel] *= number
      default:
        factors[channel] /= number
        shifts[channel] /= number
      }
    }
    scaling = (factors, shifts)
    imageValues.insert(node.outputs[0])
    try append(
      node.label, .pass, node, inputs: [value])
  }

  private func window(_ window: MovingWindow) throws(Unsupported) -> Window {
    let (rows, columns) = (window.axes[0], window.axes[1])
    guard rows.stride == columns.stride, rows.dilation == 1, columns.dilation == 1,
      rows.paddingBefore == rows.paddingAfter, columns.paddingBefore == columns.paddingAfter
    else {
      throw Unsupported("strides that differ, dilation, or padding that differs from side to side")
    }
    return Window(
      rows: rows.kernel, columns: columns.kernel, stride: rows.stride,
      paddingRows: rows.paddingBefore, paddingColumns: columns.paddingBefore)
  }

  private mutating func append(
    _ label: String, _ kind: Kind, _ node: ONNXGraph.Node, inputs: [String]? = nil
  ) throws(Unsupported) {
    guard let output = node.outputs.first, !output.isEmpty else { throw Unsupported("no output") }
    let words = printable(label).split { "/ ".contains($0) }
    let stem = words.isEmpty ? "layer" : words.joined(separator: ".")
    var name = stem
    var number = 2
    while !names.insert(name).inserted {
      name = "\(stem)-\(number)"
      number += 1
    }
    let reads = inputs ?? (kind == .add ? node.inputs : Array(node.inputs.prefix(1)))
    layers.append(Layer(name: name, kind: kind, inputs: reads, output: output))
  }
}

extension ONNXGraph {
  /// The metadata of a model's bytes.
  ///
  /// - Throws: `InputError` naming the file and the field.
  static func metadata(_ data: Data, file: String) throws(InputError) -> [String: String] {
    var model = WireReader([UInt8](data)[...], file: file, place: "model")
    var entries: [String: String] = [:]
    while let field = try model.next() {
      guard field.number == ONNXField.Model.metadata else { continue }
      var entry = try model.message(field, "metadata")
      var (key, value) = ("", "")
      while let part = try entry.next() {
        switch part.number {
        case ONNXField.Entry.key: key = try entry.text(part, "key")
        case ONNXField.Entry.value: value = try entry.text(part, "value")
        default: break
        }
      }
      entries[key] = value
    }
    return entries
  }
}
