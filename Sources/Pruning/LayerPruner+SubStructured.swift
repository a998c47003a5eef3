// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPruner {
  /// The shapes of the next sub-structured mask; lines are then chosen under them, so that the
  /// density is met to half a line.
  ///
  /// The number of pruned shapes follows from the common threshold, which removes shapes only while the
  /// density decreases, or from `shapeShare`, the fraction of the removed weights that shapes remove. Of
  /// the kept shapes, `shapeUpdateFraction`, which decays like the exchange of lines, is exchanged by
  /// gradient.
  func shapesToKeep(_ exchange: Exchange, movesShapes: Bool) -> Bits {
    let now = exchange.mask
    let total = layout.shapeCount
    // Fewer shapes than these cannot hold the density.
    let fewest = (exchange.target + shape.filters - 1) / shape.filters
    if !movesShapes, now.keptShapes >= fewest { return now.shapes }

    let floor = min(
      total, max(1, Int((configuration.minimumShapeFraction * Double(total)).rounded(.up))))
    let least = max(floor, fewest)
    var survivors = now.shapes
    var number = survivors.popcount
    if let share = configuration.shapeShare {
      let removed = share * Double(shape.count - exchange.target) / Double(shape.filters)
      number = total - Int(removed.rounded())
    } else if now.keptElements >= exchange.target + layout.height * layout.width {
      // Less than a line above the target does not count as a decrease of the density.
      survivors = CommonThreshold(
        layout: layout, weights: exchange.weights, mask: now, target: exchange.target,
        leastShapes: least
      ).shapes()
      number = survivors.popcount
    }
    let fraction = shapeFraction(exchange.fraction)
    number = max(least, number)
    if fraction == 0, number == survivors.popcount { return survivors }
    let all = Bits(count: layout.count, repeating: true)
    return UnitChoice(
      kept: survivors,
      saliency: Saliency.ofShapes(exchange.weights, layout, counted: now.lines),
      growth: Saliency.ofShapes(exchange.gradient, layout, counted: all),
      sizes: .uniform(1), rowLength: total
    ).best(target: number, exchanging: fraction)
  }

  /// Shapes exchange `shapeUpdateFraction` of themselves where lines exchange `growFraction`.
  private func shapeFraction(_ lineFraction: Double) -> Double {
    guard configuration.growFraction > 0 else { return 0 }
    return min(1, configuration.shapeUpdateFraction * lineFraction / configuration.growFraction)
  }
}
