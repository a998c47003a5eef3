// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// The layers of a topology file of SCALE-Sim: a CSV file with a line for each convolution or matrix
/// product.
///
/// Format: https://github.com/scalesim-project/SCALE-Sim, `topologies`. Columns are `Layer name, IFMAP
/// Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides` (or `Stride Height,
/// Stride Width`), or `Layer, M, N, K` and perhaps a number of such products. They are found by their
/// names where the header has each of them once, and else by their places, as there. Maps hold their
/// padding already, an output that the stride does not reach in full counts, a name with `DP` is a
/// depthwise convolution, and a filter as wide as its only channel is a matrix product. Cells may be in
/// quotes and between semicolons or tabs; lines that start with `#` or `//` are comments.
public struct TopologyFile: Sendable {
  /// The layers, with one image a step; pruning may touch all but those of at most four channels.
  public let network: NetworkDescription
  /// What the file has and the layers cannot represent, a line each.
  public let leftOut: [String]

  private static let mostBytes = 1 << 24
  private static let mostLayers = 10_000
  /// Of a layer, and of all: masks and random weights take memory that a short line can ask for.
  private static let mostWeights = (layer: 1 << 30, all: 1 << 32)
  /// Of a layer and an image, so that no count overflows.
  private static let mostProducts = 1 << 46

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init(fileBytes(path), file: path)
  }

  /// Reads the lines.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(_ data: Data, file: String) throws(InputError) {
    if let kind = foreignKind(data, isText: true) {
      throw InputError(file: file, field: "file", value: kind, allowed: "a topology in CSV")
    }
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    let content = data.starts(with: byteOrderMark) ? data.dropFirst(3) : data
    guard content.count <= Self.mostBytes, let text = String(validating: content, as: UTF8.self)
    else {
      throw InputError(
        file: file, field: "file",
        value: content.count <= Self.mostBytes
          ? "text in another encoding than UTF-8" : "\(data.count) bytes",
        allowed: "text in UTF-8, at most \(Self.mostBytes) bytes")
    }
    var rows = TopologyRow.rows(of: text)
    guard let first = rows.first, rows.count <= Self.mostLayers + 1 else {
      throw InputError(
        file: file, field: "lines", value: "\(rows.count)",
        allowed: "a header and at most \(Self.mostLayers) layers")
    }
    // A file without a header starts with a layer.
    let header = first.isLayer ? [] : rows.removeFirst().cells
    let columns = try TopologyColumns(header, first: rows.first?.cells ?? [], file: file)
    var convolutions: [NetworkDescription.Convolution] = []
    var names = Set<String>()
    var weights = 0
    for row in rows {
      let reader = TopologyLayer(row: row, columns: columns, file: file)
      var name = try reader.name()
      if !names.insert(name).inserted {
        // Topologies of several networks name their layers alike.
        name += " (line \(row.line))"
        names.insert(name)
      }
      let geometry = try reader.geometry(name)
      weights += geometry.weights
      guard geometry.weights <= Self.mostWeights.layer, weights <= Self.mostWeights.all,
        geometry.output.pixels <= Self.mostProducts / geometry.weights
      else {
        throw InputError(
          file: file, field: "line \(row.line)",
          value: "\(geometry.weights) weights on \(geometry.output.pixels) pixels",
          allowed:
            "at most \(Self.mostWeights.layer) weights (\(Self.mostWeights.all) in all layers) "
            + "and \(Self.mostProducts) MACs")
      }
      convolutions.append(
        NetworkDescription.Convolution(
          name: name, geometry: geometry, needsInputGradient: !convolutions.isEmpty,
          prunable: geometry.channelsPerGroup > 4))
    }
    let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    network = NetworkDescription(
      name: name, batch: 1, convolutions: convolutions, vectorLayers: [])
    do {
      try network.validate(file: file)
    } catch {
      throw InputError(
        file: file, field: error.field, value: error.value, allowed: error.allowed)
    }
    leftOut = columns.leftOut(rows.map(\.cells))
  }
}
