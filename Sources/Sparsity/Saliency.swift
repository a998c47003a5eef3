/// How much units matter: the mean magnitude of a value over the weights of each unit.
///
/// Of kept weights, `mean |w|` tells what to prune; of gradients, `mean |dL/dW|` tells what to grow.
/// The mean, and not the sum, lets shapes, which span all filters, compare with lines.
struct Saliency {
  /// Sum of magnitudes of each unit.
  private(set) var sums: [Float]
  /// Weights of each unit that were counted.
  private(set) var counts: [Int32]

  /// Over lines, counting the weights that `counted` keeps.
  init(lines mask: LayerMask, values: [Float], counted: LayerMask) {
    self.init(units: mask.lines.count, mask: mask, values: values, counted: counted) {
      line, _ in line
    }
  }

  /// Over shapes, counting the weights that `counted` keeps.
  init(shapes mask: LayerMask, values: [Float], counted: LayerMask) {
    self.init(units: mask.shapes.count, mask: mask, values: values, counted: counted) {
      _, shape in shape
    }
  }

  @inline(__always)
  private init(
    units: Int, mask: LayerMask, values: [Float], counted: LayerMask, unit: (Int, Int) -> Int
  ) {
    sums = [Float](repeating: 0, count: units)
    counts = [Int32](repeating: 0, count: units)
    let shape = mask.shape
    var row = 0
    for filter in 0..<shape.filters {
      for channel in 0..<shape.channels {
        for kernelRow in 0..<shape.rows {
          var kept = counted.taps(filter: filter, channel: channel, row: kernelRow)
          let line = mask.line(filter: filter, channel: channel, row: kernelRow)
          let firstShape = (channel * shape.rows + kernelRow) * shape.columns
          while kept != 0 {
            let column = kept.trailingZeroBitCount
            kept &= kept - 1
            let index = unit(line, firstShape + column)
            sums[index] += values[row * shape.columns + column].magnitude
            counts[index] += 1
          }
          row += 1
        }
      }
    }
  }

  /// Sums units into larger ones.
  init(_ parts: Saliency, groups: Int, group: (Int) -> Int) {
    sums = [Float](repeating: 0, count: groups)
    counts = [Int32](repeating: 0, count: groups)
    for part in parts.sums.indices {
      let index = group(part)
      sums[index] += parts.sums[part]
      counts[index] += parts.counts[part]
    }
  }

  /// Over single weights.
  init(elements values: [Float]) {
    sums = values.map(\.magnitude)
    counts = [Int32](repeating: 1, count: values.count)
  }

  /// The mean of a unit; 0 for one of which nothing was counted.
  func mean(_ unit: Int) -> Float {
    counts[unit] == 0 ? 0 : sums[unit] / Float(counts[unit])
  }
}

/// Units in the order in which to keep them: descending by score, equal ones by index. A score that
/// is not a number comes last.
func ranked(_ units: [Int], by score: (Int) -> Float) -> [Int] {
  // One sortable word a unit: magnitudes are not negative, so their bits order as they do.
  var keys = units.map { unit -> UInt64 in
    let value = score(unit)
    let bits = value.isNaN ? 0 : value.magnitude.bitPattern
    return UInt64(~bits) << 32 | UInt64(UInt32(unit))
  }
  keys.sort()
  return keys.map { Int(UInt32(truncatingIfNeeded: $0)) }
}
