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

  /// A product: filter, channel of the input, tap, and output position.
  private struct Product: Hashable {
    let filter, channel, row, column, y, x: Int
  }

  /// All products of kept weights with values inside the map, by the definition of a grouped convolution.
  private func products(_ geometry: ConvolutionGeometry, _ mask: LayerMask) -> Set<Product> {
    let perGroup = geometry.filters / geometry.groups
    func position(_ output: Int, _ tap: Int, _ axis: WindowAxis) -> Int {
      output * axis.stride + tap * axis.dilation - axis.paddingBefore
    }
    var all: Set<Product> = []
    for filter in 0..<geometry.filters {
      for channel in 0..<geometry.channelsPerGroup {
        for row in 0..<geometry.rows {
          for column in 0..<geometry.columns
          where mask.keeps(filter: filter, channel: channel, row: row, column: column) {
            for y in 0..<geometry.output.height {
              for x in 0..<geometry.output.width
              where (0..<geometry.input.height).contains(position(y, row, geometry.vertical))
                && (0..<geometry.input.width).contains(position(x, column, geometry.horizontal))
              {
                all.insert(
                  Product(
                    filter: filter,
                    channel: filter / perGroup * geometry.channelsPerGroup + channel, row: row,
                    column: column, y: y, x: x))
              }
            }
          }
        }
      }
    }
    return all
  }

  /// The products that the parts of a pass make, once each, and where they read and write.
  private func products(of parts: [LoweredPart], _ geometry: ConvolutionGeometry) -> Set<Product> {
    var all: Set<Product> = []
    for part in parts {
      var phase: [Int]?
      for row in 0..<part.rows {
        for entry in 0..<part.entries where part.needs(row: row, entry: entry) {
          let (plane, tap) = entry.quotientAndRemainder(dividingBy: part.tapCount)
          let (r, s) = part.taps[tap]
          for y in 0..<part.rowAxis.outputs {
            guard let sourceY = part.rowAxis.read(y, tap: tap / part.kernelColumns) else {
              continue
            }
            for x in 0..<part.columnAxis.outputs {
              guard let sourceX = part.columnAxis.read(x, tap: tap % part.kernelColumns) else {
                continue
              }
              let product: Product
              if part.pass == .inputGradient {
                product = Product(
                  filter: plane, channel: row, row: r, column: s, y: sourceY, x: sourceX)
                // The input position that the gradient belongs to: one phase for each part.
                let target = [
                  sourceY * geometry.vertical.stride + r * geometry.vertical.dilation
                    - geometry.vertical.paddingBefore - y * geometry.vertical.stride,
                  sourceX * geometry.horizontal.stride + s * geometry.horizontal.dilation
                    - geometry.horizontal.paddingBefore - x * geometry.horizontal.stride,
                ]
                #expect(phase == nil || phase == target)
                phase = target
              } else {
                product = Product(filter: row, channel: plane, row: r, column: s, y: y, x: x)
                #expect(
                  sourceY == y * geometry.vertical.stride + r * geometry.vertical.dilation
                    - geometry.vertical.paddingBefore)
                #expect(
                  sourceX == x * geometry.horizontal.stride + s * geometry.horizontal.dilation
                    - geometry.horizontal.paddingBefore)
              }
              #expect(all.insert(product).inserted, "a product twice")
            }
          }
        }
      }
    }
    return all
  }

  @Test("every product of the definition is made once, by its weight, from and to its places")
  func eachProduct() {
    var grouped = 0
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let expected = products(random.geometry, random.mask)
      if expected.count > 40_000 { continue }
      if random.geometry.groups > 1 { grouped += 1 }
      for pass in Pass.allCases {
        let parts = LoweredPart.lower(random.geometry, mask: random.mask, pass: pass)
        let found = products(of: parts, random.geometry)
        #expect(found == expected, "seed \(seed), \(pass) of \(random.geometry)")
      }
    }
    #expect(grouped > 2)
  }

  @Test("a dense row needs what it reaches, its group of a grouped convolution, and no more")
  func reach() {
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let dense = LayerMask(dense: random.mask.shape)
      for pass in Pass.allCases {
        for part in LoweredPart.lower(random.geometry, mask: dense, pass: pass) {
          #expect(part.denseProducts(images: 3) == part.products(images: 3), "seed \(seed)")
          for row in 0..<part.rows {
            let needed = (0..<part.entries).filter { part.needs(row: row, entry: $0) }
            #expect(needed == Array(part.reachedEntries(row)), "seed \(seed), row \(row)")
          }
        }
      }
    }
  }

  @Test("the span of outputs is what lies between their first and last reads, inside the map")
  func span() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<300 {
      let offsets = Set((0..<1 + random.below(4)).map { _ in random.below(12) - 4 }).sorted()
      let axis = Axis(
        outputs: 1 + random.below(9), source: 1 + random.below(12), step: 1 + random.below(3),
        offsets: offsets)
      let first = random.below(axis.outputs)
      let outputs = first..<first + 1 + random.below(axis.outputs - first)
      let reads = outputs.flatMap { output in offsets.map { axis.step * output + $0 } }
      let between = (reads.min()!...reads.max()!).filter { (0..<axis.source).contains($0) }
      #expect(Array(axis.span(outputs)) == between, "\(axis) \(outputs)")
      for output in outputs {
        for tap in offsets.indices {
          let position = axis.step * output + offsets[tap]
          let expected = (0..<axis.source).contains(position) ? position : nil
          #expect(axis.read(output, tap: tap) == expected, "\(axis) \(output)")
        }
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
