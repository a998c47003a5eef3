// SPDX-License-Identifier: Apache-2.0
extension LayerMask {
  /// Kept weights.
  public var keptElements: Int {
    if let elements { return elements.popcount }
    let layout = self.layout
    let taps = layout.taps(of: shapes)
    var total = 0
    var row = 0
    var height = layout.filters(of: 0).count
    var end = layout.rowLength
    for line in lines.setBits {
      while line >= end {
        row += 1
        end += layout.rowLength
        height = layout.filters(of: row).count
      }
      total += height * taps[line - (end - layout.rowLength)]
    }
    return total
  }

  /// Kept weights / all weights.
  public var density: Double { Double(keptElements) / Double(shape.count) }
  /// Pruned weights / all weights.
  public var sparsity: Double { 1 - density }
  /// Kept lines; blocks where kernels are single weights.
  public var keptLines: Int { lines.popcount }
  /// Kept shapes.
  public var keptShapes: Int { shapes.popcount }

  /// Kept lines of each filter; filters of the same row of blocks have the same.
  public func linesPerFilter() -> [Int] {
    let layout = self.layout
    return (0..<shape.filters).map { filter in
      let first = filter / layout.height * layout.rowLength
      return lines.popcount(in: first..<first + layout.rowLength)
    }
  }

  /// The kept weights one by one: bit ((k·C + c)·R + r)·S + s.
  public var elementBits: Bits {
    if let elements { return elements }
    let layout = self.layout
    var result = Bits(count: shape.count)
    for line in lines.setBits {
      let covered = layout.shapes(at: line % layout.rowLength)
      let taps = shapes.bits(from: covered.lowerBound, length: covered.count)
      for filter in layout.filters(of: line / layout.rowLength) {
        var rest = taps
        while rest != 0 {
          let place = covered.lowerBound + rest.trailingZeroBitCount
          result[filter * layout.shapeCount + place] = true
          rest &= rest - 1
        }
      }
    }
    return result
  }
}
