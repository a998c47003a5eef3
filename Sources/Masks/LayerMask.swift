// SPDX-License-Identifier: Apache-2.0
/// Which weights of a layer are kept: `kept[k,c,r,s] = line[k,c,r] ∧ shape[c,r,s]`.
///
/// A **line** is the kernel row `W[k,c,r,:]` of one filter; where kernels are single weights it is
/// a block of `blockSide` filters x `blockSide` channels (smaller at the edges).
/// A **shape** is the position `W[:,c,r,s]` in every filter. Backpropagation transposes the filters
/// and turns the kernel by 180 degrees, which takes line (k,c,r) to line (c,k,R-1-r): one mask
/// serves all three passes of training.
///
/// An unstructured mask has `elements` besides; its lines and shapes are then those that hold an
/// element. A line of which no weight is kept is never marked as kept.
///
/// ```swift
/// let shape = FilterShape(filters: 2, channels: 2, rows: 3, columns: 3)
/// // Twelve lines, of which every second is kept, and all 18 shapes.
/// let lines = Bits(count: 12) { $0 % 2 == 0 }
/// let mask = LayerMask(shape: shape, lines: lines, shapes: Bits(count: 18, repeating: true))
/// print(mask.keptElements, mask.density)  // 18 0.5
/// print(mask.keeps(filter: 0, channel: 0, row: 1, column: 2))  // false: line 1 is pruned
/// ```
public struct LayerMask: Hashable, Sendable {
  /// Sizes of the weights.
  public let shape: FilterShape
  /// Side of a line's block where kernels are single weights; without meaning elsewhere.
  public let blockSide: Int
  /// Kept lines: bit (k·C + c)·R + r; for single-weight kernels bit
  /// (k / blockSide)·⌈C / blockSide⌉ + c / blockSide.
  public let lines: Bits
  /// Kept shapes: bit (c·R + r)·S + s.
  public let shapes: Bits
  /// Kept elements of an unstructured mask: bit ((k·C + c)·R + r)·S + s.
  public let elements: Bits?

  /// The mask that keeps everything.
  public init(dense shape: FilterShape, blockSide: Int = 4) {
    let layout = LineLayout(shape: shape, blockSide: blockSide)
    self.init(
      shape: shape, blockSide: blockSide, lines: Bits(count: layout.count, repeating: true),
      shapes: Bits(count: shape.weightsPerFilter, repeating: true))
  }

  /// The mask of these lines and shapes; lines that no shape leaves a weight to are cleared.
  public init(shape: FilterShape, blockSide: Int = 4, lines: Bits, shapes: Bits) {
    let layout = LineLayout(shape: shape, blockSide: blockSide)
    precondition(lines.count == layout.count, "\(lines.count) line bits for \(shape)")
    precondition(
      shapes.count == shape.weightsPerFilter, "\(shapes.count) shape bits for \(shape)")
    var live = lines
    for position in 0..<layout.rowLength {
      let covered = layout.shapes(at: position)
      if shapes.bits(from: covered.lowerBound, length: covered.count) == 0 {
        for row in 0..<layout.rows { live[row * layout.rowLength + position] = false }
      }
    }
    self.init(
      unchecked: shape, blockSide: blockSide, lines: live, shapes: shapes, elements: nil)
  }

  /// The unstructured mask of these elements.
  public init(shape: FilterShape, blockSide: Int = 4, elements: Bits) {
    precondition(elements.count == shape.count, "\(elements.count) element bits for \(shape)")
    let layout = LineLayout(shape: shape, blockSide: blockSide)
    let perFilter = shape.weightsPerFilter
    var lines = Bits(count: layout.count)
    var shapes = Bits(count: perFilter)
    for filter in 0..<shape.filters {
      let firstLine = filter / layout.height * layout.rowLength
      for position in 0..<layout.rowLength {
        let covered = layout.shapes(at: position)
        let first = filter * perFilter + covered.lowerBound
        var taps = elements.bits(from: first, length: covered.count)
        if taps == 0 { continue }
        lines[firstLine + position] = true
        while taps != 0 {
          shapes[covered.lowerBound + taps.trailingZeroBitCount] = true
          taps &= taps - 1
        }
      }
    }
    self.init(
      unchecked: shape, blockSide: blockSide, lines: lines, shapes: shapes, elements: elements)
  }

  /// The mask of these weights by lines and shapes where those alone suffice, else unstructured
  /// (whole filters of single-weight kernels, which cut the blocks that are lines there, too).
  public init(recognizing elements: Bits, shape: FilterShape, blockSide: Int = 4) {
    let scattered = LayerMask(shape: shape, blockSide: blockSide, elements: elements)
    let structured = LayerMask(
      unchecked: shape, blockSide: blockSide, lines: scattered.lines, shapes: scattered.shapes,
      elements: nil)
    // Lines and shapes that hold an element cover all of them, and perhaps more.
    self = structured.keptElements == elements.popcount ? structured : scattered
  }

  /// The granularity that the bits of the mask show: dense, sub-structured or unstructured.
  public var recognizedGranularity: Granularity {
    if elements != nil { return .unstructured }
    return keptElements == shape.count ? .dense : .subStructured
  }

  /// Parts as they are, for readers that check the invariants afterwards.
  init(unchecked shape: FilterShape, blockSide: Int, lines: Bits, shapes: Bits, elements: Bits?) {
    self.shape = shape
    self.blockSide = blockSide
    self.lines = lines
    self.shapes = shapes
    self.elements = elements
  }

  package var layout: LineLayout { LineLayout(shape: shape, blockSide: blockSide) }

  /// The bit of `lines` that covers a kernel row of a filter.
  public func lineIndex(filter: Int, channel: Int, row: Int) -> Int {
    shape.isPointwise
      ? filter / blockSide * ((shape.channels + blockSide - 1) / blockSide) + channel / blockSide
      : (filter * shape.channels + channel) * shape.rows + row
  }

  /// Whether the weight `W[k,c,r,s]` is kept.
  public func keeps(filter: Int, channel: Int, row: Int, column: Int) -> Bool {
    precondition(column >= 0 && column < shape.columns, "column \(column) of \(shape)")
    return taps(filter: filter, channel: channel, row: row) >> UInt64(column) & 1 != 0
  }

  /// The kept taps of the kernel row `W[k,c,r,:]`: bit s for column s.
  public func taps(filter: Int, channel: Int, row: Int) -> UInt64 {
    let position = channel * shape.rows + row
    if let elements {
      let first = (filter * shape.channels * shape.rows + position) * shape.columns
      return elements.bits(from: first, length: shape.columns)
    }
    if !lines[lineIndex(filter: filter, channel: channel, row: row)] { return 0 }
    return shapes.bits(from: position * shape.columns, length: shape.columns)
  }

  /// The kept taps of every kernel row, at (k·C + c)·R + r: bit s for column s. For kernels of at
  /// most 16 columns.
  public func tapPatterns() -> [UInt16] {
    precondition(shape.columns <= 16, "tap patterns of \(shape.columns) columns")
    let positions = shape.channels * shape.rows
    let columns = shape.columns
    var patterns = [UInt16](repeating: 0, count: shape.filters * positions)
    if let elements {
      for index in patterns.indices {
        patterns[index] = UInt16(elements.bits(from: index * columns, length: columns))
      }
      return patterns
    }
    let kept = (0..<positions).map {
      UInt16(shapes.bits(from: $0 * columns, length: columns))
    }
    let layout = self.layout
    let perLine = layout.width / columns  // kernel rows of a filter that share a line bit
    for filter in 0..<shape.filters {
      let firstLine = filter / layout.height * layout.rowLength
      for position in 0..<layout.rowLength where lines[firstLine + position] {
        for place in position * perLine..<min((position + 1) * perLine, positions) {
          patterns[filter * positions + place] = kept[place]
        }
      }
    }
    return patterns
  }
}
