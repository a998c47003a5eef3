extension LayerMask {
  /// What is wrong with the mask; empty for every mask that pruning makes.
  ///
  /// A kept line keeps at least one weight; a kept weight belongs to a kept line and shape; sizes
  /// follow from the layer.
  public func invariantViolations() -> [String] {
    var found: [String] = []
    if lines.count != Self.lineCount(shape, blockSide) { found.append("\(lines.count) line bits") }
    if shapes.count != shape.channels * shape.rows * shape.columns {
      found.append("\(shapes.count) shape bits")
    }
    if let elements, elements.count != shape.count {
      found.append("\(elements.count) element bits")
    }
    if !found.isEmpty { return found }

    var used = Bits(count: lines.count)
    var inside = 0
    for filter in 0..<shape.filters {
      for channel in 0..<shape.channels {
        for row in 0..<shape.rows {
          let kept = taps(filter: filter, channel: channel, row: row)
          inside += kept.nonzeroBitCount
          if kept != 0 { used[line(filter: filter, channel: channel, row: row)] = true }
        }
      }
    }
    if used != lines { found.append("\(lines.setCount - used.setCount) kept lines keep no weight") }
    if let elements, elements.setCount != inside {
      found.append("\(elements.setCount - inside) kept weights have no kept line or shape")
    }
    return found
  }
}
