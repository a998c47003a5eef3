/// The size of a layer's weights `W[filters][channels][rows][columns]`.
///
/// `channels` are those that one filter sees: the channels of a group. A linear layer has one row and
/// one column.
public struct FilterShape: Hashable, Codable, Sendable, CustomStringConvertible {
  /// K.
  public let filters: Int
  /// C.
  public let channels: Int
  /// R.
  public let rows: Int
  /// S, at most 64.
  public let columns: Int

  /// A size; every side is at least one.
  public init(filters: Int, channels: Int, rows: Int, columns: Int) {
    precondition(
      filters > 0 && channels > 0 && rows > 0 && (1...64).contains(columns),
      "weights have at least one value and at most 64 columns")
    self.filters = filters
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  /// Weights.
  public var count: Int { filters * channels * rows * columns }
  /// Whether a kernel is a single weight, so that lines are square blocks.
  public var isPointwise: Bool { rows * columns == 1 }
  /// For example `64x64x3x3`.
  public var description: String { "\(filters)x\(channels)x\(rows)x\(columns)" }
}
