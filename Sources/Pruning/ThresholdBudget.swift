// SPDX-License-Identifier: Apache-2.0
import Masks

/// The density of each layer that one threshold over the units of all layers leaves, so that together they
/// keep `density` of their weights.
///
/// Units rank by their mean |w| times the square root of the weights of a filter: as a multiple of the
/// magnitude that a random start gives the layer (He et al. 2015). Layers whose weights stayed large keep
/// more of them. Only units that are kept now count, so that no layer becomes denser; each keeps its
/// `leastWeights`.
///
/// - Parameter layers: for each layer its pruner, what it keeps now, and its weights `[K][C][R][S]`.
public func thresholdDensities(
  _ layers: [(pruner: LayerPruner, mask: LayerMask, weights: [Float])], density: Double
) -> [Double] {
  var keys: [UInt32] = []
  var sizes: [Int32] = []
  var ranges: [Range<Int>] = []
  for (pruner, mask, weights) in layers {
    let units = pruner.units(of: mask, weights: weights)
    ranges.append(keys.count..<keys.count + units.keys.count)
    keys += units.keys
    sizes += units.sizes
  }
  let total = layers.reduce(0) { $0 + $1.pruner.shape.count }
  let kept = Ranking(keys: keys, sizes: .each(sizes), rowLength: max(1, keys.count))
    .selection(target: Int((min(1, max(0, density)) * Double(total)).rounded()))
  return zip(layers, ranges).map { layer, range in
    var weights = 0
    for unit in range where kept[unit] { weights += Int(sizes[unit]) }
    return Double(max(weights, layer.pruner.leastWeights)) / Double(layer.pruner.shape.count)
  }
}

extension LayerPruner {
  /// The ranks of all units and the weights that each keeps under a mask; of a pruned one no rank.
  fileprivate func units(of mask: LayerMask, weights: [Float]) -> (keys: [UInt32], sizes: [Int32]) {
    let (saliency, sizes) = keptUnits(of: mask, weights: weights)
    let scale = Float(shape.weightsPerFilter).squareRoot()
    let counts = saliency.indices.map { Int32(sizes[$0]) }
    var keys = zip(saliency, counts).map {
      $1 > 0 ? RankKey.of($0.magnitude * scale) : RankKey.none
    }
    // What the floor keeps whatever the threshold is.
    let floor = Ranking(keys: keys, sizes: .each(counts), rowLength: max(1, keys.count))
      .selection(target: leastWeights)
    for unit in floor.setBits { keys[unit] = RankKey.forced }
    return (keys, counts)
  }

  private func keptUnits(
    of mask: LayerMask, weights: [Float]
  ) -> (saliency: [Float], sizes: UnitSizes) {
    func sizes(_ kept: Bits, of weights: Int) -> UnitSizes {
      .each((0..<kept.count).map { kept[$0] ? Int32(weights) : 0 })
    }
    switch configuration.granularity {
    case .dense, .unstructured: return (weights, sizes(mask.elementBits, of: 1))
    case .filter:
      return (
        Saliency.ofRuns(weights, length: shape.weightsPerFilter),
        sizes(keptFilters(mask), of: shape.weightsPerFilter)
      )
    case .channel:
      return (
        channelSaliency(weights),
        sizes(keptChannels(mask), of: shape.filters * shape.rows * shape.columns)
      )
    case .shape:
      let all = Bits(count: layout.count, repeating: true)
      return (
        Saliency.ofShapes(weights, layout, counted: all), sizes(mask.shapes, of: shape.filters)
      )
    case .line, .subStructured:
      let all = layout.sizes(shapes: mask.shapes)
      return (
        Saliency.ofLines(weights, layout, counted: mask.shapes),
        .each((0..<layout.count).map { mask.lines[$0] ? Int32(all[$0]) : 0 })
      )
    }
  }
}
