// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct StructuredMachineTests {
  @Test("the projection is the least mask of whole filters and shapes")
  func projection() {
    for seed in 0..<100 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let shape = random.mask.shape
      let projected = LayerPass(
        layer: random.layer(), pass: .forward, images: 1, hardware: random.hardware
      ).projectedMask
      let perGroup = shape.filters / random.geometry.groups
      func keepsAny(_ filters: Range<Int>, _ channels: Range<Int>, row: Int?, column: Int?) -> Bool
      {
        filters.contains { filter in
          channels.contains { channel in
            (0..<shape.rows).contains { r in
              (row == nil || r == row)
                && (0..<shape.columns).contains { s in
                  (column == nil || s == column)
                    && random.mask.keeps(filter: filter, channel: channel, row: r, column: s)
                }
            }
          }
        }
      }
      for filter in 0..<shape.filters {
        let first = filter / perGroup * perGroup
        let whole = keepsAny(filter..<filter + 1, 0..<shape.channels, row: nil, column: nil)
        for channel in 0..<shape.channels {
          for row in 0..<shape.rows {
            for column in 0..<shape.columns {
              let expected =
                whole
                && keepsAny(
                  first..<first + perGroup, channel..<channel + 1, row: row, column: column)
              #expect(
                projected.keeps(filter: filter, channel: channel, row: row, column: column)
                  == expected, "seed \(seed)")
            }
          }
        }
      }
    }
  }

  @Test("the group's mask is read once where one tile or one window is all there is")
  func maskReads() throws {
    var random = RandomCase(seed: 5)
    random.hardware = .small
    random.hardware.array.cores = 1
    random.hardware.array.rows = 12
    random.hardware.array.lanes = 36
    random.hardware.array.window = 64
    random.images = 1
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 6, height: 6, width: 6), filters: 12, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    random.mask = LayerMask(dense: FilterShape(filters: 12, channels: 6, rows: 3, columns: 3))
    // A bit for each entry: 9 taps of 6 channels, or of 12 planes of the gradient.
    for (pass, bits) in [(Pass.forward, 54), (.inputGradient, 108), (.weightGradient, 54)] {
      let run = random.run(.structured, random.layer(), pass)
      #expect(run.activity.maskBits == bits, "\(pass)")
    }
  }

  @Test("a layer without half of its filters and shapes takes the time of one that never had them")
  func equalsSmallerLayer() throws {
    func layer(filters: Int, channels: Int) throws -> ConvolutionGeometry {
      try #require(
        ConvolutionGeometry(
          input: MapShape(channels: channels, height: 6, width: 6), filters: filters, rows: 3,
          columns: 3, paddingRows: 1, paddingColumns: 1))
    }
    var large = RandomCase(seed: 5)
    large.hardware = .small
    large.images = 2
    large.geometry = try layer(filters: 12, channels: 8)
    let shape = FilterShape(filters: 12, channels: 8, rows: 3, columns: 3)
    large.mask = LayerMask(
      shape: shape,
      elements: Bits(count: shape.count) {
        // Every third filter, and the odd channels, are gone.
        ($0 / shape.weightsPerFilter) % 3 != 0 && ($0 % shape.weightsPerFilter) / 9 % 2 == 0
      })
    var small = large
    small.geometry = try layer(filters: 8, channels: 4)
    small.mask = LayerMask(dense: FilterShape(filters: 8, channels: 4, rows: 3, columns: 3))
    for pass in Pass.allCases {
      let structured = large.run(.structured, large.layer(), pass)
      let dense = small.run(.dense, small.layer(), pass)
      #expect(structured.timing == dense.timing, "\(pass)")
      #expect(structured.activity.executedMACs == dense.activity.executedMACs, "\(pass)")
      #expect(structured.storedWeights == dense.storedWeights, "\(pass)")
    }
  }
}
