// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct LoweringTests {
  /// Products of kept weights and values inside the map, counted from the definition of a
  /// convolution.
  private func products(_ geometry: ConvolutionGeometry, _ mask: LayerMask, images: Int) -> Int {
    var total = 0
    let perGroup = geometry.filters / geometry.groups
    for filter in 0..<geometry.filters {
      for channel in 0..<geometry.channelsPerGroup {
        for row in 0..<geometry.rows {
          for column in 0..<geometry.columns
          where mask.keeps(filter: filter, channel: channel, row: row, column: column) {
            for y in 0..<geometry.output.height {
              for x in 0..<geometry.output.width {
                let (sy, sx) = (
                  y * geometry.vertical.stride + row * geometry.vertical.dilation
                    - geometry.vertical.paddingBefore,
                  x * geometry.horizontal.stride + column * geometry.horizontal.dilation
                    - geometry.horizontal.paddingBefore
                )
                if sy >= 0, sy < geometry.input.height, sx >= 0, sx < geometry.input.width {
                  total += 1
                }
              }
            }
          }
        }
      }
    }
    precondition(perGroup > 0)
    return total * images
  }

  @Test("the products of all three passes are those of the definition")
  func identity() {
    for seed in 0..<200 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let expected = products(random.geometry, random.mask, images: random.images)
      for pass in Pass.allCases {
        let parts = LoweredPart.lower(random.geometry, mask: random.mask, pass: pass)
        let found = parts.reduce(0) { $0 + $1.products(images: random.images) }
        #expect(found == expected, "seed \(seed), \(pass) of \(random.geometry)")
      }
    }
  }

  @Test("tiles cover every output once, and their classes count the lanes")
  func tiles() {
    for seed in 0..<100 as Range<UInt64> { tiles(seed: seed) }
  }

  private func tiles(seed: UInt64) {
    let random = RandomCase(seed: seed)
    for pass in Pass.allCases {
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: pass) {
        let tiling = Tiling(part, images: random.images, lanes: random.hardware.array.lanes)
        let order = TileOrder(tiling, bands: 0..<tiling.bands)
        var outputs = 0
        var lanes = 0
        for (tileClass, count) in zip(order.classes, order.counts) {
          #expect(tileClass.outputs <= random.hardware.array.lanes)
          outputs += tileClass.outputs * count
          for tap in 0..<part.tapCount {
            lanes +=
              count
              * tileClass.lanes(row: tap / part.kernelColumns, column: tap % part.kernelColumns)
          }
        }
        let all = random.images * part.rowAxis.outputs * part.columnAxis.outputs
        #expect(outputs == all, "seed \(seed)")
        #expect(lanes == random.images * part.outputsInside.reduce(0, +), "seed \(seed)")
      }
    }
  }
}
