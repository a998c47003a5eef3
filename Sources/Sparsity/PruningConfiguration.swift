/// What pruning removes, how much, and when.
public struct PruningConfiguration: Codable, Sendable, Equatable {
  /// How the density goes.
  public enum Schedule: String, Codable, Sendable, CaseIterable {
    /// From `startDensity` down a cubic to the target at half of the steps, then prune-and-grow.
    case gradual
    /// At the target from the first step, prune-and-grow all along.
    case dynamic
  }

  /// How layers share the target.
  public enum Budget: String, Codable, Sendable, CaseIterable {
    /// Every layer the same density.
    case uniform
    /// Erdős–Rényi kernel: small layers stay denser.
    case erk
  }

  /// What is removed at once.
  public var granularity = Granularity.subStructured
  /// Share of the prunable weights to remove, in 0..<1.
  public var sparsity = 0.9
  /// How the density goes.
  public var schedule = Schedule.gradual
  /// Density at the first step of a gradual schedule.
  public var startDensity = 0.5
  /// How layers share the target.
  public var budget = Budget.uniform
  /// Whether every filter of a layer keeps the same number of lines (line-based granularities).
  public var balanced = false
  /// Share of the removed weights that shapes take in sub-structured pruning; nil lets one
  /// threshold for shapes and lines decide.
  public var shapeShare: Double?
  /// Steps from one mask update to the next.
  public var updateInterval = 100
  /// Share of the kept units that an update exchanges, at first.
  public var growFraction = 0.3
  /// Share of the kept shapes that the first update of an epoch exchanges, at first.
  public var shapeUpdateFraction = 0.1
  /// Least share of a layer's shapes that sub-structured pruning keeps.
  public var minimumShapeFraction = 0.2
  /// Side of the blocks that stand for lines where a kernel is one weight.
  public var blockSide = 4

  /// The defaults.
  public init() {}

  /// Checks every value.
  ///
  /// - Throws: `PruningError` naming the field, the value and what is allowed.
  public func validate() throws(PruningError) {
    func check(_ condition: Bool, _ field: String, _ value: Any, _ allowed: String)
      throws(PruningError)
    {
      if !condition { throw PruningError(field: field, value: "\(value)", allowed: allowed) }
    }
    try check((0..<1).contains(sparsity), "sparsity", sparsity, "0 to less than 1")
    try check(
      startDensity > 0 && startDensity <= 1, "start-density", startDensity, "more than 0, at most 1")
    try check((0...1).contains(shapeShare ?? 0), "shape-share", shapeShare ?? 0, "0 to 1")
    try check(updateInterval > 0, "update-interval", updateInterval, "at least 1")
    try check((0..<1).contains(growFraction), "grow-fraction", growFraction, "0 to less than 1")
    try check(
      (0..<1).contains(shapeUpdateFraction), "shape-update-fraction", shapeUpdateFraction,
      "0 to less than 1")
    try check(
      (0...1).contains(minimumShapeFraction), "minimum-shape-fraction", minimumShapeFraction,
      "0 to 1")
    try check([2, 4].contains(blockSide), "block-side", blockSide, "2 or 4")
    try check(
      !balanced || granularity.hasLines, "balanced", "true with granularity \(granularity.rawValue)",
      "true only with line or sub-structured")
  }
}

/// A pruning configuration that cannot be used.
public struct PruningError: Error, CustomStringConvertible, Equatable {
  /// The key.
  public let field: String
  /// What was found.
  public let value: String
  /// What would be right.
  public let allowed: String

  /// Key, value and what is allowed.
  public var description: String { "\(field): \(value) is not allowed; \(allowed)" }
}
