// SPDX-License-Identifier: Apache-2.0
import Masks

/// The saliency of units: the mean magnitude of a value over the weights of each unit.
///
/// Mean |w| of kept weights decides what to prune; mean |dL/dW| decides what to grow. The mean, unlike
/// the sum, is comparable between shapes, which span all filters, and lines. A unit of which no weight is
/// counted has saliency 0.
enum Saliency {
  /// Of each line, over its weights in the shapes that are `counted`.
  static func ofLines(_ values: [Float], _ layout: LineLayout, counted: Bits) -> [Float] {
    let factors = (0..<layout.shapeCount).map { counted[$0] ? Float(1) : 0 }
    let taps = layout.taps(of: counted)
    var means = [Float](repeating: 0, count: layout.count)
    var line = 0
    for row in 0..<layout.rows {
      let filters = layout.filters(of: row)
      for position in 0..<layout.rowLength {
        let covered = layout.shapes(at: position)
        var sum: Float = 0
        for filter in filters {
          let first = filter * layout.shapeCount
          for place in covered { sum += values[first + place].magnitude * factors[place] }
        }
        let count = filters.count * taps[position]
        if count > 0 { means[line] = sum / Float(count) }
        line += 1
      }
    }
    return means
  }

  /// Of each shape, over its weights in the lines that are `counted`.
  static func ofShapes(_ values: [Float], _ layout: LineLayout, counted: Bits) -> [Float] {
    var sums = ShapeSums(layout)
    sums.add(counted.setBits, values)
    return (0..<layout.shapeCount).map { sums.mean($0) }
  }

  /// Of each run of `length` neighbouring values, over all of them.
  static func ofRuns(_ values: [Float], length: Int) -> [Float] {
    (0..<values.count / length).map { run in
      var sum: Float = 0
      for index in run * length..<(run + 1) * length { sum += values[index].magnitude }
      return sum / Float(length)
    }
  }
}

/// Magnitudes of each shape, summed over a growing set of lines.
struct ShapeSums {
  private let layout: LineLayout
  private var sums: [Float]
  /// Weights counted in each shape of a position.
  private var counts: [Int]

  init(_ layout: LineLayout) {
    self.layout = layout
    sums = [Float](repeating: 0, count: layout.shapeCount)
    counts = [Int](repeating: 0, count: layout.rowLength)
  }

  /// Adds the weights of lines, in ascending order.
  mutating func add(_ lines: some Sequence<Int>, _ values: [Float]) {
    let layout = layout
    var row = 0
    var firstLine = 0
    var filters = layout.filters(of: 0)
    for line in lines {
      while line >= firstLine + layout.rowLength {
        row += 1
        firstLine += layout.rowLength
        filters = layout.filters(of: row)
      }
      let position = line - firstLine
      let covered = layout.shapes(at: position)
      for filter in filters {
        let first = filter * layout.shapeCount
        for place in covered { sums[place] += values[first + place].magnitude }
      }
      counts[position] += filters.count
    }
  }

  /// Weights counted in a shape.
  func count(_ place: Int) -> Int { counts[place / layout.width] }

  /// Mean magnitude of a shape; 0 where nothing was counted.
  func mean(_ place: Int) -> Float {
    let count = count(place)
    return count == 0 ? 0 : sums[place] / Float(count)
  }
}
