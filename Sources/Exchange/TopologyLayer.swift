// SPDX-License-Identifier: Apache-2.0

import Files
import Tensor

/// A layer as a line of a topology has it.
struct TopologyLayer {
  let row: TopologyRow
  let columns: TopologyColumns
  let file: String

  private static let mostSide = 1 << 14
  private static let widestKernel = 64

  private func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
    InputError(file: file, field: "line \(row.line) \(field)", value: value, allowed: allowed)
  }

  /// The name; a layer without one is called after its line.
  func name() throws(InputError) -> String {
    let name = columns.name < row.cells.count ? row.cells[columns.name] : ""
    guard name.utf8.count <= 200 else { throw error("name", name, "at most 200 bytes") }
    return name.isEmpty ? "line \(row.line)" : name
  }

  private func number(_ column: Int, _ field: String) throws(InputError) -> Int {
    let cell = column < row.cells.count ? row.cells[column] : ""
    guard let number = Int(cell), (1...1 << 24).contains(number) else {
      throw error(field, cell, "1 to \(1 << 24)")
    }
    return number
  }

  func geometry(_ name: String) throws(InputError) -> ConvolutionGeometry {
    switch columns.kind {
    case .products(let m, let n, let k, let count):
      // Several products of a line are groups that do not see each other.
      let groups = try count.map { column throws(InputError) in try number(column, "batch") } ?? 1
      return try product(
        rows: number(m, "M"), channels: number(k, "K"), filters: number(n, "N"), groups: groups)
    case .convolutions(
      let rows, let columns, let kernelRows, let kernelColumns, let channels, let filters,
      let strides):
      let (height, width) = (try number(rows, "map height"), try number(columns, "map width"))
      let vertical = WindowAxis(
        kernel: try number(kernelRows, "filter height"), stride: try number(strides[0], "stride"))
      let horizontal = WindowAxis(
        kernel: try number(kernelColumns, "filter width"),
        stride: try number(strides[strides.count - 1], "stride width"))
      let depth = try number(channels, "channels")
      let perGroup = try number(filters, "filters")
      let isDepthwise = name.contains("DP")
      guard !isDepthwise || depth * perGroup <= 1 << 24 else {
        throw error("filters", "\(perGroup) for each of \(depth) channels", "at most \(1 << 24)")
      }
      if horizontal.kernel == width, vertical.kernel == 1, vertical.stride == 1,
        depth == 1 || width > Self.widestKernel, !isDepthwise, depth * width <= 1 << 24
      {
        // Each row of the map is a vector, each filter too.
        return try product(rows: height, channels: depth * width, filters: perGroup, groups: 1)
      }
      return try geometry(
        MapShape(
          channels: depth, height: Self.reached(height, vertical),
          width: Self.reached(width, horizontal)),
        filters: isDepthwise ? depth * perGroup : perGroup, vertical, horizontal,
        groups: isDepthwise ? depth : 1)
    }
  }

  /// The side that the last output reaches: outputs are rounded up.
  private static func reached(_ side: Int, _ axis: WindowAxis) -> Int {
    side <= axis.kernel
      ? side : (side - axis.kernel + axis.stride - 1) / axis.stride * axis.stride + axis.kernel
  }

  /// A matrix product: a 1x1 convolution of a map with a pixel for each row, in planes that are no
  /// wider than a map may be.
  private func product(rows: Int, channels: Int, filters: Int, groups: Int) throws(InputError)
    -> ConvolutionGeometry
  {
    guard channels <= (1 << 24) / groups, filters <= (1 << 24) / groups else {
      throw error("batch", "\(groups) of \(channels)x\(filters)", "at most \(1 << 24) channels")
    }
    let height = (1...Self.mostSide).first { rows % $0 == 0 && rows / $0 <= Self.mostSide }
    guard let height else {
      throw error("M", "\(rows)", "a product of two sides of at most \(Self.mostSide)")
    }
    return try geometry(
      MapShape(channels: channels * groups, height: height, width: rows / height),
      filters: filters * groups, WindowAxis(kernel: 1), WindowAxis(kernel: 1), groups: groups)
  }

  private func geometry(
    _ map: MapShape, filters: Int, _ vertical: WindowAxis, _ horizontal: WindowAxis, groups: Int
  ) throws(InputError) -> ConvolutionGeometry {
    let geometry = ConvolutionGeometry(
      input: map, filters: filters, vertical: vertical, horizontal: horizontal, groups: groups)
    guard let geometry, horizontal.kernel <= Self.widestKernel else {
      throw error(
        "filter", "\(vertical.kernel)x\(horizontal.kernel) on a map of \(map.height)x\(map.width)",
        "a kernel that the map holds, of at most \(Self.widestKernel) columns")
    }
    return geometry
  }
}
