// SPDX-License-Identifier: Apache-2.0
/// How the lines of a layer tile its weights, seen as a matrix of K filters x C·R·S shapes.
///
/// A line covers `height` filters x `width` neighbouring shapes: 1 x S, or blockSide x blockSide
/// where kernels are single weights. All lines of the same filters make a row of lines; a line's
/// place in its row is its position.
package struct LineLayout: Equatable, Sendable {
  package let filters: Int
  package let shapeCount: Int
  package let height: Int
  package let width: Int

  package init(shape: FilterShape, blockSide: Int) {
    precondition((1...64).contains(blockSide), "lines are blocks of 1 to 64, not of \(blockSide)")
    filters = shape.filters
    shapeCount = shape.weightsPerFilter
    height = shape.isPointwise ? blockSide : 1
    width = shape.isPointwise ? blockSide : shape.columns
  }

  /// Rows of lines.
  package var rows: Int { (filters + height - 1) / height }
  /// Lines of a row.
  package var rowLength: Int { (shapeCount + width - 1) / width }
  /// Lines of the layer.
  package var count: Int { rows * rowLength }

  /// The filters of a row of lines.
  package func filters(of row: Int) -> Range<Int> {
    row * height..<min((row + 1) * height, filters)
  }

  /// The shapes that the lines at a position cover.
  package func shapes(at position: Int) -> Range<Int> {
    position * width..<min((position + 1) * width, shapeCount)
  }

  /// How many of `shapes` each position covers.
  package func taps(of shapes: Bits) -> [Int] {
    (0..<rowLength).map { shapes.popcount(in: self.shapes(at: $0)) }
  }
}
