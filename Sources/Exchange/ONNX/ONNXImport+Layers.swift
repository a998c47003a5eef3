// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// What each operation is on the processor; https://onnx.ai/onnx/operators says what it does.
extension ONNXImport {
  mutating func addLayer(_ node: ONNXGraph.Node) throws(Unsupported) {
    switch node.operation {
    case "Conv": try addConvolution(node)
    case "Gemm", "MatMul": try addLinear(node)
    case "BatchNormalization": try addBatchNorm(node)
    case "Relu", "Clip":
      let size = try size(node)
      try finish(node, size)
      addVectorLayer(node, .activation, reads: elements(size), writes: elements(size))
    case "Add": try addAddition(node)
    case "MaxPool", "AveragePool": try addPooling(node)
    case "GlobalAveragePool", "GlobalMaxPool":
      try addPlanePooling(node, keepsAxes: true)
    case "ReduceMean", "ReduceMax": try addReduction(node)
    case "Dropout":
      let size = try size(node)
      try finish(node, size)
      addVectorLayer(node, .dropout, reads: elements(size), writes: elements(size))
    case "Identity", "Cast":
      // Of a constant: another one, of values that mean the same.
      if let (_, value) = constant(node, 0), let output = node.outputs.first {
        constants[output] = value
      } else if node.operation == "Identity" {
        try finish(node, size(node))
      } else {
        throw Unsupported("no layer of the model")
      }
    case "Constant": try addConstant(node)
    case "Flatten", "Reshape", "Squeeze", "Unsqueeze": try finish(node, reshaped(node))
    default: throw Unsupported("no layer of the model")
    }
  }

  private func elements(_ size: [Int]) -> Int { size.reduce(1, *) }

  // MARK: Layers with weights

  private mutating func addConvolution(_ node: ONNXGraph.Node) throws(Unsupported) {
    let size = try size(node)
    guard let (name, weights) = constant(node, 1) else { throw Unsupported("computed weights") }
    let shape = weights.shape
    guard shape.count == 4, size.count == 3 else {
      throw Unsupported("a convolution of \(shape.count - 2) axes, not of two")
    }
    let window = try Window(node, kernel: Array(shape[2...]), size: Array(size[1...]))
    let groups = try node.integer("group", 1)
    // Also where this layer is not simulated, those behind it are.
    try finish(node, [shape[0]] + window.outputs(roundsUp: false))
    guard window.strides[0] == window.strides[1] else {
      throw Unsupported("strides \(window.strides), not one for both axes")
    }
    guard window.dilations == [1, 1] else { throw Unsupported("dilations \(window.dilations)") }
    guard window.begins == window.ends else {
      throw Unsupported("padding \(window.begins + window.ends), not alike on both sides")
    }
    guard (1...1 << 24).contains(groups), shape[1] <= size[0], shape[1] * groups == size[0] else {
      throw Unsupported(
        "\(groups) groups of \(shape[1]) channels on a map of \(size[0]) channels")
    }
    guard
      let geometry = ConvolutionGeometry(
        input: MapShape(channels: size[0], height: size[1], width: size[2]), filters: shape[0],
        rows: shape[2], columns: shape[3], stride: window.strides[0],
        paddingRows: window.begins[0], paddingColumns: window.begins[1], groups: groups)
    else {
      throw Unsupported(
        "\(shape[0]) kernels of \(shape[2])x\(shape[3]) on a map of \(size): at most 16 columns, no "
          + "larger than the padded map")
    }
    try addConvolution(
      node, geometry, Weights(name: name, constant: weights, isTransposed: false))
  }

  private mutating func addLinear(_ node: ONNXGraph.Node) throws(Unsupported) {
    let size = try size(node)
    guard let (name, weights) = constant(node, 1) else { throw Unsupported("computed weights") }
    // A MatMul has neither setting.
    let isTransposed = try node.integer("transB", 0) == 0
    guard try node.integer("transA", 0) == 0 else { throw Unsupported("transA") }
    guard size.count == 1, weights.shape.count == 2,
      size[0] == weights.shape[isTransposed ? 0 : 1], let outputs = weights.shape.first,
      let columns = weights.shape.last,
      let geometry = ConvolutionGeometry(
        input: MapShape(channels: size[0], height: 1, width: 1),
        filters: isTransposed ? columns : outputs, rows: 1, columns: 1)
    else {
      throw Unsupported("weights \(weights.shape) on a value of \(size)")
    }
    try finish(node, [geometry.filters])
    products.formUnion(node.outputs)
    try addConvolution(
      node, geometry, Weights(name: name, constant: weights, isTransposed: isTransposed))
  }

  // MARK: Vector layers

  /// A normalisation, with the addition and the activation behind it that nothing else reads.
  private mutating func addBatchNorm(_ node: ONNXGraph.Node) throws(Unsupported) {
    let size = try size(node)
    try finish(node, size)
    markGradient(node.outputs)
    var hasResidual = false
    var value = node.outputs.first ?? ""
    if let (index, next) = onlyReader(of: value), next.operation == "Add", next.domain.isEmpty,
      next.inputs.count == 2, let other = next.inputs.first(where: { $0 != value }),
      sizes[other] == size,
      let output = next.outputs.first
    {
      // Of two normalisations that are added the later one takes the addition.
      take(index)
      hasResidual = true
      value = output
    }
    if let (index, next) = onlyReader(of: value), ["Relu", "Clip"].contains(next.operation),
      next.domain.isEmpty, next.inputs.first == value, let output = next.outputs.first
    {
      take(index)
      value = output
    }
    sizes[value] = size
    markGradient([value])
    addVectorLayer(
      node, hasResidual ? .batchNormWithResidual : .batchNorm,
      reads: (hasResidual ? 2 : 1) * elements(size), writes: elements(size))
  }

  private mutating func addAddition(_ node: ONNXGraph.Node) throws(Unsupported) {
    guard node.inputs.count == 2 else { throw Unsupported("\(node.inputs.count) inputs") }
    if let constant = node.inputs.firstIndex(where: { constants[$0] != nil }) {
      let size = try size(node, 1 - constant)
      guard products.contains(node.inputs[1 - constant]),
        constants[node.inputs[constant]]?.shape == size
      else { throw Unsupported("adds a constant that is no bias of a MatMul") }
      // A bias: part of its layer, as in Conv and Gemm.
      return try finish(node, size)
    }
    let (first, second) = (try size(node, 0), try size(node, 1))
    guard first == second else { throw Unsupported("adds \(first) and \(second)") }
    try finish(node, first)
    addVectorLayer(node, .add, reads: 2 * elements(first), writes: elements(first))
  }

  private mutating func addPooling(_ node: ONNXGraph.Node) throws(Unsupported) {
    let size = try size(node)
    guard size.count == 3, case .ints(let kernel)? = node.attributes["kernel_shape"],
      kernel.count == 2
    else { throw Unsupported("a pooling that is not of two axes") }
    let window = try Window(node, kernel: kernel, size: Array(size[1...]))
    let output = try [size[0]] + window.outputs(roundsUp: node.integer("ceil_mode", 0) != 0)
    try finish(node, output)
    addVectorLayer(node, .pooling, reads: elements(size), writes: elements(output))
  }

  private mutating func addPlanePooling(_ node: ONNXGraph.Node, keepsAxes: Bool)
    throws(Unsupported)
  {
    let size = try size(node)
    guard size.count == 3 else { throw Unsupported("a pooling that is not of two axes") }
    try finish(node, keepsAxes ? [size[0], 1, 1] : [size[0]])
    addVectorLayer(node, .pooling, reads: elements(size), writes: size[0])
  }

  /// The mean or maximum of each plane.
  private mutating func addReduction(_ node: ONNXGraph.Node) throws(Unsupported) {
    let axes = try listed(node, "axes")?.map { $0 < 0 ? $0 + 4 : $0 }.sorted()
    guard axes == [2, 3] else { throw Unsupported("not of the two axes of a plane") }
    try addPlanePooling(node, keepsAxes: node.integer("keepdims", 1) != 0)
  }

  // MARK: What moves nothing

  private mutating func addConstant(_ node: ONNXGraph.Node) throws(Unsupported) {
    guard let output = node.outputs.first else { return }
    switch (node.attributes["value"], node.attributes["value_ints"], node.attributes["value_int"]) {
    case (.constant(let value), _, _): constants[output] = value
    case (_, .ints(let values), _): constants[output] = ONNXGraph.Constant(values)
    case (_, _, .int(let value)): constants[output] = ONNXGraph.Constant([value])
    default:
      guard case .float(let value) = node.attributes["value_float"] else {
        throw Unsupported("a constant of another kind than numbers")
      }
      constants[output] = ONNXGraph.Constant([value], shape: [])
    }
  }

  /// Numbers that a node has as an attribute (old sets of operations) or as its second input.
  private func listed(_ node: ONNXGraph.Node, _ name: String) throws(Unsupported) -> [Int]? {
    if case .ints(let values)? = node.attributes[name] { return values }
    guard node.inputs.count > 1, !node.inputs[1].isEmpty else { return nil }
    guard let values = constant(node, 1)?.value.integers, values.count <= 16 else {
      throw Unsupported("\(name) that are no constant")
    }
    return values
  }

  /// The size after a change of axes alone.
  private func reshaped(_ node: ONNXGraph.Node) throws(Unsupported) -> [Int] {
    let size = try size(node)
    let count = elements(size)
    let rank = size.count + 1
    switch node.operation {
    case "Flatten":
      let axis = try node.integer("axis", 1)
      guard axis == 1 || axis == 1 - rank else { throw Unsupported("axis \(axis), not 1") }
      return [count]
    case "Reshape":
      guard var axes = try listed(node, "shape"), axes.count > 1 else {
        throw Unsupported("a shape of fewer than two axes")
      }
      axes.removeFirst()
      for index in axes.indices where axes[index] == 0 && index < size.count {
        axes[index] = size[index]
      }
      let known = axes.filter { $0 != -1 }
      guard known.allSatisfy({ $0 > 0 && $0 <= count }), axes.count - known.count <= 1 else {
        throw Unsupported("the shape \(axes)")
      }
      var product = 1
      for axis in known {
        guard axis <= count / product else { throw Unsupported("the shape \(axes)") }
        product *= axis
      }
      if let open = axes.firstIndex(of: -1), count % product == 0 {
        axes[open] = count / product
        product = count
      }
      // The images stay apart where each has as many values as before.
      guard product == count else { throw Unsupported("mixes the values of images") }
      return axes
    case "Squeeze":
      let axes = Set(try listed(node, "axes")?.map { $0 < 0 ? $0 + rank : $0 } ?? [])
      let others = size.indices.filter { !axes.contains($0 + 1) }
      guard !axes.isEmpty, axes.allSatisfy({ (1..<rank).contains($0) && size[$0 - 1] == 1 }),
        !others.isEmpty
      else { throw Unsupported("axes other than those of one value") }
      return others.map { size[$0] }
    default:
      let all = try listed(node, "axes") ?? []
      let axes = Set(all.map { $0 < 0 ? $0 + rank + all.count : $0 })
      guard axes.count == all.count, axes.allSatisfy({ (1..<rank + axes.count).contains($0) })
      else { throw Unsupported("the axes \(all)") }
      var rest = size[...]
      return (1..<rank + axes.count).map { axes.contains($0) ? 1 : rest.removeFirst() }
    }
  }
}

/// How a window moves over the axes of a map.
private struct Window {
  let kernel: [Int]
  let size: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// Padding before the first and behind the last value of each axis.
  let begins: [Int]
  let ends: [Int]

  init(_ node: ONNXGraph.Node, kernel: [Int], size: [Int]) throws(ONNXImport.Unsupported) {
    func list(_ name: String, _ standard: [Int], least: Int) throws(ONNXImport.Unsupported) -> [Int]
    {
      guard let attribute = node.attributes[name] else { return standard }
      guard case .ints(let values) = attribute, values.count == standard.count,
        values.allSatisfy({ (least...1 << 20).contains($0) })
      else { throw .init("\(name) other than \(standard.count) numbers from \(least)") }
      return values
    }
    guard kernel.allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw .init("kernels of \(kernel)")
    }
    self.kernel = kernel
    self.size = size
    let strides = try list("strides", [1, 1], least: 1)
    let dilations = try list("dilations", [1, 1], least: 1)
    self.strides = strides
    self.dilations = dilations
    if try list("kernel_shape", kernel, least: 1) != kernel {
      throw .init("a kernel_shape other than its weights' \(kernel)")
    }
    var automatic = "NOTSET"
    if case .text(let word)? = node.attributes["auto_pad"] { automatic = word }
    switch automatic {
    case "NOTSET", "":
      let pads = try list("pads", [0, 0, 0, 0], least: 0)
      begins = Array(pads[..<2])
      ends = Array(pads[2...])
    case "VALID":
      begins = [0, 0]
      ends = [0, 0]
    case "SAME_UPPER", "SAME_LOWER":
      // As many outputs as strides fit into the map, rounded up.
      let whole = (0..<2).map { axis in
        let outputs = (size[axis] + strides[axis] - 1) / strides[axis]
        let reach = (kernel[axis] - 1) * dilations[axis] + 1
        return max(0, (outputs - 1) * strides[axis] + reach - size[axis])
      }
      let less = whole.map { $0 / 2 }
      let more = whole.map { $0 - $0 / 2 }
      begins = automatic == "SAME_UPPER" ? less : more
      ends = automatic == "SAME_UPPER" ? more : less
    default: throw .init("auto_pad '\(automatic)'")
    }
  }

  /// The sides of the map written.
  func outputs(roundsUp: Bool) throws(ONNXImport.Unsupported) -> [Int] {
    var outputs: [Int] = []
    for axis in 0..<2 {
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      let room = size[axis] + begins[axis] + ends[axis] - reach
      guard room >= 0 else { throw .init("windows of \(kernel) on a map of \(size)") }
      var count = room / strides[axis] + 1
      // A last window that the map does not fill, unless it holds padding alone.
      if roundsUp, room % strides[axis] > 0, count * strides[axis] < size[axis] + begins[axis] {
        count += 1
      }
      outputs.append(count)
    }
    return outputs
  }
}

extension ONNXGraph.Node {
  /// A number among the attributes.
  fileprivate func integer(_ name: String, _ standard: Int) throws(ONNXImport.Unsupported) -> Int {
    guard let attribute = attributes[name] else { return standard }
    guard case .int(let value) = attribute else { throw .init("\(name) that is no whole number") }
    return value
  }
}
