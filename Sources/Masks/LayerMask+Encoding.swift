// SPDX-License-Identifier: Apache-2.0
import Files

extension LayerMask {
  /// The mask as bytes: K, C, R, S, the block side and a flag for element bits as little-endian
  /// 32-bit numbers, then the bits of lines, shapes and elements, each filled to a byte.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Reads what `encoded` writes, and nothing else.
  ///
  /// - Throws: `InputError` naming `file` and the part of `field` that is wrong.
  public init(decoding bytes: [UInt8], file: String, field: String) throws(InputError) {
    var reader = ByteReader(bytes[...], file: file)
    try self.init(reading: &reader, field: field)
    if reader.remaining > 0 {
      throw reader.error(
        field, found: "\(reader.remaining) bytes after the mask", allowed: "the mask alone")
    }
  }

  func write(to writer: inout ByteWriter) {
    for size in [shape.filters, shape.channels, shape.rows, shape.columns, blockSide] {
      writer.number(size)
    }
    writer.number(elements == nil ? 0 : 1)
    writer.append(lines.bytes)
    writer.append(shapes.bytes)
    if let elements { writer.append(elements.bytes) }
  }

  init(reading reader: inout ByteReader, field: String) throws(InputError) {
    let filters = try reader.number(field + " filters", in: 1...(1 << 24))
    let channels = try reader.number(field + " channels", in: 1...(1 << 24))
    let rows = try reader.number(field + " rows", in: 1...64)
    let columns = try reader.number(field + " columns", in: 1...FilterShape.maximumColumns)
    let blockSide = try reader.number(field + " block side", in: 1...64)
    let hasElements = try reader.number(field + " element flag", in: 0...1) == 1
    guard
      let shape = FilterShape(
        validating: filters, channels: channels, rows: rows, columns: columns)
    else {
      throw reader.error(
        field, found: "\(filters)x\(channels)x\(rows)x\(columns)", allowed: "below 2^48 weights")
    }
    let layout = LineLayout(shape: shape, blockSide: blockSide)
    let lines = try reader.bits(layout.count, field + " lines")
    let shapes = try reader.bits(layout.shapeCount, field + " shapes")
    let elements = hasElements ? try reader.bits(shape.count, field + " elements") : nil
    self.init(
      unchecked: shape, blockSide: blockSide, lines: lines, shapes: shapes, elements: elements)
    // The bytes were as many as the mask has bits, so the check costs no more than reading did.
    if let violation = invariantViolations().first {
      throw reader.error(field, found: violation, allowed: "a mask that keeps its invariants")
    }
  }
}
