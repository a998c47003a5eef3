// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Training

@Suite struct PictureTests {
  @Test func scalesAsPillowDoes() throws {
    for file in try PictureFile.all() {
      let picture = Picture(width: file.width, height: file.height, pixels: file.decoded)
      let square = picture.square(side: file.side)
      try #require(square.count == file.scaled.count)
      let plane = file.side * file.side
      for index in 0..<plane {
        for channel in 0..<3 {
          // Pillow rounds to bytes between the two directions.
          let difference =
            Int(square[channel * plane + index]) - Int(file.scaled[3 * index + channel])
          #expect(abs(difference) <= 1, "\(file.name), pixel \(index), channel \(channel)")
        }
      }
    }
  }

  @Test func scalingKeepsOneColour() {
    for (width, height, side) in [(1, 1, 9), (40, 3, 8), (7, 31, 31), (100, 90, 1)] {
      let pixels = Array([[UInt8]](repeating: [0, 255, 77], count: width * height).joined())
      let square = Picture(width: width, height: height, pixels: pixels).square(side: side)
      let plane = side * side
      #expect(Set(square[..<plane]) == [0])
      #expect(Set(square[plane..<2 * plane]) == [255])
      #expect(Set(square[(2 * plane)...]) == [77])
    }
  }

  @Test func aPictureOfTheRightSizeStaysAsItIs() {
    let pixels = (0..<3 * 6 * 6).map { UInt8($0 * 2) }
    let square = Picture(width: 6, height: 6, pixels: pixels).square(side: 6)
    for pixel in 0..<36 {
      for channel in 0..<3 { #expect(square[channel * 36 + pixel] == pixels[3 * pixel + channel]) }
    }
  }

  @Test(.enabled(if: Picture.isTested)) func decodesAsPillowDoes() throws {
    for file in try PictureFile.all() {
      let picture = try Picture(decoding: file.bytes)
      #expect((picture.width, picture.height) == (file.width, file.height), "\(file.name)")
      try #require(picture.pixels.count == file.decoded.count)
      // The inverse cosine transform may differ by one between versions of the library.
      let allowed = file.name.hasPrefix("png") ? 0 : 2
      for (ours, theirs) in zip(picture.pixels, file.decoded) {
        #expect(abs(Int(ours) - Int(theirs)) <= allowed, "\(file.name)")
      }
    }
  }

  /// Against the same file without the note, which is upright.
  @Test(.enabled(if: Picture.isTested), arguments: 1...8) func turnsAJPEGUpright(value: Int)
    throws
  {
    let bytes = try PictureFile.named("jpeg-420").bytes
    let orientation = try #require(Orientation(value: value))
    let expected = try Picture(decoding: bytes).turned(orientation)
    for bigEndian in [false, true] {
      let tiff = OrientationTests.tiff([(0x112, 3, 1, value)], bigEndian: bigEndian)
      let noted = Array(bytes[..<2]) + OrientationTests.exif(tiff) + bytes[2...]
      let picture = try Picture(decoding: noted)
      #expect((picture.width, picture.height) == (expected.width, expected.height))
      #expect(picture.pixels == expected.pixels)
    }
  }

  /// A PNG of two pixels, black and green, with `opacity`, or with 16 bits a value.
  private func transparent(_ opacity: UInt8, bits: UInt8 = 8) -> [UInt8] {
    let row: [UInt8] = [0, 0, 0, opacity, 0, 255, 0, opacity]
    let values = bits == 16 ? row.flatMap { [$0, $0] } : row
    let raw = [0] + values
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in raw {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    let sum = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: (high << 16 | low) >> $0) }
    let count = UInt16(raw.count)
    let stream: [UInt8] =
      [0x78, 0x01, 1] + [count, ~count].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } + raw + sum
    return PictureFile.signature
      + PictureFile.chunk("IHDR", [0, 0, 0, 2, 0, 0, 0, 1, bits, 6, 0, 0, 0])
      + PictureFile.chunk("IDAT", stream) + PictureFile.chunk("IEND", [])
  }

  /// Pillow 13 and browsers: value x opacity + white x (1 - opacity), in the values as stored.
  @Test(.enabled(if: Picture.isTested)) func mixesWithWhiteAsValuesAreStored() throws {
    for (opacity, dark) in [(UInt8(255), UInt8(0)), (128, 127), (64, 191), (0, 255)] {
      for bits in [UInt8(8), 16] {
        let pixels = try Picture(decoding: transparent(opacity, bits: bits)).pixels
        let expected = [dark, dark, dark, dark, 255, dark]
        #expect(
          zip(pixels, expected).allSatisfy { abs(Int($0) - Int($1)) <= (bits == 16 ? 1 : 0) },
          "opacity \(opacity), \(bits) bits: \(pixels)")
      }
    }
  }

  @Test(.enabled(if: Picture.isTested), arguments: 1...8) func turnsAPNGUpright(value: Int) throws {
    let bytes = PictureFile.png(width: 4, height: 3, colour: [9, 8, 7])
    let orientation = try #require(Orientation(value: value))
    let expected = try Picture(decoding: bytes).turned(orientation)
    // Behind the header, which has 25 bytes.
    for bigEndian in [false, true] {
      let tiff = OrientationTests.tiff([(0x112, 3, 1, value)], bigEndian: bigEndian)
      let noted =
        Array(bytes[..<33]) + PictureFile.chunk("eXIf", tiff) + bytes[33...]
      let picture = try Picture(decoding: noted)
      #expect((picture.width, picture.height) == (expected.width, expected.height))
      #expect(Orientation(png: noted) == orientation)
    }
  }

  /// Bytes that belong to nothing in the middle of a scan, which the decoder warns of.
  @Test(.enabled(if: Picture.isTested)) func aWarningIsNoReasonToLeaveAPictureOut() throws {
    let bytes = try PictureFile.named("jpeg-444").bytes
    let whole = try Picture(decoding: bytes)
    // The end comes where a block is half done: "Corrupt JPEG data: premature end of data segment".
    let cut = Array(bytes.dropLast(12)) + [0xff, 0xd9]
    let picture = try Picture(decoding: cut)
    #expect((picture.width, picture.height) == (whole.width, whole.height))
    let same = zip(picture.pixels, whole.pixels).count { $0 == $1 }
    #expect(same > whole.pixels.count / 2)
  }

  private func reason(_ bytes: [UInt8]) -> String? {
    do {
      _ = try Picture(decoding: bytes)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(.enabled(if: Picture.isTested)) func namesWhatIsNoPicture() throws {
    #expect(reason([]) == "an empty file")
    #expect(reason(Array("GIF89a, but longer".utf8)) == "neither a PNG nor a JPEG file")
  }

  @Test(.enabled(if: Picture.isTested)) func refusesEveryTruncationOrHasTheWholePicture() throws {
    for file in try PictureFile.all() {
      let whole = try Picture(decoding: file.bytes).pixels
      for count in 0..<file.bytes.count {
        let truncated = try? Picture(decoding: Array(file.bytes.prefix(count)))
        // What a PNG has behind its pixels is not needed.
        #expect(
          truncated == nil || file.name.hasPrefix("png") && truncated?.pixels == whole,
          "\(file.name), \(count) bytes")
      }
    }
  }

  @Test(.enabled(if: Picture.isTested)) func survivesEveryChangeOfOneByte() throws {
    var random = SeededRandom(seed: 5)
    var (decoded, refused) = (0, 0)
    for file in try PictureFile.all() where file.bytes.count < 1500 {
      for place in file.bytes.indices {
        var bytes = file.bytes
        bytes[place] ^= UInt8(1 + random.below(255))
        if let picture = try? Picture(decoding: bytes) {
          #expect(picture.pixels.count <= 3 * 8 * 1032 * bytes.count)
          decoded += 1
        } else {
          refused += 1
        }
      }
    }
    // Most bytes of a PNG are under a checksum; many of a JPEG are colours.
    #expect(decoded > 100 && refused > 100)
  }

  @Test(.enabled(if: Picture.isTested)) func doesNotBelieveAbsurdSizes() throws {
    // A header without pixels costs nothing, and must not make anybody reserve memory for it.
    func header(_ width: [UInt8], _ height: [UInt8], padding: Int) -> [UInt8] {
      PictureFile.signature + PictureFile.chunk("IHDR", width + height + [8, 2, 0, 0, 0])
        + PictureFile.chunk("IDAT", [UInt8](repeating: 0, count: padding))
    }
    let million: [UInt8] = [0, 0x0f, 0x42, 0x40]
    #expect(reason(header(million, million, padding: 0))?.contains("67,108,864") == true)
    let thousands: [UInt8] = [0, 0, 0x1f, 0xff]
    #expect(reason(header(thousands, thousands, padding: 0))?.contains("in the header") == true)
    #expect(reason(header([0xff, 0xff, 0xff, 0xff], million, padding: 0)) != nil)
    #expect(reason(header([0, 0, 0, 0], million, padding: 0)) != nil)
    var jpeg = try PictureFile.named("jpeg-444").bytes
    let start = try #require(
      jpeg.indices.dropLast().first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 })
    for index in 5..<9 { jpeg[start + index] = 0xff }
    // The library's own limit is 65,500.
    #expect(reason(jpeg)?.contains("65500") == true)
    for index in [5, 7] { jpeg[start + index] = 0x10 }
    #expect(reason(jpeg)?.contains("in the header") == true)
  }

  /// A grey JPEG of 16x16 with `scans` scans of one component each; a block is two bits, both 0.
  private func jpeg(scans: Int) -> [UInt8] {
    func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
      [0xff, marker, 0, UInt8(data.count + 2)] + data
    }
    // One code of one bit, for "no difference" and for "end of block".
    let code: [UInt8] = [1] + [UInt8](repeating: 0, count: 16)
    let components: [[UInt8]] = (1...3).map { [UInt8($0), 0x11, 0] }
    var bytes: [UInt8] = [0xff, 0xd8]
    bytes += segment(0xdb, [0] + [UInt8](repeating: 1, count: 64))
    bytes += segment(0xc0, [8, 0, 16, 0, 16, 3] + Array(components.joined()))
    bytes += segment(0xc4, [0x00] + code) + segment(0xc4, [0x10] + code)
    for scan in 0..<scans { bytes += segment(0xda, [1, UInt8(1 + scan % 3), 0, 0, 63, 0]) + [0] }
    return bytes + [0xff, 0xd9]
  }

  @Test(.enabled(if: Picture.isTested)) func limitsTheScansOfAJPEG() throws {
    for scans in [3, 100] {
      let grey = try Picture(decoding: jpeg(scans: scans))
      #expect(grey.pixels == [UInt8](repeating: 128, count: 768), "\(scans) scans")
    }
    #expect(reason(jpeg(scans: 101)) == "more than 100 scans")
  }
}
