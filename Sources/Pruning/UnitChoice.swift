// SPDX-License-Identifier: Apache-2.0
import Masks

/// A choice among the units of a layer: which are kept, pruned and grown.
struct UnitChoice {
  /// The units kept now.
  let kept: Bits
  /// Mean |w| of each unit; ignored for pruned units.
  let saliency: [Float]
  /// Mean |dL/dW| of each unit.
  let growth: [Float]
  /// Weights of each unit; one without weights is never chosen.
  let sizes: UnitSizes
  /// Units of a row; every row keeps one.
  let rowLength: Int

  /// The units of the best rank whose weights come closest to `target`: first the most salient of
  /// those kept, up to the part of the target that is not exchanged, then by growth. The most salient
  /// of each row is not exchanged: a filter that starts again from zero has no gradient where the ReLU
  /// behind its normalisation is closed.
  func best(target: Int, exchanging fraction: Double) -> Bits {
    var ranking = Ranking(keys: keys(), sizes: sizes, rowLength: rowLength)
    ranking.forceBestOfEachRow()
    if fraction > 0 {
      let most = min(target, sizes.total(kept))
      let share = Int((Double(most) * (1 - fraction)).rounded())
      let retained = ranking.selection(target: share, atLeast: RankKey.survivor)
      for unit in kept.subtracting(retained).setBits where ranking.keys[unit] != RankKey.none {
        ranking.keys[unit] = RankKey.of(growth[unit].magnitude)
      }
    }
    return ranking.selection(target: target)
  }

  /// The rank of each unit if all that are kept survive.
  private func keys() -> [UInt32] {
    var keys = growth.map { RankKey.of($0.magnitude) }
    for unit in kept.setBits {
      keys[unit] = RankKey.of(saliency[unit].magnitude) | RankKey.survivor
    }
    if case .each(let sizes) = sizes {
      for unit in keys.indices where sizes[unit] == 0 { keys[unit] = RankKey.none }
    }
    return keys
  }
}
