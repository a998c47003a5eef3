// SPDX-License-Identifier: Apache-2.0
/// The rotation that makes a stored image upright, as cameras note it in JPEG files, and programs in PNG
/// files (EXIF 2.3, tag 0x0112).
struct Orientation: Hashable {
  /// Whether rows become columns.
  let swapsAxes: Bool
  /// Whether the stored rows run upwards, or from right to left where they become columns.
  let reversesRows: Bool
  /// Whether the stored columns run the other way.
  let reversesColumns: Bool

  static let upright = Orientation(value: 1)!

  /// The meaning of the tag's values 1...8.
  init?(value: Int) {
    guard (1...8).contains(value) else { return nil }
    swapsAxes = value >= 5
    reversesRows = [3, 4, 6, 7].contains(value)
    reversesColumns = [2, 3, 7, 8].contains(value)
  }

  /// From the first EXIF block of a JPEG file; upright where there is none or it makes no sense, since an
  /// image is usable without.
  init(jpeg bytes: [UInt8]) {
    self = Self.exif(in: bytes).flatMap { Self(tiff: $0) } ?? .upright
  }

  /// From the chunk `eXIf` of a PNG file; upright where there is none or it makes no sense.
  init(png bytes: [UInt8]) {
    self = Self.chunk("eXIf", in: bytes).flatMap { Self(tiff: $0) } ?? .upright
  }

  /// The content of the first chunk of a name in a PNG file: behind a signature of 8 bytes, each has
  /// its length, its name, its content and a checksum.
  private static func chunk(_ name: String, in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var place = 8
    while place + 12 <= bytes.count {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      let start = place + 8
      guard length <= bytes.count - start - 4 else { return nil }
      if bytes[place + 4..<start].elementsEqual(name.utf8) { return bytes[start..<start + length] }
      place = start + length + 4
    }
    return nil
  }

  /// The TIFF structure behind "Exif" in the first such segment before the pixels.
  private static func exif(in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    let name: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
    var place = 2
    while place + 4 <= bytes.count {
      let marker = bytes[place + 1]
      // Some files have bytes between their segments, which the decoder skips too.
      guard bytes[place] == 0xff, marker != 0xff else {
        place += 1
        continue
      }
      // Markers without a length.
      if marker <= 1 || (0xd0...0xd8).contains(marker) {
        place += 2
        continue
      }
      // The pixels, or the end.
      if marker == 0xda || marker == 0xd9 { return nil }
      let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
      let end = place + 2 + length
      guard length >= 2, end <= bytes.count else { return nil }
      let segment = bytes[place + 4..<end]
      if marker == 0xe1, segment.starts(with: name) { return segment.dropFirst(name.count) }
      place = end
    }
    return nil
  }

  /// Looks the tag up in the first directory. Offsets count from the start of `tiff`, and nothing
  /// outside it is read, whatever their values.
  private init?(tiff: ArraySlice<UInt8>) {
    let isBigEndian: Bool
    switch tiff.prefix(2) {
    case [0x4d, 0x4d]: isBigEndian = true
    case [0x49, 0x49]: isBigEndian = false
    default: return nil
    }
    func number(at offset: Int, bytes count: Int) -> Int? {
      guard offset + count <= tiff.count else { return nil }
      let field = tiff[tiff.startIndex + offset..<tiff.startIndex + offset + count]
      return (isBigEndian ? Array(field) : field.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
      let entries = number(at: directory, bytes: 2)
    else { return nil }
    for entry in 0..<entries {
      let place = directory + 2 + 12 * entry
      guard let tag = number(at: place, bytes: 2) else { return nil }
      if tag != 0x0112 { continue }
      // One number of 16 bits, which is where a longer value would have its offset.
      guard number(at: place + 2, bytes: 2) == 3, number(at: place + 4, bytes: 4) == 1,
        let value = number(at: place + 8, bytes: 2)
      else { return nil }
      self.init(value: value)
      return
    }
    return nil
  }
}
