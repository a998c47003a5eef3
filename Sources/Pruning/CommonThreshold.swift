// SPDX-License-Identifier: Apache-2.0
import Masks

/// Ranks shapes and lines on one scale: the threshold t such that keeping lines of mean |w| ≥ t,
/// and shapes whose mean |w| over those lines is ≥ t, keeps the target.
///
/// A shape goes where its position is weak in all filters that keep a line there, and nowhere else.
/// Where no line reaches t, the mean over the lines kept before decides; a shape that had none stays.
struct CommonThreshold {
  let layout: LineLayout
  let weights: [Float]
  let mask: LayerMask
  /// Weights to keep.
  let target: Int
  /// Shapes to keep at least.
  let leastShapes: Int

  /// The shapes that stay, a subset of the mask's.
  ///
  /// Bisection: the kept weights decrease as t increases. Lines at or above the upper bound are summed
  /// once; lines below the lower bound are excluded; each step looks only at those between.
  func shapes() -> Bits {
    var best = mask.shapes
    let means = Saliency.ofLines(weights, layout, counted: mask.shapes)
    var between = Array(mask.lines.setBits)
    var low: Float = 0
    var high = between.reduce(Float(0)) { max($0, means[$1]) }.nextUp
    guard high.isFinite else { return best }
    var before = ShapeSums(layout)
    before.add(between, weights)
    var settled = ShapeSums(layout)
    while !between.isEmpty {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { break }
      var sums = settled
      var above: [Int] = []
      var below: [Int] = []
      for line in between {
        if means[line] >= middle { above.append(line) } else { below.append(line) }
      }
      sums.add(above, weights)
      let (shapes, kept) = survivors(sums, before, threshold: middle)
      if kept > target {
        low = middle
        between = above
        best = shapes
      } else {
        high = middle
        settled = sums
        between = below
      }
    }
    return best
  }

  /// The shapes at or above a threshold, and the weights that they and the summed lines keep.
  private func survivors(
    _ sums: ShapeSums, _ before: ShapeSums, threshold: Float
  ) -> (shapes: Bits, weights: Int) {
    var ranking = Ranking(
      keys: [UInt32](repeating: RankKey.none, count: layout.shapeCount), sizes: .uniform(1),
      rowLength: layout.shapeCount)
    var shapes = mask.shapes
    for place in mask.shapes.setBits {
      let mean = sums.count(place) > 0 ? sums.mean(place) : before.mean(place)
      if mean < threshold, before.count(place) > 0 {
        shapes[place] = false
        ranking.keys[place] = RankKey.of(mean)
      } else {
        ranking.keys[place] = RankKey.of(mean) | RankKey.survivor
      }
    }
    if shapes.popcount < leastShapes { shapes = ranking.selection(target: leastShapes) }
    var weights = 0
    for place in shapes.setBits { weights += sums.count(place) }
    return (shapes, weights)
  }
}
