// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// The layers of a topology file of SCALE-Sim: a CSV file with a line for each convolution or matrix
/// product.
///
/// Format: https://github.com/scalesim-project/SCALE-Sim, `topologies`. Columns are found by their
/// names: `Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,
/// Strides` (or `Stride Height, Stride Width`), or `Layer, M, N, K`. As there, maps hold their padding
/// already, an output that the stride does not reach in full counts, and a name with `DP` is a
/// depthwise convolution.
public struct TopologyFile: Sendable {
  /// The layers, with one image a step; pruning may touch all but those of at most four channels.
  public let network: NetworkDescription
  /// What the file says and the layers do not, a line each.
  public let leftOut: [String]

  private static let mostBytes = 1 << 24
  private static let mostLayers = 10_000
  /// Of a layer, and of all: masks and drawn weights take memory that a short line can ask for.
  private static let mostWeights = (layer: 1 << 27, all: 1 << 30)
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
    let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
    let content = data.starts(with: byteOrderMark) ? data.dropFirst(3) : data
    guard content.count <= Self.mostBytes, let text = String(validating: content, as: UTF8.self)
    else {
      throw InputError(
        file: file, field: "file", value: "\(data.count) bytes",
        allowed: "text in UTF-8, at most \(Self.mostBytes) bytes")
    }
    let rows = text.split(omittingEmptySubsequences: false) { $0.isNewline }.enumerated()
      .map { (line: $0.offset + 1, cells: Self.cells($0.element)) }
      .filter { $0.cells.contains { !$0.isEmpty } }
    guard let header = rows.first, rows.count <= Self.mostLayers + 1 else {
      throw InputError(
        file: file, field: "lines", value: "\(rows.count)",
        allowed: "a header and at most \(Self.mostLayers) layers")
    }
    let columns = try Columns(header.cells, file: file)
    var convolutions: [NetworkDescription.Convolution] = []
    var names = Set<String>()
    var weights = 0
    for row in rows.dropFirst() {
      let reader = Row(cells: row.cells, line: row.line, columns: columns, file: file)
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
            + "and \(Self.mostProducts) products")
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
    leftOut = columns.leftOut(rows.dropFirst().map(\.cells))
  }

  private static func cells(_ line: Substring) -> [String] {
    line.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  /// Where the columns that are read stand.
  fileprivate struct Columns {
    enum Kind {
      case convolutions(
        rows: Int, columns: Int, kernelRows: Int, kernelColumns: Int, channels: Int,
        filters: Int, strides: [Int])
      case products(m: Int, n: Int, k: Int)
    }

    let kind: Kind
    let name: Int
    private let titles: [String]
    private let used: Set<Int>

    init(_ cells: [String], file: String) throws(InputError) {
      titles = cells
      let found = cells.map { $0.lowercased() }
      var used = Set<Int>()
      func column(_ names: String...) throws(InputError) -> Int {
        guard let place = found.firstIndex(where: { names.contains($0) }) else {
          throw InputError(
            file: file, field: "header", value: cells.joined(separator: ", "),
            allowed: "a column '\(names[0])', as in the topologies of SCALE-Sim")
        }
        used.insert(place)
        return place
      }
      name = try column("layer name", "layer")
      if found.contains("m") {
        kind = .products(m: try column("m"), n: try column("n"), k: try column("k"))
      } else {
        let strides =
          found.contains("stride height")
          ? [try column("stride height"), try column("stride width")]
          : [try column("strides", "stride")]
        kind = .convolutions(
          rows: try column("ifmap height"), columns: try column("ifmap width"),
          kernelRows: try column("filter height"), kernelColumns: try column("filter width"),
          channels: try column("channels"), filters: try column("num filter", "num filters"),
          strides: strides)
      }
      self.used = used
    }

    /// The columns with content that nothing was read from.
    func leftOut(_ rows: [[String]]) -> [String] {
      let width = max(titles.count, rows.map(\.count).max() ?? 0)
      return (0..<width).compactMap { column in
        let cells = rows.compactMap { $0.indices.contains(column) ? $0[column] : nil }
          .filter { !$0.isEmpty }
        guard !used.contains(column), let first = cells.first else { return nil }
        let title =
          titles.indices.contains(column) && !titles[column].isEmpty
          ? "'\(titles[column])'" : "\(column + 1)"
        return "column \(title) of \(cells.count) layers (\(first)\(cells.count > 1 ? ", …" : ""))"
      }
    }
  }

  /// A line of the file.
  private struct Row {
    let cells: [String]
    let line: Int
    let columns: Columns
    let file: String

    private func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: "line \(line) \(field)", value: value, allowed: allowed)
    }

    func name() throws(InputError) -> String {
      guard columns.name < cells.count, !cells[columns.name].isEmpty,
        cells[columns.name].utf8.count <= 200
      else { throw error("name", "none, or a long one", "1 to 200 bytes") }
      return cells[columns.name]
    }

    private func number(_ column: Int, _ field: String) throws(InputError) -> Int {
      let cell = column < cells.count ? cells[column] : ""
      guard let number = Int(cell), (1...1 << 24).contains(number) else {
        throw error(field, cell, "1 to \(1 << 24)")
      }
      return number
    }

    func geometry(_ name: String) throws(InputError) -> ConvolutionGeometry {
      switch columns.kind {
      case .products(let m, let n, let k):
        return try geometry(
          MapShape(
            channels: number(k, "K"), height: 1, width: number(m, "M")),
          filters: number(n, "N"), kernel: (1, 1), stride: 1, groups: 1)
      case .convolutions(
        let rows, let columns, let kernelRows, let kernelColumns, let channels, let filters,
        let strides):
        let kernel = (
          try number(kernelRows, "filter height"), try number(kernelColumns, "filter width")
        )
        let stride = try number(strides[0], "stride")
        if strides.count > 1, try number(strides[1], "stride width") != stride {
          throw error("stride width", cells[strides[1]], "\(stride), the stride height")
        }
        let depth = try number(channels, "channels")
        let isDepthwise = name.contains("DP")
        let perGroup = try number(filters, "filters")
        guard !isDepthwise || depth * perGroup <= 1 << 24 else {
          throw error("filters", "\(perGroup) for each of \(depth) channels", "at most \(1 << 24)")
        }
        return try geometry(
          MapShape(
            channels: depth, height: reached(number(rows, "map height"), kernel.0, stride),
            width: reached(number(columns, "map width"), kernel.1, stride)),
          filters: isDepthwise ? depth * perGroup : perGroup, kernel: kernel, stride: stride,
          groups: isDepthwise ? depth : 1)
      }
    }

    /// The side that the last output reaches: outputs are rounded up.
    private func reached(_ side: Int, _ kernel: Int, _ stride: Int) -> Int {
      side <= kernel ? side : (side - kernel + stride - 1) / stride * stride + kernel
    }

    private func geometry(
      _ map: MapShape, filters: Int, kernel: (Int, Int), stride: Int, groups: Int
    ) throws(InputError) -> ConvolutionGeometry {
      guard
        let geometry = ConvolutionGeometry(
          input: map, filters: filters, rows: kernel.0, columns: kernel.1, stride: stride,
          groups: groups)
      else {
        throw error(
          "filter", "\(kernel.0)x\(kernel.1) on a map of \(map.height)x\(map.width)",
          "a kernel that the map holds, of at most 16 columns")
      }
      return geometry
    }
  }
}
