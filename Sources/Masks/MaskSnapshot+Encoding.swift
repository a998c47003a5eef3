// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

extension MaskSnapshot {
  /// The first bytes of a file.
  package static let kind: StaticString = "SWPUMASK"
  private static let form = SealedFile(kind: kind, noun: "masks")
  private static let version: UInt32 = 3
  /// Version 2 repeated the sizes of each layer and had a checksum of bytes; version 1 lacked the dense
  /// layers.
  private static let oldest: UInt32 = 2
  /// Bytes of a layer at least: three texts' lengths, two flags, a mask of one weight.
  private static let leastLayerBytes = 40

  /// The snapshot as the bytes of a file.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    for number in [step, epoch, layers.count] { writer.number(number) }
    for layer in layers { layer.write(to: &writer) }
    return Array(Self.form.encoded(version: Self.version, Data(writer.bytes)))
  }

  /// Reads the bytes of a file.
  ///
  /// - Parameter file: for errors.
  /// - Throws: `InputError` for bytes that `encoded` does not make.
  public init(decoding bytes: [UInt8], file: String) throws(InputError) {
    let (version, content) = try Self.form.content(
      of: Data(bytes), versions: Self.oldest...Self.version, file: file
    ) { version, data in version == 2 ? checksum(data) : wordChecksum(data) }
    var reader = ByteReader(Array(content)[...], file: file)
    step = try reader.number("step", in: 0...Int(UInt32.max))
    epoch = try reader.number("epoch", in: 0...Int(UInt32.max))
    let count = try reader.number("layers", in: 0...reader.remaining / Self.leastLayerBytes)
    layers = []
    for index in 0..<count {
      layers.append(try Layer(reading: &reader, version: version, field: "layer \(index)"))
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
    writer.text(granularity.rawValue)
    for sparsity in [inputSparsity, gradientSparsity] {
      writer.number(sparsity == nil ? 0 : 1)
      if let sparsity { writer.fraction(sparsity) }
    }
    mask.write(to: &writer)
  }

  init(reading reader: inout ByteReader, version: UInt32, field: String) throws(InputError) {
    name = try reader.text(field + " name")
    if version == 2 { _ = try reader.take(8 * 4, field + " sizes") }
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
  }

  /// A flag, and the fraction where something was observed.
  private static func observation(
    _ reader: inout ByteReader, _ field: String
  ) throws(InputError) -> Double? {
    let isObserved = try reader.number(field + " flag", in: 0...1) == 1
    return isObserved ? try reader.fraction(field) : nil
  }
}
