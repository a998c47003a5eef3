// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

/// What other programs call the weights of a layer.
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

  /// The bytes of an npz file: of each layer a mask of truth values, and the shares of zeros among its
  /// activations and output gradients (`NAME.input_zeros`, `NAME.gradient_zeros`) where they were
  /// observed.
  ///
  /// - Parameter tensors: what other programs call the layers; those that it lacks keep their name
  ///   and four axes.
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

  /// Reads masks of a network's layers, and shares of zeros, from an npz file or a folder of npy
  /// files.
  ///
  /// An array is named after its layer, perhaps with `.weight`, `.weight_mask` (as
  /// `torch.nn.utils.prune` has it) or `.mask` behind it. Every value that is not zero is kept, so
  /// weights will do too. Layers without a mask are dense.
  ///
  /// - Parameters:
  ///   - names: our names of layers by those of other programs, where they differ.
  ///   - step: the step of training that the masks are of.
  /// - Throws: `InputError`, also for an array that no layer of the network has a use for.
  public init(
    numPy path: String, network: NetworkDescription, names: [String: String] = [:], step: Int = 0
  ) throws(InputError) {
    let source = try MaskSource(path: path)
    let layers = Dictionary(
      network.convolutions.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    var masks: [String: LayerMask] = [:]
    var zeros: [String: (input: Double?, gradient: Double?)] = [:]
    for name in source.names {
      let theirs = Self.layerName(name)
      guard let layer = layers[names[theirs] ?? theirs] else {
        throw InputError(
          file: path, field: "array '\(name)'",
          value: "no layer of \(network.name) with this name",
          allowed: network.convolutions.map(\.name).joined(separator: ", "))
      }
      if name.hasSuffix(Self.inputZeros) {
        zeros[layer.name, default: (nil, nil)].input = try source.share(name)
      } else if name.hasSuffix(Self.gradientZeros) {
        zeros[layer.name, default: (nil, nil)].gradient = try source.share(name)
      } else {
        let mask = try source.mask(name, of: layer)
        if masks.updateValue(mask, forKey: layer.name) != nil {
          throw InputError(
            file: path, field: "array '\(name)'", value: "a second mask of layer \(layer.name)",
            allowed: "one for each layer")
        }
      }
    }
    self.init(
      step: step, epoch: 0,
      layers: network.convolutions.compactMap { layer in
        let mask = masks[layer.name] ?? LayerMask(dense: layer.filterShape)
        let observed = zeros[layer.name]
        return Layer(
          name: layer.name, granularity: mask.recognizedGranularity,
          mask: mask, inputSparsity: observed?.input, gradientSparsity: observed?.gradient)
      })
  }

  /// The layer that an array belongs to.
  private static func layerName(_ array: String) -> String {
    let endings = [".weight", ".weight_mask", ".mask", inputZeros, gradientZeros]
    guard let ending = endings.first(where: { array.hasSuffix($0) }) else { return array }
    return String(array.dropLast(ending.count))
  }
}

/// The arrays of an npz file or of a folder of npy files, by name.
private struct MaskSource {
  let names: [String]
  private let path: String
  private let archive: NumPyArchive?

  init(path: String) throws(InputError) {
    self.path = path
    guard isFolder(path) else {
      let archive = try NumPyArchive(path: path)
      self.archive = archive
      names = archive.names
      return
    }
    archive = nil
    names = try visibleFiles(in: path).map { file throws(InputError) in
      guard file.hasSuffix(".npy") else {
        throw InputError(
          file: path, field: "file '\(file)'", value: "another ending", allowed: "npy files alone")
      }
      return String(file.dropLast(4))
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

  func share(_ name: String) throws(InputError) -> Double {
    let array = try array(name, limit: 1 << 17)
    guard array.count == 1, (0...1).contains(array[0]) else {
      throw error(name, array.count == 1 ? "\(array[0])" : "\(array.shape)", "one number, 0 to 1")
    }
    return array[0]
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
      throw error(name, "a value that is no number", "numbers")
    }
    return LayerMask(recognizing: kept, shape: shape)
  }
}
