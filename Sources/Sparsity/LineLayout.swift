/// How the lines of a layer tile its weights, seen as a matrix of K filters x C·R·S shapes.
///
/// A line covers `height` filters x `width` neighbouring shapes: 1 x S, or blockSide x blockSide
/// where kernels are single weights. All lines of the same filters make a row of lines; a line's
/// place in its row is its position.
struct LineLayout: Equatable, Sendable {
  let filters: Int
  let shapeCount: Int
  let height: Int
  let width: Int

  init(shape: FilterShape, blockSide: Int) {
    precondition((1...64).contains(blockSide), "lines are blocks of 1 to 64, not of \(blockSide)")
    filters = shape.filters
    shapeCount = shape.weightsPerFilter
    height = shape.isPointwise ? blockSide : 1
    width = shape.isPointwise ? blockSide : shape.columns
  }

  /// Rows of lines.
  var rows: Int { (filters + height - 1) / height }
  /// Lines of a row.
  var rowLength: Int { (shapeCount + width - 1) / width }
  /// Lines of the layer.
  var count: Int { rows * rowLength }

  /// The filters of a row of lines.
  func filters(of row: Int) -> Range<Int> {
    row * height..<min((row + 1) * height, filters)
  }

  /// The shapes that the lines at a position cover.
  func shapes(at position: Int) -> Range<Int> {
    position * width..<min((position + 1) * width, shapeCount)
  }

  /// How many of `shapes` each position covers.
  func taps(of shapes: Bits) -> [Int] {
    (0..<rowLength).map { shapes.popcount(in: self.shapes(at: $0)) }
  }

  /// Weights of each line when `shapes` are kept.
  func sizes(shapes: Bits) -> UnitSizes {
    let taps = self.taps(of: shapes)
    if filters % height == 0, let first = taps.first, taps.allSatisfy({ $0 == first }) {
      return .uniform(first * height)
    }
    var sizes = [Int32](repeating: 0, count: count)
    for row in 0..<rows {
      let tall = filters(of: row).count
      for position in 0..<rowLength {
        sizes[row * rowLength + position] = Int32(tall * taps[position])
      }
    }
    return .each(sizes)
  }
}
