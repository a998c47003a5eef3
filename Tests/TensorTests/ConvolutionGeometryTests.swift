// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

@Suite("Geometry of convolutions")
struct ConvolutionGeometryTests {
  private func geometry(
    channels: Int = 4, height: Int = 5, width: Int = 6, filters: Int = 6, rows: Int = 3,
    columns: Int = 3, stride: Int = 1, paddingRows: Int = 0, paddingColumns: Int = 0,
    groups: Int = 1
  ) -> ConvolutionGeometry? {
    ConvolutionGeometry(
      input: MapShape(channels: channels, height: height, width: width), filters: filters,
      rows: rows, columns: columns, stride: stride, paddingRows: paddingRows,
      paddingColumns: paddingColumns, groups: groups)
  }

  @Test("Sizes that do not fit together make no geometry, those at the limit do")
  func limits() {
    #expect(geometry(rows: 5, columns: 6) != nil)
    #expect(geometry(rows: 6) == nil)
    #expect(geometry(columns: 7) == nil)
    #expect(geometry(rows: 9, paddingRows: 2) != nil)
    #expect(geometry(columns: 10, paddingColumns: 2) != nil)
    #expect(geometry(width: 40, columns: 16)?.isTrainable == true)
    #expect(geometry(width: 40, columns: 17)?.isTrainable == false)
    #expect(geometry(columns: 0) == nil && geometry(rows: 0) == nil && geometry(filters: 0) == nil)
    #expect(geometry(stride: 0) == nil && geometry(groups: 0) == nil)
    #expect(geometry(paddingRows: -1) == nil && geometry(paddingColumns: -1) == nil)
    #expect(geometry(groups: 2) != nil)
    #expect(geometry(channels: 3, groups: 2) == nil)
    #expect(geometry(filters: 5, groups: 2) == nil)
  }

  @Test("Counts of weights and products of a grouped layer with padding")
  func counts() throws {
    let layer = try #require(
      geometry(stride: 2, paddingRows: 1, paddingColumns: 0, groups: 2))
    #expect(layer.output == MapShape(channels: 6, height: 3, width: 2))
    #expect(layer.channelsPerGroup == 2)
    #expect(layer.weights == 6 * 2 * 9)
    #expect(layer.denseMACs == 6 * 2 * 9 * 6)
  }

  @Test("Products on kept taps inside the map are those that nested loops meet", arguments: 0..<20)
  func insideProducts(seed: Int) {
    let scenario = ConvolutionCase(seed: UInt64(seed))
    let layer = scenario.geometry
    var count = 0
    for weight in 0..<layer.weights where scenario.isKept(weight) {
      let (r, s) = (weight / layer.columns % layer.rows, weight % layer.columns)
      for p in 0..<layer.output.height {
        for q in 0..<layer.output.width
        where (0..<layer.input.height).contains(p * layer.stride + r - layer.paddingRows)
          && (0..<layer.input.width).contains(q * layer.stride + s - layer.paddingColumns)
        {
          count += 1
        }
      }
    }
    #expect(scenario.filters.insideMACs == count)
  }

  @Test("Which kernels run a layer")
  func packings() throws {
    func packing(_ layer: ConvolutionGeometry?, scattered: Bool = false) throws -> Packing {
      Packing(for: try #require(layer), scattered: scattered)
    }
    let pointwise = geometry(rows: 1, columns: 1, stride: 2)
    #expect(try packing(pointwise) == .blocks4)
    #expect(try packing(pointwise, scattered: true) == .taps)
    #expect(try packing(geometry(rows: 1, columns: 1, stride: 3)) == .taps)
    #expect(try packing(geometry(rows: 1, columns: 1, groups: 2)) == .taps)
    #expect(try packing(geometry(paddingRows: 1, paddingColumns: 1)) == .lines3)
    #expect(try packing(geometry()) == .taps)
    for (height, width, expected) in [
      (6, 6, Packing.lines3), (5, 6, .taps), (6, 5, .taps), (5, 5, .taps),
    ] {
      let layer = geometry(
        height: height, width: width, stride: 2, paddingRows: 1, paddingColumns: 1)
      #expect(try packing(layer) == expected)
    }
  }
}
