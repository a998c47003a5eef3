// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite struct OrientationTests {
  /// The directory of a TIFF file with these entries of (tag, type, count, value).
  static func tiff(
    _ entries: [(Int, Int, Int, Int)], bigEndian: Bool, offset: Int = 8, count: Int? = nil
  ) -> [UInt8] {
    func number(_ value: Int, _ bytes: Int) -> [UInt8] {
      let digits = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return bigEndian ? digits.reversed() : digits
    }
    var bytes = Array((bigEndian ? "MM" : "II").utf8) + number(42, 2) + number(offset, 4)
    bytes += [UInt8](repeating: 0xee, count: max(0, min(offset, 1000) - 8))
    bytes += number(count ?? entries.count, 2)
    for (tag, type, count, value) in entries {
      // A value of 16 bits is in the first two bytes of its field.
      let field = type == 3 ? number(value, 2) + [0xaa, 0xaa] : number(value, 4)
      bytes += number(tag, 2) + number(type, 2) + number(count, 4) + field
    }
    return bytes
  }

  static func segment(_ marker: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    let length = bytes.count + 2
    return [0xff, marker, UInt8(length >> 8), UInt8(length & 255)] + bytes
  }

  static func exif(_ tiff: [UInt8]) -> [UInt8] { segment(0xe1, Array("Exif\0\0".utf8) + tiff) }

  /// A file of segments that has no pixels, which are not looked at.
  private func jpeg(_ segments: [UInt8]...) -> [UInt8] {
    [0xff, 0xd8] + Array(segments.joined()) + [0xff, 0xda, 0, 2]
  }

  private func found(_ tiff: [UInt8]) -> Orientation {
    Orientation(jpeg: jpeg(Self.exif(tiff)))
  }

  /// The effect of each value on the stored image abc/def, derived manually from the standard: where its
  /// first row and its first column belong.
  private static let drawings = [
    1: ["abc", "def"], 2: ["cba", "fed"], 3: ["fed", "cba"], 4: ["def", "abc"],
    5: ["ad", "be", "cf"], 6: ["da", "eb", "fc"], 7: ["fc", "eb", "da"], 8: ["cf", "be", "ad"],
  ]

  @Test(arguments: 1...8) func turnsAsDrawn(value: Int) throws {
    func picture(_ rows: [String]) -> Picture {
      let pixels = rows.joined().utf8.flatMap { [$0, $0 + 100, 255 - $0] }
      return Picture(width: rows[0].utf8.count, height: rows.count, pixels: pixels)
    }
    let drawing = try #require(Self.drawings[value])
    let turned = picture(["abc", "def"]).turned(try #require(Orientation(value: value)))
    let expected = picture(drawing)
    #expect((turned.width, turned.height) == (expected.width, expected.height))
    #expect(turned.pixels == expected.pixels)
  }

  /// Larger than a tile, which must not show.
  @Test(arguments: 1...8) func turnsLargePicturesPixelByPixel(value: Int) throws {
    let (width, height) = (150, 70)
    var random = SeededRandom(seed: 2)
    let stored = Picture(
      width: width, height: height,
      pixels: (0..<3 * width * height).map { _ in UInt8(random.below(256)) })
    let turned = stored.turned(try #require(Orientation(value: value)))
    let swaps = value > 4
    var wrong = 0
    try #require((turned.width, turned.height) == (swaps ? height : width, swaps ? width : height))
    for row in 0..<height {
      for column in 0..<width {
        let (up, back) = (height - 1 - row, width - 1 - column)
        let places = [
          (row, column), (row, back), (up, back), (up, column), (column, row), (column, up),
          (back, up), (back, row),
        ]
        let (y, x) = places[value - 1]
        let (from, to) = (3 * (row * width + column), 3 * (y * turned.width + x))
        if turned.pixels[to..<to + 3] != stored.pixels[from..<from + 3] { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(wrong) pixels")
  }

  @Test func isReadInBothByteOrdersAndAtAnyPlace() {
    for value in 1...8 {
      for bigEndian in [false, true] {
        let entry = (0x112, 3, 1, value)
        let other = (0x10f, 2, 9, 0x1234_5678)
        for entries in [[entry], [other, entry], [other, other, entry, other]] {
          for offset in [8, 9, 100, 1000] {
            let tiff = Self.tiff(entries, bigEndian: bigEndian, offset: offset)
            #expect(found(tiff) == Orientation(value: value))
          }
        }
      }
    }
  }

  @Test func takesTheFirstBlockBeforeThePixels() {
    let turned = Self.exif(Self.tiff([(0x112, 3, 1, 6)], bigEndian: true))
    let mirrored = Self.exif(Self.tiff([(0x112, 3, 1, 2)], bigEndian: true))
    let comment = Self.segment(0xfe, Array("Exif".utf8))
    let other = Self.segment(0xe1, Array("http://ns.adobe.com/xap/1.0/".utf8))
    let six = Orientation(value: 6)
    #expect(Orientation(jpeg: jpeg(comment, other, turned, mirrored)) == six)
    // Fill bytes, bytes that belong to nothing, and markers without a length.
    for gap: [UInt8] in [[0xff], [0xff, 0xff], [1, 2, 3], [0xff, 0], [0xff, 1], [0xff, 0xd0]] {
      #expect(Orientation(jpeg: jpeg(comment, gap, turned)) == six, "\(gap)")
    }
    #expect(Orientation(jpeg: jpeg(comment) + turned) == .upright)
    #expect(Orientation(jpeg: jpeg([0xff, 0xd9], turned)) == .upright)
  }

  @Test func whatMakesNoSenseIsUpright() {
    for value in [0, 9, 255, 256, 65535] {
      #expect(found(Self.tiff([(0x112, 3, 1, value)], bigEndian: false)) == .upright)
    }
    for (type, count) in [(4, 1), (1, 1), (3, 0), (3, 2), (3, -1), (0xffff, 1)] {
      #expect(found(Self.tiff([(0x112, type, count, 6)], bigEndian: true)) == .upright)
    }
    for offset in [0, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 65530] {
      #expect(found(Self.tiff([(0x112, 3, 1, 6)], bigEndian: true, offset: offset)) == .upright)
    }
    // More entries than there is room for; the tag is in none of them.
    let promise = Self.tiff([(0x10f, 3, 1, 6)], bigEndian: true, count: 0xffff)
    #expect(found(promise) == .upright)
    for start in ["MI", "XX", ""] {
      #expect(found(Array(start.utf8) + [0, 42, 0, 0, 0, 8]) == .upright)
    }
    #expect(found(Array("II".utf8) + [43, 0, 8, 0, 0, 0, 0, 0]) == .upright)
  }

  /// A directory that ends early has no effect, though behind the segment there may be bytes that would
  /// complete it.
  @Test func nothingBehindTheSegmentIsRead() {
    for bigEndian in [false, true] {
      let whole = Self.tiff([(0x112, 3, 1, 6)], bigEndian: bigEndian)
      for count in 0..<whole.count {
        let cut = Self.exif(Array(whole.prefix(count)))
        let rest = Array(whole.dropFirst(count))
        // The last two bytes are padding of the field.
        let expected: Orientation = count >= whole.count - 2 ? Orientation(value: 6)! : .upright
        #expect(Orientation(jpeg: jpeg(cut, rest)) == expected, "\(count) bytes")
      }
      let file = jpeg(Self.exif(whole))
      for count in 0..<file.count - 4 {
        #expect(Orientation(jpeg: Array(file.prefix(count))) == .upright)
      }
    }
    // Lengths that reach behind the file, or that cannot be.
    for length: UInt8 in [0, 1, 255] {
      #expect(Orientation(jpeg: [0xff, 0xd8, 0xff, 0xe1, length, length, 0x45]) == .upright)
    }
  }
}
