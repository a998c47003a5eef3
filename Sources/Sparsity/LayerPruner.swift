/// Chooses which weights of one layer to keep.
///
/// An update first keeps the units with the largest mean `|w|`, up to the target density less the
/// share to exchange, and then fills up to the target with the units whose mean `|dL/dW|` is largest
/// among all others, those just dropped included (Evci et al. 2020). The result is as close to the
/// target as one unit allows. Equal scores are decided by index, so equal inputs give equal masks.
public struct LayerPruner: Sendable {
  let shape: FilterShape
  let configuration: PruningConfiguration

  /// A pruner for a layer.
  public init(shape: FilterShape, configuration: PruningConfiguration) {
    self.shape = shape
    self.configuration = configuration
  }

  /// The first mask, by the magnitude of the first weights, `[K][C][R][S]`.
  public func initialMask(weights: [Float], density: Double) -> LayerMask {
    let dense = LayerMask(dense: shape, blockSide: configuration.blockSide)
    let change = Change(
      density: density, growFraction: 0, movesShapes: true, shapeFraction: 0)
    return update(dense, weights: weights, gradient: weights, change)
  }

  /// What an update is to do.
  public struct Change: Sendable {
    /// Share of the weights to keep.
    public let density: Double
    /// Share of the kept units to choose by gradient instead of magnitude.
    public let growFraction: Double
    /// Whether shapes may change too (sub-structured pruning).
    public let movesShapes: Bool
    /// Share of the kept shapes to exchange when they may.
    public let shapeFraction: Double

    /// A change.
    public init(
      density: Double, growFraction: Double, movesShapes: Bool, shapeFraction: Double
    ) {
      self.density = density
      self.growFraction = growFraction
      self.movesShapes = movesShapes
      self.shapeFraction = shapeFraction
    }
  }

  /// The next mask.
  ///
  /// - Parameters:
  ///   - weights: dense `[K][C][R][S]`, zero where pruned.
  ///   - gradient: dL/dW of every weight, in the same order.
  public func update(
    _ mask: LayerMask, weights: [Float], gradient: [Float], _ change: Change
  ) -> LayerMask {
    precondition(
      weights.count == shape.count && gradient.count == shape.count, "dense weights and gradients")
    switch configuration.granularity {
    case .dense:
      return mask
    case .filter:
      return updateFilters(mask, weights, gradient, change)
    case .channel:
      return updateChannels(mask, weights, gradient, change)
    case .shape:
      return updateShapes(mask, weights, gradient, change)
    case .line:
      return updateLines(mask, shapes: mask.shapes, weights, gradient, change)
    case .subStructured:
      return updateSubStructured(mask, weights, gradient, change)
    case .unstructured:
      return updateElements(mask, weights, gradient, change)
    }
  }

  /// Chooses among equal units: the best by weight, then the best by gradient.
  ///
  /// - Parameters:
  ///   - kept: whether a unit is kept so far.
  ///   - count: how many to keep, at least 1.
  func choose(
    _ units: Int, count: Int, growFraction: Double, kept: (Int) -> Bool, weight: (Int) -> Float,
    gradient: (Int) -> Float
  ) -> Bits {
    let count = min(max(1, count), units)
    let retained = min(count, max(1, count - Int((Double(count) * growFraction).rounded())))
    var chosen = Bits(count: units)
    for unit in ranked((0..<units).filter(kept), by: weight).prefix(retained) {
      chosen[unit] = true
    }
    let rest = ranked((0..<units).filter { !chosen[$0] }, by: gradient)
    for unit in rest.prefix(count - chosen.setCount) { chosen[unit] = true }
    return chosen
  }

  private func share(_ density: Double, of units: Int) -> Int {
    Int((density * Double(units)).rounded())
  }

  /// Whole filters. At least one stays.
  private func updateFilters(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    let dense = LayerMask(dense: shape, blockSide: 1)
    let each = shape.channels * shape.rows
    func saliency(_ values: [Float]) -> Saliency {
      Saliency(
        Saliency(lines: dense, values: values, counted: dense), groups: shape.filters
      ) { $0 / each }
    }
    let (weight, growth) = (saliency(weights), saliency(gradient))
    let was = (0..<shape.filters).map { filter in
      (0..<shape.channels).contains { mask.taps(filter: filter, channel: $0, row: 0) != 0 }
    }
    let chosen = choose(
      shape.filters, count: share(change.density, of: shape.filters),
      growFraction: change.growFraction, kept: { was[$0] }, weight: weight.mean,
      gradient: growth.mean)
    // Blocks would tie neighbouring filters together: filters of a pointwise layer are masked as
    // blocks of one.
    var updated = LayerMask(dense: shape, blockSide: 1)
    for line in 0..<updated.lines.count where !chosen[line / each] { updated.lines[line] = false }
    return updated
  }

  /// Whole input channels. At least one stays.
  private func updateChannels(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    let dense = LayerMask(dense: shape, blockSide: mask.blockSide)
    let each = shape.rows * shape.columns
    func saliency(_ values: [Float]) -> Saliency {
      Saliency(
        Saliency(shapes: dense, values: values, counted: dense), groups: shape.channels
      ) { $0 / each }
    }
    let (weight, growth) = (saliency(weights), saliency(gradient))
    let chosen = choose(
      shape.channels, count: share(change.density, of: shape.channels),
      growFraction: change.growFraction, kept: { mask.shapes[$0 * each] }, weight: weight.mean,
      gradient: growth.mean)
    var shapes = Bits(count: dense.shapes.count)
    for index in 0..<shapes.count where chosen[index / each] { shapes[index] = true }
    return dense.withShapes(shapes)
  }

  /// Positions of the kernel over all filters. At least one stays.
  private func updateShapes(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    let dense = LayerMask(dense: shape, blockSide: mask.blockSide)
    let weight = Saliency(shapes: dense, values: weights, counted: dense)
    let growth = Saliency(shapes: dense, values: gradient, counted: dense)
    let chosen = choose(
      dense.shapes.count, count: share(change.density, of: dense.shapes.count),
      growFraction: change.growFraction, kept: { mask.shapes[$0] }, weight: weight.mean,
      gradient: growth.mean)
    return dense.withShapes(chosen)
  }

  /// Single weights. At least one stays.
  private func updateElements(
    _ mask: LayerMask, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    let elements = choose(
      shape.count, count: share(change.density, of: shape.count),
      growFraction: change.growFraction, kept: { mask.elements?[$0] ?? true },
      weight: { weights[$0] }, gradient: { gradient[$0] })
    // Lines and shapes are those that the kept weights touch.
    let dense = LayerMask(dense: shape, blockSide: mask.blockSide)
    return LayerMask(
      shape: shape, blockSide: mask.blockSide, lines: dense.lines, shapes: dense.shapes,
      elements: elements
    ).withoutEmptyLines()
  }
}

extension LayerMask {
  /// The mask with other shapes; lines that would keep nothing are cleared.
  func withShapes(_ shapes: Bits) -> LayerMask {
    LayerMask(
      shape: shape, blockSide: blockSide, lines: lines, shapes: shapes, elements: elements
    ).withoutEmptyLines()
  }

  /// The mask without lines that keep nothing.
  func withoutEmptyLines() -> LayerMask {
    var used = Bits(count: lines.count)
    for filter in 0..<shape.filters {
      for channel in 0..<shape.channels {
        for row in 0..<shape.rows
        where taps(filter: filter, channel: channel, row: row) != 0 {
          used[line(filter: filter, channel: channel, row: row)] = true
        }
      }
    }
    return LayerMask(
      shape: shape, blockSide: blockSide, lines: used, shapes: shapes, elements: elements)
  }
}
