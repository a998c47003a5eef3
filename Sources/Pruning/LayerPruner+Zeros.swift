// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPruner {
  /// The mask that weights `[K][C][R][S]` with zeros come with: the smallest one of the granularity
  /// that keeps everything else.
  public func mask(ofZerosIn weights: [Float]) -> LayerMask {
    precondition(weights.count == shape.count, "\(weights.count) weights for \(shape)")
    let elements = Bits(count: shape.count) { weights[$0] != 0 }
    let all = Bits(count: layout.shapeCount, repeating: true)
    let found = LayerMask(shape: shape, blockSide: blockSide, elements: elements)
    switch configuration.granularity {
    case .dense: return LayerMask(dense: shape, blockSide: blockSide)
    case .unstructured: return found
    case .line:
      return LayerMask(shape: shape, blockSide: blockSide, lines: found.lines, shapes: all)
    case .subStructured:
      return LayerMask(shape: shape, blockSide: blockSide, lines: found.lines, shapes: found.shapes)
    case .shape:
      let lines = Bits(count: layout.count, repeating: true)
      return LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: found.shapes)
    case .filter:
      var lines = Bits(count: layout.count)
      for row in 0..<layout.rows {
        let units = row * layout.rowLength..<(row + 1) * layout.rowLength
        if found.lines.popcount(in: units) > 0 { lines.set(units) }
      }
      return LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: all)
    case .channel:
      let area = shape.rows * shape.columns
      var shapes = Bits(count: layout.shapeCount)
      for channel in 0..<shape.channels {
        let units = channel * area..<(channel + 1) * area
        if found.shapes.popcount(in: units) > 0 { shapes.set(units) }
      }
      let lines = Bits(count: layout.count, repeating: true)
      return LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: shapes)
    }
  }

  /// The first mask of training that starts from given weights: that of their zeros, where it is as
  /// sparse as asked for (to within a unit), and else what `density` leaves of it by magnitude. Of
  /// weights that are all zero the least is kept that a layer may keep.
  public func initialMask(continuing weights: [Float], density: Double) -> LayerMask {
    let found = mask(ofZerosIn: weights)
    let target = Int((density * Double(shape.count)).rounded())
    let isEmpty = found.keptElements == 0
    if !isEmpty, found.keptElements < target + unitWeights { return found }
    let density = isEmpty ? Double(leastWeights) / Double(shape.count) : density
    return update(
      found, weights: weights, gradient: weights, density: density, growFraction: 0,
      movesShapes: true)
  }

  /// Weights of a unit by which the density is met.
  private var unitWeights: Int {
    switch configuration.granularity {
    case .dense, .unstructured: 1
    case .filter: shape.weightsPerFilter
    case .channel: shape.filters * shape.rows * shape.columns
    case .shape: shape.filters
    case .line, .subStructured: layout.height * layout.width
    }
  }
}
