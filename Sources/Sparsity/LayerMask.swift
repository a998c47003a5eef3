/// Which weights of a layer are kept: those whose line and whose shape are kept (and, for
/// unstructured pruning, that are kept themselves).
///
/// A line is a kernel row `W[k,c,r,:]`; its bit is `(k·C + c)·R + r`. Where a kernel is one weight it
/// is a block of `blockSide` filters by as many channels, bit
/// `(k / side)·⌈C / side⌉ + c / side`. A shape is `W[:,c,r,s]`, bit `(c·R + r)·S + s`. Transposing
/// the filters and turning the kernels, as backpropagation does, maps rows to rows and blocks to
/// blocks, so the same mask serves all three passes.
public struct LayerMask: Equatable, Sendable {
  /// The layer's weights.
  public let shape: FilterShape
  /// Side of a block where a kernel is one weight.
  public let blockSide: Int
  /// Kept lines.
  public internal(set) var lines: Bits
  /// Kept shapes.
  public internal(set) var shapes: Bits
  /// Kept weights, `[K][C][R][S]`; nil unless pruning is unstructured.
  public internal(set) var elements: Bits?

  /// Everything is kept.
  public init(dense shape: FilterShape, blockSide: Int = 4) {
    precondition(blockSide > 0, "a block has a side")
    self.shape = shape
    self.blockSide = blockSide
    lines = Bits(count: Self.lineCount(shape, blockSide), set: true)
    shapes = Bits(count: shape.channels * shape.rows * shape.columns, set: true)
  }

  init(shape: FilterShape, blockSide: Int, lines: Bits, shapes: Bits, elements: Bits?) {
    self.shape = shape
    self.blockSide = blockSide
    self.lines = lines
    self.shapes = shapes
    self.elements = elements
  }

  static func lineCount(_ shape: FilterShape, _ side: Int) -> Int {
    shape.isPointwise
      ? (shape.filters + side - 1) / side * ((shape.channels + side - 1) / side)
      : shape.filters * shape.channels * shape.rows
  }

  /// The bit of the line that a kernel row belongs to.
  public func line(filter: Int, channel: Int, row: Int) -> Int {
    shape.isPointwise
      ? filter / blockSide * ((shape.channels + blockSide - 1) / blockSide) + channel / blockSide
      : (filter * shape.channels + channel) * shape.rows + row
  }

  /// The kept columns of a kernel row, bit `s` for column `s`.
  public func taps(filter: Int, channel: Int, row: Int) -> UInt64 {
    if !lines[line(filter: filter, channel: channel, row: row)] { return 0 }
    let columns = shape.columns
    let kept = shapes.field(at: (channel * shape.rows + row) * columns, length: columns)
    guard let elements else { return kept }
    let start = ((filter * shape.channels + channel) * shape.rows + row) * columns
    return kept & elements.field(at: start, length: columns)
  }

  /// Whether a weight is kept.
  public func keeps(filter: Int, channel: Int, row: Int, column: Int) -> Bool {
    taps(filter: filter, channel: channel, row: row) >> UInt64(column) & 1 != 0
  }

  /// Kept weights.
  public var keptElements: Int {
    if let elements { return elements.setCount }
    var kept = 0
    for filter in 0..<shape.filters {
      for channel in 0..<shape.channels {
        for row in 0..<shape.rows {
          kept += taps(filter: filter, channel: channel, row: row).nonzeroBitCount
        }
      }
    }
    return kept
  }

  /// Share of the weights that is kept.
  public var density: Double { Double(keptElements) / Double(shape.count) }
  /// Share of the weights that is pruned.
  public var sparsity: Double { 1 - density }
  /// Lines that are kept.
  public var keptLines: Int { lines.setCount }
  /// Shapes that are kept.
  public var keptShapes: Int { shapes.setCount }

  /// Kept lines of each filter, or kept blocks of each row of blocks.
  public func linesPerFilter() -> [Int] {
    let outputs = shape.isPointwise ? (shape.filters + blockSide - 1) / blockSide : shape.filters
    let each = lines.count / outputs
    return (0..<outputs).map { output in
      (0..<each).reduce(0) { $0 + (lines[output * each + $1] ? 1 : 0) }
    }
  }
}
