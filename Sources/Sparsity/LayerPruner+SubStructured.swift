extension LayerPruner {
  /// Shapes and lines together: shapes first, where they may move, then lines down to the target.
  func updateSubStructured(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    let shapes =
      change.movesShapes ? movedShapes(mask, weights, gradient, change) : mask.shapes
    return updateLines(mask, shapes: shapes, weights, gradient, change)
  }

  /// The shapes to keep: by the fixed share or the common threshold, then some of them exchanged.
  private func movedShapes(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> Bits {
    let score = Saliency(shapes: mask, values: weights, counted: mask)
    let kept = ranked((0..<mask.shapes.count).filter { mask.shapes[$0] }, by: score.mean)
    let floor = max(
      1, Int((configuration.minimumShapeFraction * Double(mask.shapes.count)).rounded(.up)))
    let target: Int
    if let share = configuration.shapeShare {
      // Of what is removed, shapes take a fixed share.
      target = Int((Double(mask.shapes.count) * (1 - share * (1 - change.density))).rounded())
    } else {
      let threshold = commonThreshold(mask, weights, score, density: change.density)
      target = kept.prefix { score.mean($0) >= threshold }.count
    }
    // Never more than now: shapes come back by exchange only, which keeps their number.
    let count = min(kept.count, max(floor, target))

    let growth = Saliency(
      shapes: mask, values: gradient,
      counted: LayerMask(dense: shape, blockSide: mask.blockSide))
    let remaining = Set(kept.prefix(count))
    return choose(
      mask.shapes.count, count: count, growFraction: change.shapeFraction,
      kept: { remaining.contains($0) }, weight: score.mean, gradient: growth.mean)
  }

  /// The score below which both shapes and lines go so that `density` of the weights stays: shapes
  /// and lines stand on one scale, so shapes go where a position is weak in all filters and nowhere
  /// else. Found by bisection.
  private func commonThreshold(
    _ mask: LayerMask, _ weights: [Float], _ shapeScore: Saliency, density: Double
  ) -> Float {
    let lineScore = Saliency(lines: mask, values: weights, counted: mask)
    let lines = (0..<mask.lines.count).map(lineScore.mean)
    let shapes = (0..<mask.shapes.count).map(shapeScore.mean)
    let target = density * Double(shape.count)

    func kept(_ threshold: Float) -> Int {
      var keptShapes = mask.shapes
      for index in 0..<shapes.count where shapes[index] < threshold { keptShapes[index] = false }
      var total = 0
      for filter in 0..<shape.filters {
        for channel in 0..<shape.channels {
          for row in 0..<shape.rows {
            let line = mask.line(filter: filter, channel: channel, row: row)
            if !mask.lines[line] || lines[line] < threshold { continue }
            let start = (channel * shape.rows + row) * shape.columns
            total += keptShapes.field(at: start, length: shape.columns).nonzeroBitCount
          }
        }
      }
      return total
    }

    if Double(kept(0)) <= target { return 0 }
    // Positive floats order as their bits do, so halving the bits halves the candidates.
    var low: UInt32 = 0
    var high = max(lines.max() ?? 0, shapes.max() ?? 0).bitPattern
    // 20 halvings tell scores apart that differ by less than a thousandth.
    for _ in 0..<20 where high - low > 1 {
      let middle = low + (high - low) / 2
      if Double(kept(Float(bitPattern: middle))) > target { low = middle } else { high = middle }
    }
    return Float(bitPattern: low)
  }
}
