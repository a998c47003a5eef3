// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Pruning

/// Mean magnitudes by their definition: over all weights of a unit that are counted.
@Suite struct SaliencyTests {
  private func mean(_ values: [Float]) -> Float {
    values.isEmpty ? 0 : values.reduce(0) { $0 + $1.magnitude } / Float(values.count)
  }

  private func close(_ found: [Float], _ expected: [Float]) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 }
  }

  @Test("lines, shapes and runs, with pruned units left out", arguments: 0..<40 as Range<UInt64>)
  func means(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let kernel = [1, 3, 5][random.below(3)]
    let shape = FilterShape(
      filters: 1 + random.below(9), channels: 1 + random.below(9), rows: kernel, columns: kernel)
    let layout = LineLayout(shape: shape, blockSide: [2, 4][random.below(2)])
    let values = (0..<shape.count).map { _ in random.normal() }
    func value(_ filter: Int, _ place: Int) -> Float {
      values[filter * shape.weightsPerFilter + place]
    }

    let shapes = Bits(count: layout.shapeCount) { _ in random.below(3) > 0 }
    let lines = (0..<layout.count).map { line in
      let (row, position) = line.quotientAndRemainder(dividingBy: layout.rowLength)
      return mean(
        layout.filters(of: row).flatMap { filter in
          layout.shapes(at: position).filter { shapes[$0] }.map { value(filter, $0) }
        })
    }
    #expect(close(Saliency.ofLines(values, layout, counted: shapes), lines))

    let kept = Bits(count: layout.count) { _ in random.below(3) > 0 }
    let places = (0..<layout.shapeCount).map { place in
      mean(
        (0..<shape.filters).filter { filter in
          kept[filter / layout.height * layout.rowLength + place / layout.width]
        }.map { value($0, place) })
    }
    #expect(close(Saliency.ofShapes(values, layout, counted: kept), places))

    let length = shape.weightsPerFilter
    let filters = (0..<shape.filters).map { mean(Array(values[$0 * length..<($0 + 1) * length])) }
    #expect(close(Saliency.ofRuns(values, length: length), filters))
  }
}
