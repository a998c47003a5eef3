// SPDX-License-Identifier: Apache-2.0
import Masks

/// Granularity, sparsity, schedule and budget of pruning.
///
/// ```swift
/// let pruning = PruningConfiguration(granularity: .line, sparsity: 0.8, balanced: .filters)
/// try pruning.validate()
/// ```
public struct PruningConfiguration: Codable, Sendable, Equatable {
  /// The schedule of the density over a run.
  public enum Schedule: String, CaseIterable, Codable, Sendable {
    /// From `startDensity` along a cubic to the target at `rampEnd`, then constant.
    case gradual
    /// At the target from the first step on.
    case dynamic
  }

  /// How the layers share the density.
  public enum Budget: String, CaseIterable, Codable, Sendable {
    /// The same density for every layer.
    case uniform
    /// Erdős–Rényi-kernel: the smaller a layer's sizes, the denser it stays.
    case erk
    /// One threshold over the units of all layers, by magnitude, while a gradual run prunes.
    case global
  }

  /// What ranks the pruned units of which some come back.
  public enum Growth: String, CaseIterable, Codable, Sendable {
    /// Mean |dL/dW|, as RigL does.
    case gradient
    /// Chance, as SET does.
    case random
  }

  /// What keeps equal numbers of lines.
  public enum Balance: String, CaseIterable, Codable, Sendable {
    /// Nothing: lines go by rank alone.
    case none
    /// Every filter of a layer (row of blocks), to within one line.
    case filters
    /// Filters as before, and the channels (columns of blocks) nearly: to within one line where
    /// all shapes are kept. Channels are the rows of work of the input gradient.
    case both
  }

  /// The unit of pruning.
  public var granularity: Granularity
  /// Fraction of the prunable weights to remove, in 0..<1.
  public var sparsity: Double
  /// The schedule of the density over a run.
  public var schedule: Schedule
  /// Density at the first step of a gradual run.
  public var startDensity: Double
  /// Fraction of the training at whose end a gradual run is at its target.
  public var rampEnd: Double
  /// Fraction of the training from which on updates exchange units; `nil` for the end of the ramp of
  /// a gradual run, and for a tenth of a dynamic one.
  public var exchangeFrom: Double?
  /// Fraction of the training from which on masks never change.
  public var freezeFrom: Double
  /// How the layers share the density.
  public var budget: Budget
  /// What keeps equal numbers of lines (line and sub-structured).
  public var balanced: Balance
  /// Fraction of the removed weights that shapes take in sub-structured pruning; `nil` lets one
  /// threshold on shapes and lines decide.
  public var shapeShare: Double?
  /// Steps between two updates of the masks.
  public var updateInterval: Int
  /// Fraction of what a layer keeps that an update exchanges, before its decay: a half cosine from
  /// the first step of training to `freezeFrom`.
  public var growFraction: Double
  /// What ranks the pruned units of which some come back.
  public var growth: Growth
  /// Fraction of the kept shapes that an update that moves shapes exchanges, before the same decay.
  public var shapeUpdateFraction: Double
  /// The least fraction of a layer's shapes that sub-structured pruning keeps.
  public var minimumShapeFraction: Double
  /// Side of the square blocks that are lines where kernels are single weights.
  public var blockSide: Int

  /// A configuration; what is not given has its default.
  public init(
    granularity: Granularity = .subStructured, sparsity: Double = 0.9,
    schedule: Schedule = .gradual, startDensity: Double = 0.5, rampEnd: Double = 0.5,
    exchangeFrom: Double? = nil, freezeFrom: Double = 0.75, budget: Budget = .uniform,
    balanced: Balance = .none, shapeShare: Double? = nil, updateInterval: Int = 100,
    growFraction: Double = 0.3, growth: Growth = .gradient, shapeUpdateFraction: Double = 0.1,
    minimumShapeFraction: Double = 0.2, blockSide: Int = 4
  ) {
    self.granularity = granularity
    self.sparsity = sparsity
    self.schedule = schedule
    self.startDensity = startDensity
    self.rampEnd = rampEnd
    self.exchangeFrom = exchangeFrom
    self.freezeFrom = freezeFrom
    self.budget = budget
    self.balanced = balanced
    self.shapeShare = shapeShare
    self.updateInterval = updateInterval
    self.growFraction = growFraction
    self.growth = growth
    self.shapeUpdateFraction = shapeUpdateFraction
    self.minimumShapeFraction = minimumShapeFraction
    self.blockSide = blockSide
  }

  /// Fraction of the training from which on updates exchange units, with its default filled in.
  public var firstExchange: Double { exchangeFrom ?? (schedule == .gradual ? rampEnd : 0.1) }

  /// Checks every value.
  ///
  /// - Throws: `PruningError` for the first field that is wrong.
  public func validate() throws(PruningError) {
    func require(
      _ isRight: Bool, _ field: String, _ value: some CustomStringConvertible, _ allowed: String
    ) throws(PruningError) {
      if !isRight { throw PruningError(field: field, value: "\(value)", allowed: allowed) }
    }
    try require(
      sparsity >= 0 && sparsity < 1, "sparsity", sparsity, "at least 0 and less than 1")
    try require(
      startDensity > 0 && startDensity <= 1, "startDensity", startDensity,
      "more than 0 and at most 1")
    try require((0...1).contains(rampEnd), "rampEnd", rampEnd, "0 to 1")
    try require((0...1).contains(freezeFrom), "freezeFrom", freezeFrom, "0 to 1")
    try require(
      schedule == .dynamic || freezeFrom >= rampEnd, "freezeFrom", freezeFrom,
      "rampEnd (\(rampEnd)) to 1: masks cannot freeze before they reach their target")
    if let exchangeFrom {
      try require((0...1).contains(exchangeFrom), "exchangeFrom", exchangeFrom, "0 to 1")
    }
    try require(
      budget != .global || schedule == .gradual, "budget", budget.rawValue,
      "uniform or erk with schedule dynamic, which never prunes by magnitude alone")
    try require(
      balanced == .none || granularity.prunesLines, "balanced",
      "\(balanced.rawValue) with granularity \(granularity.rawValue)",
      "none with granularities other than line and sub-structured")
    if let shapeShare {
      try require((0...1).contains(shapeShare), "shapeShare", shapeShare, "0 to 1")
    }
    try require(updateInterval > 0, "updateInterval", updateInterval, "at least 1")
    try require(
      growFraction >= 0 && growFraction < 1, "growFraction", growFraction,
      "at least 0 and less than 1")
    try require(
      shapeUpdateFraction >= 0 && shapeUpdateFraction < 1, "shapeUpdateFraction",
      shapeUpdateFraction, "at least 0 and less than 1")
    try require(
      (0...1).contains(minimumShapeFraction), "minimumShapeFraction", minimumShapeFraction,
      "0 to 1")
    try require(blockSide == 2 || blockSide == 4, "blockSide", blockSide, "2 or 4")
  }
}
