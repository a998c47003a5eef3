// SPDX-License-Identifier: Apache-2.0
import Files

extension MaskSnapshot {
  private static let magic = Array("SWPUMASK".utf8)
  private static let version = 2
  private static let checksumBytes = 8
  /// A layer takes at least its numbers, so a file cannot claim more layers than it has room for.
  private static let leastLayerBytes = 74

  /// The snapshot as the bytes of a file.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.magic)
    for number in [Self.version, step, epoch, layers.count] { writer.number(number) }
    for layer in layers { layer.write(to: &writer) }
    writer.integer(checksum(writer.bytes))
    return writer.bytes
  }

  /// Reads what `encoded` writes, and nothing else.
  ///
  /// - Throws: `InputError` naming the file and the field that is wrong.
  public init(decoding bytes: [UInt8], file: String) throws(InputError) {
    guard bytes.starts(with: Self.magic) else {
      throw InputError(
        file: file, field: "magic", value: "\(Array(bytes.prefix(Self.magic.count)))",
        allowed: "the bytes SWPUMASK")
    }
    var tail = ByteReader(bytes.suffix(Self.checksumBytes), file: file)
    let found = try tail.integer(UInt64.self, "checksum")
    let content = bytes.dropLast(Self.checksumBytes)
    let expected = checksum(content)
    guard found == expected else {
      throw InputError(
        file: file, field: "checksum", value: String(found, radix: 16),
        allowed: String(expected, radix: 16) + " for a file that is whole and unchanged")
    }
    var reader = ByteReader(content, file: file)
    _ = try reader.take(Self.magic.count, "magic")
    let version = try reader.number("version", in: 0...Int(UInt32.max))
    guard version == Self.version else {
      throw reader.error(
        "version", found: "\(version)",
        allowed: "\(Self.version) (version 1 lacked the dense layers; a new run has them)")
    }
    step = try reader.number("step", in: 0...Int(UInt32.max))
    epoch = try reader.number("epoch", in: 0...Int(UInt32.max))
    let count = try reader.number("layers", in: 0...reader.remaining / Self.leastLayerBytes)
    layers = []
    for index in 0..<count {
      layers.append(try Layer(reading: &reader, field: "layer \(index)"))
    }
    if reader.remaining > 0 {
      throw reader.error(
        "end", found: "\(reader.remaining) bytes after the last layer", allowed: "none")
    }
  }
}

extension MaskSnapshot.Layer {
  func write(to writer: inout ByteWriter) {
    writer.text(name)
    for number in [
      groups, stride, paddingRows, paddingColumns, inputHeight, inputWidth, outputHeight,
      outputWidth,
    ] { writer.number(number) }
    writer.text(granularity.rawValue)
    for sparsity in [inputSparsity, gradientSparsity] {
      writer.number(sparsity == nil ? 0 : 1)
      if let sparsity { writer.fraction(sparsity) }
    }
    mask.write(to: &writer)
  }

  init(reading reader: inout ByteReader, field: String) throws(InputError) {
    let sides = 1...(1 << 24)
    name = try reader.text(field + " name")
    groups = try reader.number(field + " groups", in: sides)
    stride = try reader.number(field + " stride", in: sides)
    paddingRows = try reader.number(field + " padding rows", in: 0...(1 << 24))
    paddingColumns = try reader.number(field + " padding columns", in: 0...(1 << 24))
    inputHeight = try reader.number(field + " input height", in: sides)
    inputWidth = try reader.number(field + " input width", in: sides)
    outputHeight = try reader.number(field + " output height", in: sides)
    outputWidth = try reader.number(field + " output width", in: sides)
    let unit = try reader.text(field + " granularity")
    guard let known = Granularity(rawValue: unit) else {
      throw reader.error(
        field + " granularity", found: unit,
        allowed: Granularity.allCases.map(\.rawValue).joined(separator: ", "))
    }
    granularity = known
    inputSparsity = try Self.observation(&reader, field + " input sparsity")
    gradientSparsity = try Self.observation(&reader, field + " gradient sparsity")
    mask = try LayerMask(reading: &reader, field: field + " mask")
    shape = mask.shape
  }

  /// A flag, and the fraction where something was observed.
  private static func observation(
    _ reader: inout ByteReader, _ field: String
  ) throws(InputError) -> Double? {
    let isObserved = try reader.number(field + " flag", in: 0...1) == 1
    return isObserved ? try reader.fraction(field) : nil
  }
}
