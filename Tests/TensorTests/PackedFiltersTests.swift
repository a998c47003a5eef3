// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

@Suite("Packed filters")
struct PackedFiltersTests {
  @Test("The lists of a dense layer are those of patterns that keep everything")
  func dense() throws {
    for (channels, filters, rows, groups) in [
      (1, 1, 3, 1), (5, 7, 3, 1), (4, 6, 3, 2), (6, 12, 3, 6), (3, 9, 1, 3), (8, 8, 5, 1),
    ] {
      let geometry = try #require(
        ConvolutionGeometry(
          input: MapShape(channels: channels, height: 8, width: 8), filters: filters, rows: rows,
          columns: 3, paddingRows: rows / 2, paddingColumns: 1, groups: groups))
      let expected = EntryLists(
        geometry: geometry, packing: .lines3,
        patterns: [UInt16](repeating: 7, count: filters * channels / groups * rows))
      let found = PackedFilters(dense: geometry, packing: .lines3)
      let gathered = try #require(found.gathered)
      for (found, expected) in [
        (found.forward, expected.forward), (found.transposed, expected.transposed),
        (gathered, expected.gathered),
      ] {
        #expect(found.outputs == expected.outputs && found.segments == expected.segments)
        #expect(found.starts == expected.starts && found.places == expected.places)
        #expect(found.sources == expected.sources)
      }
      #expect(found.densePositions == expected.densePositions)
      #expect(found.weightCount == geometry.weights && found.kept.isEmpty)

      var random = SeededRandom(seed: UInt64(filters))
      let weights = (0..<geometry.weights).map { _ in random.uniform() }
      let packed = Tensor(found.pack(weights))
      for threads in 1...3 {
        #expect(found.expand(packed, on: Engine(threads: threads)) == weights)
      }
    }
  }

  @Test(
    "Values go from one packing to another, and those of pruned places are gone",
    arguments: Array(UInt64(0)..<40))
  func repack(seed: UInt64) throws {
    let scenario = ConvolutionCase(seed: seed)
    let (geometry, filters) = (scenario.geometry, scenario.filters)
    var random = SeededRandom(seed: seed, stream: 97)
    let all = UInt16(1 << geometry.columns - 1)
    let other = PackedFilters(
      geometry: geometry, packing: [filters.packing, .taps][random.below(2)],
      patterns: scenario.patterns.map { pattern in
        random.below(3) == 0 ? pattern : UInt16(random.below(Int(all) + 1))
      })
    let tensors = (0..<2).map { _ in
      Tensor((0..<max(1, filters.weightCount)).map { _ in random.uniform() })
    }
    for (values, tensor) in zip(filters.repack(tensors, as: other), tensors) {
      #expect(values.array() == other.pack(filters.expand(tensor)))
    }
  }
}
