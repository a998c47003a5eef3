// SPDX-License-Identifier: Apache-2.0
import Masks

/// One pass of one layer as operand vectors against rows; a strided input gradient is several such
/// parts, one for each phase of its sub-pixels.
///
/// A **row** works on one output plane (filters in the forward and weight-gradient pass, channels in
/// the input gradient). An **entry** is a source plane seen through one tap: number
/// (plane · kernelRows + r) · kernelColumns + s. A **line** is the entries of one (plane, r), which
/// one read of the source serves. A row needs an entry if and only if its weight is kept; planes of
/// other groups of a grouped convolution are pruned from its point of view.
public struct LoweredPart: Sendable {
  /// The pass.
  public let pass: Pass
  /// Output planes.
  public let rows: Int
  /// Source planes.
  public let planes: Int
  /// Groups of a grouped convolution: a row of a dense layer needs planes / groups of the planes.
  public let groups: Int
  /// Rows of outputs and of kernels.
  public let rowAxis: Axis
  /// Columns of outputs and of kernels.
  public let columnAxis: Axis
  /// Kernel row and column of the layer that each of the part's taps is: `taps[r · S + s]`.
  public let taps: [(row: Int, column: Int)]
  /// Which entries each row needs: row-major, `wordsPerRow` words a row, entry e at bit e.
  let words: [UInt64]

  init(
    pass: Pass, rows: Int, planes: Int, rowAxis: Axis, columnAxis: Axis,
    taps: [(row: Int, column: Int)], words: [UInt64], groups: Int = 1
  ) {
    self.pass = pass
    self.rows = rows
    self.planes = planes
    self.groups = groups
    self.rowAxis = rowAxis
    self.columnAxis = columnAxis
    self.taps = taps
    self.words = words
  }

  /// Kernel rows of the part.
  public var kernelRows: Int { rowAxis.offsets.count }
  /// Kernel columns of the part.
  public var kernelColumns: Int { columnAxis.offsets.count }
  /// Taps of the part.
  public var tapCount: Int { kernelRows * kernelColumns }
  /// Entries.
  public var entries: Int { planes * tapCount }
  /// Words of a row's mask.
  package var wordsPerRow: Int { (entries + 63) / 64 }

  /// The mask of a row.
  package func mask(_ row: Int) -> ArraySlice<UInt64> {
    words[row * wordsPerRow..<(row + 1) * wordsPerRow]
  }

  /// Whether a row needs an entry.
  public func needs(row: Int, entry: Int) -> Bool {
    words[row * wordsPerRow + entry >> 6] >> UInt64(entry & 63) & 1 != 0
  }

  /// Entries that a row needs.
  public func needed(row: Int) -> Int {
    mask(row).reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// Products of the pass inside the map: one for each image, needed entry and output that reads
  /// inside the map through it. With a dense mask, the dense products.
  public func products(images: Int) -> Int {
    var perTap = [Int](repeating: 0, count: tapCount)
    for row in 0..<rows {
      for (index, word) in mask(row).enumerated() {
        var rest = word
        while rest != 0 {
          perTap[(index * 64 + rest.trailingZeroBitCount) % tapCount] += 1
          rest &= rest - 1
        }
      }
    }
    return zip(perTap, outputsInside).reduce(0) { $0 + $1.0 * $1.1 } * images
  }

  /// Entries of the planes that a row can read: all, or those of its group of a grouped convolution.
  func reachedEntries(_ row: Int) -> Range<Int> {
    let perGroup = planes / groups * tapCount
    let first = row / (rows / groups) * perGroup
    return first..<first + perGroup
  }

  /// Products of the pass inside the map of a layer without pruning.
  public func denseProducts(images: Int) -> Int {
    rows * (planes / groups) * outputsInside.reduce(0, +) * images
  }

  /// Outputs of a plane that read inside the map, for each tap.
  var outputsInside: [Int] {
    let rows = (0..<kernelRows).map { rowAxis.inside(0..<rowAxis.outputs, tap: $0) }
    let columns = (0..<kernelColumns).map {
      columnAxis.inside(0..<columnAxis.outputs, tap: $0)
    }
    return rows.flatMap { row in columns.map { row * $0 } }
  }
}
