// SPDX-License-Identifier: Apache-2.0
import Masks

/// Chooses which weights of a layer are kept: at first by magnitude, then by exchange.
///
/// An update keeps the most salient units, mean |w| over their kept weights, and leaves room for
/// the exchanged fraction; the room goes to the units with the largest mean |dL/dW| (RigL, Evci et
/// al. 2020). A unit that was dropped a moment ago competes for the room like any other: it comes
/// back if its gradient ranks. Equal units rank by index, so that a choice depends on its inputs
/// only.
///
/// Floors: filters, channels and shapes keep at least one unit of the layer; lines, sub-structured
/// and unstructured pruning keep at least one line, or weight, of every filter (row of blocks); and
/// sub-structured pruning keeps `minimumShapeFraction` of the shapes. What is kept otherwise is
/// within half a unit of the density asked for.
///
/// Whole filters are the lines of a row, so filter masks of single-weight kernels have a block side
/// of 1.
///
/// ```swift
/// let pruner = LayerPruner(
///   shape: FilterShape(filters: 8, channels: 8, rows: 3, columns: 3),
///   configuration: PruningConfiguration(granularity: .line))
/// var random = SeededRandom(seed: 1)
/// let weights = (0..<pruner.shape.count).map { _ in random.normal() }
/// let mask = pruner.initialMask(weights: weights, density: 0.25)
/// print(mask.density)  // 0.25
/// ```
public struct LayerPruner: Sendable {
  /// Sizes of the layer's weights.
  public let shape: FilterShape
  /// How to prune.
  public let configuration: PruningConfiguration

  let layout: LineLayout
  package let blockSide: Int

  /// A pruner of one layer.
  public init(shape: FilterShape, configuration: PruningConfiguration) {
    self.shape = shape
    self.configuration = configuration
    blockSide =
      configuration.granularity == .filter && shape.isPointwise ? 1 : configuration.blockSide
    layout = LineLayout(shape: shape, blockSide: blockSide)
  }

  /// The weights that the floors keep, whatever the density asked for: a unit; of lines and single
  /// weights one in every filter (row of blocks).
  public var leastWeights: Int {
    switch configuration.granularity {
    case .dense: shape.count
    case .filter: shape.weightsPerFilter
    case .channel: shape.filters * shape.rows * shape.columns
    case .shape, .unstructured: shape.filters
    case .line, .subStructured: shape.filters * min(layout.width, layout.shapeCount)
    }
  }

  /// The mask that keeps the units of the largest mean magnitude, from weights `[K][C][R][S]`.
  public func initialMask(weights: [Float], density: Double) -> LayerMask {
    update(
      LayerMask(dense: shape, blockSide: blockSide), weights: weights, gradient: weights,
      density: density, growFraction: 0, movesShapes: true)
  }

  /// The mask after an exchange.
  ///
  /// - Parameters:
  ///   - mask: What is kept now.
  ///   - weights: `[K][C][R][S]`, zero where pruned.
  ///   - gradient: dL/dW of every weight, pruned ones too.
  ///   - density: Fraction of the weights to keep.
  ///   - growFraction: Fraction of what is kept to exchange.
  ///   - movesShapes: Whether sub-structured pruning may move shapes. Where the shapes that are kept
  ///     cannot hold the density, they move regardless.
  public func update(
    _ mask: LayerMask, weights: [Float], gradient: [Float], density: Double, growFraction: Double,
    movesShapes: Bool
  ) -> LayerMask {
    precondition(mask.shape == shape, "a mask of \(mask.shape) for \(shape)")
    precondition(
      weights.count == shape.count && gradient.count == shape.count,
      "\(weights.count) weights and \(gradient.count) gradients for \(shape)")
    let exchange = Exchange(
      mask: mask, weights: weights, gradient: gradient,
      target: Int((min(1, max(0, density)) * Double(shape.count)).rounded()),
      fraction: min(1, max(0, growFraction)))
    switch configuration.granularity {
    case .dense: return LayerMask(dense: shape, blockSide: blockSide)
    case .filter: return filters(exchange)
    case .channel: return channels(exchange)
    case .shape: return shapes(exchange)
    case .line: return lines(exchange, under: Bits(count: layout.shapeCount, repeating: true))
    case .subStructured:
      return lines(exchange, under: shapesToKeep(exchange, movesShapes: movesShapes))
    case .unstructured: return elements(exchange)
    }
  }

  /// What an update starts from and aims at.
  struct Exchange {
    let mask: LayerMask
    let weights: [Float]
    let gradient: [Float]
    /// Weights to keep.
    let target: Int
    /// Fraction of what is kept to exchange.
    let fraction: Double
  }
}

// MARK: - Units

extension LayerPruner {
  func keptFilters(_ mask: LayerMask) -> Bits {
    let rowLength = mask.layout.rowLength
    return Bits(count: shape.filters) { filter in
      let first = filter / mask.layout.height * rowLength
      return mask.lines.popcount(in: first..<first + rowLength) > 0
    }
  }

  func keptChannels(_ mask: LayerMask) -> Bits {
    let area = shape.rows * shape.columns
    return Bits(count: shape.channels) {
      mask.shapes.popcount(in: $0 * area..<($0 + 1) * area) > 0
    }
  }

  /// Mean magnitude of each channel.
  func channelSaliency(_ values: [Float]) -> [Float] {
    let all = Bits(count: layout.count, repeating: true)
    return Saliency.ofRuns(
      Saliency.ofShapes(values, layout, counted: all), length: shape.rows * shape.columns)
  }

  private func filters(_ exchange: Exchange) -> LayerMask {
    let kept = UnitChoice(
      kept: keptFilters(exchange.mask),
      saliency: Saliency.ofRuns(exchange.weights, length: shape.weightsPerFilter),
      growth: Saliency.ofRuns(exchange.gradient, length: shape.weightsPerFilter),
      sizes: .uniform(shape.weightsPerFilter), rowLength: shape.filters
    ).best(target: exchange.target, exchanging: exchange.fraction)
    var lines = Bits(count: layout.count)
    for filter in kept.setBits {
      lines.set(filter * layout.rowLength..<(filter + 1) * layout.rowLength)
    }
    let all = Bits(count: layout.shapeCount, repeating: true)
    return LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: all)
  }

  private func channels(_ exchange: Exchange) -> LayerMask {
    let area = shape.rows * shape.columns
    let all = Bits(count: layout.count, repeating: true)
    let kept = UnitChoice(
      kept: keptChannels(exchange.mask),
      saliency: channelSaliency(exchange.weights), growth: channelSaliency(exchange.gradient),
      sizes: .uniform(shape.filters * area), rowLength: shape.channels
    ).best(target: exchange.target, exchanging: exchange.fraction)
    var shapes = Bits(count: layout.shapeCount)
    for channel in kept.setBits { shapes.set(channel * area..<(channel + 1) * area) }
    return LayerMask(shape: shape, blockSide: blockSide, lines: all, shapes: shapes)
  }

  private func shapes(_ exchange: Exchange) -> LayerMask {
    let all = Bits(count: layout.count, repeating: true)
    let kept = UnitChoice(
      kept: exchange.mask.shapes,
      saliency: Saliency.ofShapes(exchange.weights, layout, counted: all),
      growth: Saliency.ofShapes(exchange.gradient, layout, counted: all),
      sizes: .uniform(shape.filters), rowLength: layout.shapeCount
    ).best(target: exchange.target, exchanging: exchange.fraction)
    return LayerMask(shape: shape, blockSide: blockSide, lines: all, shapes: kept)
  }

  private func elements(_ exchange: Exchange) -> LayerMask {
    let kept = UnitChoice(
      kept: exchange.mask.elementBits, saliency: exchange.weights, growth: exchange.gradient,
      sizes: .uniform(1), rowLength: shape.weightsPerFilter
    ).best(target: exchange.target, exchanging: exchange.fraction)
    return LayerMask(shape: shape, blockSide: blockSide, elements: kept)
  }

  /// The lines under shapes that are already chosen.
  private func lines(_ exchange: Exchange, under shapes: Bits) -> LayerMask {
    let now = exchange.mask
    precondition(now.layout == layout, "a mask with block side \(now.blockSide), not \(blockSide)")
    let choice = UnitChoice(
      kept: now.lines,
      saliency: Saliency.ofLines(
        exchange.weights, layout, counted: now.shapes.intersection(shapes)),
      growth: Saliency.ofLines(exchange.gradient, layout, counted: shapes),
      sizes: layout.sizes(shapes: shapes), rowLength: layout.rowLength)
    let (target, fraction) = (exchange.target, exchange.fraction)
    let lines =
      switch configuration.balanced {
      case .none: choice.best(target: target, exchanging: fraction)
      case .filters: choice.balanced(target: target, exchanging: fraction)
      case .both:
        ChannelBalance(choice, positionsPerChannel: shape.isPointwise ? 1 : shape.rows)
          .units(target: target, exchanging: fraction)
      }
    return LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: shapes)
  }
}
