extension LayerMask {
  /// The mask as little-endian bytes: K, C, R, S and the block side as 32-bit numbers, a flag for
  /// element bits, then the bits of lines, shapes and elements in 64-bit words.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    for size in [shape.filters, shape.channels, shape.rows, shape.columns, blockSide] {
      writer.count(size)
    }
    writer.count(elements == nil ? 0 : 1)
    writer.bits(lines)
    writer.bits(shapes)
    if let elements { writer.bits(elements) }
    return writer.bytes
  }

  /// Reads what `encoded` writes.
  ///
  /// - Throws: `MaskError` naming file and field.
  public init(decoding bytes: [UInt8], file: String, field: String) throws(MaskError) {
    var reader = ByteReader(bytes, file: file)
    try self.init(from: &reader, field: field)
    if reader.remaining > 0 {
      throw reader.error(field, "is followed by \(reader.remaining) bytes that nothing names")
    }
  }

  init(from reader: inout ByteReader, field: String) throws(MaskError) {
    let sides = 1...(1 << 20)
    let filters = try reader.count(field + " filters", in: sides)
    let channels = try reader.count(field + " channels", in: sides)
    let rows = try reader.count(field + " rows", in: 1...64)
    let columns = try reader.count(field + " columns", in: 1...64)
    let side = try reader.count(field + " block side", in: 1...4)
    let hasElements = try reader.count(field + " element flag", in: 0...1) == 1
    let shape = FilterShape(filters: filters, channels: channels, rows: rows, columns: columns)
    let lines = try reader.bits(Self.lineCount(shape, side), field + " lines")
    let shapes = try reader.bits(channels * rows * columns, field + " shapes")
    let elements = hasElements ? try reader.bits(shape.count, field + " elements") : nil
    self.init(shape: shape, blockSide: side, lines: lines, shapes: shapes, elements: elements)
    // Only now is the mask known to be as large as the file, so checking it is as quick as reading.
    if let violation = invariantViolations().first { throw reader.error(field, violation) }
  }
}
