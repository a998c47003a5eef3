// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// The name and shape of a layer's weights in other programs.
public struct TensorName: Sendable, Equatable {
  /// For example `layer1.0.conv1.weight`.
  public var name: String
  /// `[K][C][R][S]`, of a linear layer `[K][C]`.
  public var shape: [Int]

  /// A name with a shape.
  public init(_ name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }
}

extension MaskSnapshot {
  private static let inputZeros = ".input_zeros"
  private static let gradientZeros = ".gradient_zeros"

  /// The bytes of an npz file: of each layer a mask of truth values, and the sparsity of its activations
  /// and output gradients (`NAME.input_zeros`, `NAME.gradient_zeros`) where it was observed.
  ///
  /// - Parameter tensors: names of the layers in other programs; those that it lacks keep their name and
  ///   four axes.
  public func numPyArchive(tensors: [String: TensorName]) -> Data {
    NumPyArchive.encoded(
      layers.flatMap { layer -> [(String, NumPyArray)] in
        let shape = layer.shape
        let tensor =
          tensors[layer.name]
          ?? TensorName(
            layer.name + ".weight",
            shape: [shape.filters, shape.channels, shape.rows, shape.columns])
        let zeros = [
          (Self.inputZeros, layer.inputSparsity), (Self.gradientZeros, layer.gradientSparsity),
        ]
        return [(tensor.name, NumPyArray(layer.mask.elementBits, shape: tensor.shape))]
          + zeros.compactMap { ending, share in
            share.map { (Self.layerName(tensor.name) + ending, NumPyArray($0)) }
          }
      })
  }

  /// Reads masks of a network's layers, and their sparsity of activations and gradients, from an npz file
  /// or a folder of npy files.
  ///
  /// `LAYER.input_zeros` and `LAYER.gradient_zeros` are fractions of zeros in the layer's input and in its
  /// output's gradient, or masks of them (not zero where the value is zero), of the map's shape, with or
  /// without an axis of images before it.
  ///
  /// An array is named after its layer, perhaps with `.weight`, `.weight_mask` and `.weight_orig` (as
  /// `torch.nn.utils.prune` has them) or `.mask` behind it, and below any prefix of a wrapper. Every
  /// value that is not zero is kept, so weights will do too. Layers without a mask are dense.
  ///
  /// - Parameters:
  ///   - names: our names of layers by those of other programs, where they differ.
  ///   - step: the step of training that the masks are of.
  /// - Returns: the masks, and what else the file or folder holds.
  /// - Throws: `InputError`, also where no array is named after a layer of the network.
  public static func reading(
    numPy path: String, network: NetworkDescription, names: [String: String] = [:], step: Int = 0
  ) throws(InputError) -> (masks: MaskSnapshot, leftOut: [String]) {
    let source = try MaskSource(path: path)
    let layers = Dictionary(
      network.convolutions.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    var theirs = Dictionary(layers.keys.map { ($0, $0) }, uniquingKeysWith: { $1 })
    theirs.merge(names.filter { layers[$0.value] != nil }) { $1 }
    let state = StateNames(
      found: source.names,
      needed: theirs.keys.flatMap { layer in ([""] + endings).map { layer + $0 } })
    var found: [String: FoundMask] = [:]
    var leftOut = source.others + state.others
    for (name, array) in state.byName.sorted(by: { $0.value < $1.value }) {
      guard let layer = layers[theirs[layerName(name)] ?? ""] else {
        leftOut.append(array)
        continue
      }
      try found[layer.name, default: FoundMask()].take(array, called: name, of: layer, source)
    }
    guard !found.isEmpty else {
      throw InputError(
        file: path, field: "arrays", value: StateNames.list(source.names),
        allowed: "names of layers of \(network.name): "
          + network.convolutions.map(\.name).joined(separator: ", "))
    }
    let masks = network.convolutions.map { layer in
      let mask = found[layer.name]?.mask ?? LayerMask(dense: layer.filterShape)
      let (input, gradient) = (found[layer.name]?.inputZeros, found[layer.name]?.gradientZeros)
      var known = Layer(
        name: layer.name, granularity: mask.recognizedGranularity,
        mask: mask, inputSparsity: input?.sparsity, gradientSparsity: gradient?.sparsity)
      known.inputZeros = input?.mask
      known.gradientZeros = gradient?.mask
      return known
    }
    return (MaskSnapshot(step: step, epoch: 0, layers: masks), leftOut.sorted())
  }

  private static let original = ".weight_orig"
  private static let pruned = ".weight_mask"
  private static let endings = [
    ".weight", pruned, original, ".mask", "_mask", inputZeros, gradientZeros,
  ]

  /// The layer that an array belongs to.
  private static func layerName(_ array: String) -> String {
    guard let ending = endings.first(where: { array.hasSuffix($0) }) else { return array }
    return String(array.dropLast(ending.count))
  }

  /// The content of the arrays for a layer.
  private struct FoundMask {
    var inputZeros: Zeros?
    var gradientZeros: Zeros?
    private var kept: [String: LayerMask] = [:]

    /// The mask; of a weight and its mask, what both keep.
    var mask: LayerMask? {
      guard let original = kept[MaskSnapshot.original], let pruned = kept[MaskSnapshot.pruned]
      else { return kept.values.first }
      let (first, second) = (original.elementBits, pruned.elementBits)
      return LayerMask(
        recognizing: Bits(count: first.count) { first[$0] && second[$0] }, shape: pruned.shape)
    }

    mutating func take(
      _ array: String, called name: String, of layer: NetworkDescription.Convolution,
      _ source: MaskSource
    ) throws(InputError) {
      if name.hasSuffix(MaskSnapshot.inputZeros) {
        inputZeros = try source.zeros(array, of: layer.geometry.input)
      } else if name.hasSuffix(MaskSnapshot.gradientZeros) {
        gradientZeros = try source.zeros(array, of: layer.geometry.output)
      } else {
        let ending = MaskSnapshot.endings.first { name.hasSuffix($0) } ?? ""
        let pair = Set([MaskSnapshot.original, MaskSnapshot.pruned])
        guard kept.isEmpty || pair.isSuperset(of: Array(kept.keys) + [ending]) else {
          throw InputError(
            file: source.path, field: "array '\(array)'",
            value: "a second mask of layer \(layer.name)", allowed: "one for each layer")
        }
        kept[ending] = try source.mask(array, of: layer)
      }
    }
  }
}

/// Zeros of a feature map: a fraction of its values, or which of them.
private struct Zeros {
  var sparsity: Double
  var mask: ZeroMask?
}

/// The arrays of an npz file or of a folder of npy files, by name.
private struct MaskSource {
  let names: [String]
  /// What else there is.
  let others: [String]
  let path: String
  private let archive: NumPyArchive?

  init(path: String) throws(InputError) {
    self.path = path
    guard isFolder(path) else {
      let archive = try NumPyArchive(path: path)
      self.archive = archive
      names = archive.names
      others = archive.others
      return
    }
    archive = nil
    let files = try visibleFiles(in: path)
    names = files.filter { $0.hasSuffix(".npy") }.map { String($0.dropLast(4)) }
    others = files.filter { !$0.hasSuffix(".npy") }
    guard !names.isEmpty else {
      throw InputError(
        file: path, field: "folder", value: StateNames.list(others), allowed: "npy files")
    }
  }

  /// - Parameter limit: the most bytes of an array of an npz file, which may be compressed.
  private func array(_ name: String, limit: Int) throws(InputError) -> NumPyArray {
    guard let archive else { return try NumPyArray(path: path + "/" + name + ".npy") }
    return try archive.array(name, limit: limit)
  }

  private func error(_ name: String, _ value: String, _ allowed: String) -> InputError {
    InputError(file: path, field: "array '\(name)'", value: value, allowed: allowed)
  }

  /// The most values of a mask of zeros.
  private static let mostZeros = 1 << 28

  func zeros(_ name: String, of map: MapShape) throws(InputError) -> Zeros {
    let array = try array(name, limit: Self.mostZeros + 1 << 17)
    if array.count == 1 {
      guard (0...1).contains(array[0]) else {
        throw error(name, "\(array[0])", "one number, 0 to 1")
      }
      return Zeros(sparsity: array[0])
    }
    let whole = [map.channels, map.height, map.width]
    let isPointwise = map.height == 1 && map.width == 1
    let image = isPointwise && array.shape.last == map.channels ? [map.channels] : whole
    guard array.shape.suffix(image.count) == image[...], array.shape.count <= image.count + 1,
      let set = array.nonZero, array.count >= map.count
    else {
      throw error(
        name, "shape \(array.shape)",
        "one number, 0 to 1, or finite numbers that are not zero where a value of the map is, of shape "
          + "\(whole) or [images] + \(whole)")
    }
    let mask = ZeroMask(map: map, images: array.count / map.count, zeros: set)
    return Zeros(sparsity: mask.sparsity, mask: mask)
  }

  func mask(_ name: String, of layer: NetworkDescription.Convolution) throws(InputError)
    -> LayerMask
  {
    let shape = layer.filterShape
    // Values of eight bytes, and a header.
    let array = try array(name, limit: 8 * shape.count + 1 << 17)
    let whole = [shape.filters, shape.channels, shape.rows, shape.columns]
    guard array.shape == whole || (shape.isPointwise && array.shape == Array(whole.prefix(2)))
    else { throw error(name, "shape \(array.shape)", "\(whole), the weights of \(layer.name)") }
    guard let kept = array.nonZero else {
      throw error(name, "a value that is not finite", "finite numbers")
    }
    return LayerMask(recognizing: kept, shape: shape)
  }
}
