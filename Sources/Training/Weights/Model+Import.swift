// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Tensor

/// Which tensors a model took from a file, and which layers it re-initialised.
public struct WeightImport: Sendable, Equatable {
  /// A layer that keeps its random initial weights, because the file's are of another shape.
  public struct Replacement: Sendable, Equatable {
    /// Name of the layer.
    public let layer: String
    /// Shape in the file; nil where it has several layers in its place.
    public let fileShape: [Int]?
    /// Shape in the model.
    public let shape: [Int]
  }

  /// Tensors that were taken.
  public var tensors = 0
  /// The step of the training that made them, where the file says so.
  public var step: Int?
  /// The layers that were not taken: the classifier, the first convolution.
  public var replaced: [Replacement] = []
  /// Tensors of the file that are beside the network's, under another prefix or of another type than
  /// floats.
  public var ignored: [String] = []
}

extension Model {
  /// Takes weights and running statistics from a file in the names and shapes of `exportedArrays`.
  ///
  /// A classifier of another number of classes keeps its random initial weights, and so does a
  /// first convolution of another kernel size, as networks for larger images have it. Biases of
  /// convolutions that a norm follows, as in torchvision's `vgg16_bn`, move into the norm's mean: what
  /// the layers compute together stays the same. `num_batches_tracked` has no meaning here.
  ///
  /// - Throws: `InputError` for a tensor that is missing, of another shape or with values that are
  ///   not finite, and for one that the network has no place for; the model is then as it was.
  public func load(_ file: SafetensorsFile) throws(InputError) -> WeightImport {
    var source = WeightSource(file, needed: network.exchangeShapes.map(\.name))
    let names = network.exchangeNames
    var actions: [() -> Void] = []
    var result = WeightImport(step: file.metadata["step"].flatMap { Int($0) })
    // The bias of a convolution without a place for it, until the norm behind it takes it.
    var biases: [Network.Value: [Float]] = [:]
    for (layer, node) in zip(layers, network.nodes) {
      let name = names[node.name] ?? node.name
      let tensors = layer.tensors
      guard let first = tensors.first else { continue }
      let found = source.shape(name + "." + first.suffix)
      if replaces(node.name, first.shape, by: found, has: source.names(under: name)) {
        result.replaced.append(
          WeightImport.Replacement(layer: node.name, fileShape: found, shape: first.shape))
        source.skip([name + ".weight", name + ".bias"] + source.names(under: name))
        continue
      }
      for tensor in tensors {
        var values = try source.values(
          "\(name).\(tensor.suffix)", tensor.shape, least: tensor.least)
        if tensor.takesBias, let bias = biases.removeValue(forKey: node.inputs[0]) {
          for channel in values.indices { values[channel] -= bias[channel] }
        }
        actions.append { tensor.store(values) }
      }
      if !tensors.contains(where: { $0.suffix == "bias" }), source.shape(name + ".bias") != nil {
        biases[node.output] = try source.values(
          name + ".bias", [network.map(node.output).channels])
      }
      if tensors.contains(where: { $0.statistic != nil }) {
        source.skip([name + ".num_batches_tracked"])
      }
    }
    try source.checkAllUsed(by: network)
    if !biases.isEmpty {
      let names = network.nodes.filter { biases[$0.output] != nil }.map(\.name)
      throw InputError(
        file: file.file, field: "layers \(names.joined(separator: ", "))", value: "a bias",
        allowed: "none: \(network.name) has no norm behind them to take it")
    }
    for action in actions { action() }
    result.tensors = source.taken
    result.ignored = source.ignored
    return result
  }

  /// Whether a layer keeps its random initial weights, though the file has others.
  private func replaces(_ layer: String, _ shape: [Int], by found: [Int]?, has parts: [String])
    -> Bool
  {
    if layer == network.classifier {
      // VGG-16 for large images has three layers where that for small ones has one.
      guard let found else { return parts.contains { $0.hasSuffix(".weight") } }
      return found.first != shape.first && found.dropFirst() == shape.dropFirst()
    }
    guard layer == network.convolutions.first?.name, let found, found.count == 4 else {
      return false
    }
    return found.prefix(2) == shape.prefix(2) && found != shape && found.suffix(2).min() ?? 0 > 0
  }
}

/// The tensors of a file, and which of them have been asked for.
private struct WeightSource {
  private let state: StateFile
  /// Names in the network.
  private var left: Set<String>
  private(set) var taken = 0

  init(_ file: SafetensorsFile, needed: [String]) {
    state = StateFile(file, needed: needed)
    // A tensor of another type than floats, a counter for example, belongs to no layer.
    left = Set(state.names.filter(state.isFloat))
  }

  /// Tensors that no layer could miss.
  var ignored: [String] {
    state.others
      + state.names.filter { !state.isFloat($0) }.flatMap(state.fileNames).sorted()
      .filter { !$0.hasSuffix("num_batches_tracked") }
  }

  func shape(_ name: String) -> [Int]? { left.contains(name) ? state.shape(name) : nil }

  /// Tensors of layers inside a layer.
  func names(under name: String) -> [String] {
    Array(left).filter { $0.hasPrefix(name + ".") && $0.dropFirst(name.count + 1).contains(".") }
  }

  mutating func skip(_ names: [String]) {
    left.subtract(names)
  }

  /// Takes a tensor.
  mutating func values(_ name: String, _ shape: [Int], least: Float = -.infinity)
    throws(InputError) -> [Float]
  {
    let field = "tensor '\(name)'"
    guard state.shape(name) == nil || state.shape(name) == shape else {
      throw InputError(
        file: state.file.file, field: field + " shape", value: "\(state.shape(name) ?? [])",
        allowed: "\(shape)")
    }
    left.remove(name)
    let values = try state.values(name)
    if let bad = values.first(where: { $0 < least }) {
      throw InputError(
        file: state.file.file, field: field + " values", value: "\(bad)",
        allowed: least == 0 ? "finite, 0 or more" : "finite")
    }
    taken += 1
    return values
  }

  func checkAllUsed(by network: Network) throws(InputError) {
    if left.isEmpty { return }
    let names = left.flatMap(state.fileNames).sorted()
    throw InputError(
      file: state.file.file,
      field: "tensors \(names.prefix(8).joined(separator: ", "))"
        + (names.count > 8 ? " and \(names.count - 8) more" : ""),
      value: "no layer of \(network.name) for them", allowed: "the network's own tensors")
  }
}
