// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

/// Tiles by their definition in docs/processor/model.md, one after the other, compared with the classes and
/// the folded order.
@Suite struct PartTilingTests {
  /// A tile's outputs, and what it reads of the map.
  private struct Tile: Equatable {
    let images, rows, columns: Int
    let rowsInside, columnsInside: [Int]
    /// Source columns from the first to the last that any tap reads, inside the map.
    let span: Int
    let accesses: [Int]
    let reads: [Bool]
  }

  private func slices(_ count: Int, _ size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
  }

  private func inside(_ outputs: Range<Int>, _ axis: Axis) -> [Int] {
    axis.offsets.map { offset in
      outputs.count { (0..<axis.source).contains(axis.step * $0 + offset) }
    }
  }

  /// All bands of a part for rows of so many lanes, each with its tiles.
  private func bands(_ part: LoweredPart, images: Int, lanes: Int, port: Int) -> [[Tile]] {
    let (height, width) = (part.rowAxis.outputs, part.columnAxis.outputs)
    let columns = min(width, lanes)
    let rows = min(height, lanes / columns)
    let together = columns == width && rows == height ? min(images, lanes / (columns * rows)) : 1
    return slices(images, together).flatMap { images in
      slices(height, rows).map { rows in
        slices(width, columns).map { columns in
          let rowsInside = inside(rows, part.rowAxis)
          let axis = part.columnAxis
          let reads = columns.flatMap { output in axis.offsets.map { axis.step * output + $0 } }
          let span = (reads.min()!...reads.max()!).count { (0..<axis.source).contains($0) }
          let elements = rowsInside.map { images.count * $0 * span }
          return Tile(
            images: images.count, rows: rows.count, columns: columns.count, rowsInside: rowsInside,
            columnsInside: inside(columns, axis), span: span,
            accesses: elements.map { ($0 + port - 1) / port }, reads: elements.map { $0 > 0 })
        }
      }
    }
  }

  private func unfolded(_ nodes: [TileOrder.Node]) -> [Int] {
    nodes.flatMap { node in
      switch node {
      case .tile(let index): [index]
      case .repeated(let times, let body): (0..<times).flatMap { _ in unfolded(body) }
      }
    }
  }

  @Test("the folded order of any bands is that of the definition, tile by tile")
  func order() {
    for seed in 0..<150 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      var choice = SeededRandom(seed: seed, stream: 9)
      let port = 1 + choice.below(9)
      for pass in Pass.allCases {
        for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: pass) {
          let lanes = random.hardware.array.lanes
          let expected = bands(part, images: random.images, lanes: lanes, port: port)
          let tiling = Tiling(part, images: random.images, lanes: lanes)
          #expect(tiling.bands == expected.count, "\(pass) seed \(seed)")
          let count = 1 + choice.below(5)
          var next = 0
          for slice in 0..<count {
            let range = tiling.slice(slice, of: count)
            #expect(range == expected.count * slice / count..<expected.count * (slice + 1) / count)
            #expect(range.lowerBound == next)
            next = range.upperBound
            let order = TileOrder(tiling, bands: range)
            let found = unfolded(order.nodes)
            #expect(order.counts == order.classes.indices.map { i in found.count { $0 == i } })
            let wanted = expected[range].flatMap { $0 }
            #expect(found.count == wanted.count, "\(pass) seed \(seed)")
            for (index, tile) in zip(found, wanted) {
              let class_ = order.classes[index]
              let kernelRows = part.rowAxis.offsets.indices
              let same =
                class_.images == tile.images && class_.rowsInside == tile.rowsInside
                && class_.columnsInside == tile.columnsInside && class_.columnSpan == tile.span
                && class_.outputs == tile.images * tile.rows * tile.columns
                && kernelRows.map { class_.accesses(row: $0, portElements: port) } == tile.accesses
                && kernelRows.map { class_.reads(row: $0) } == tile.reads
              #expect(same, "\(pass) seed \(seed): \(class_), \(tile)")
            }
          }
          #expect(next == expected.count)
        }
      }
    }
  }
}
