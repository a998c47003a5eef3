// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Testing

@testable import Training

extension Picture {
  /// Whether to test what decodes; where the libraries are required, their absence is a failure.
  static var isTested: Bool { isReadable || RequiredTools.contains("images") }
}

/// A picture's file and what Pillow makes of it (see `FixtureScripts/pictures.py`).
struct PictureFile: Decodable {
  let name: String
  let width, height, side: Int
  /// The file, `[row][column][3]` of the picture, and of its centre square at `side`.
  private let file, pixels, square: Data

  var bytes: [UInt8] { Array(file) }
  var decoded: [UInt8] { Array(pixels) }
  var scaled: [UInt8] { Array(square) }

  static func all() throws -> [PictureFile] { try Fixture<PictureFile>.read("pictures") }

  static func named(_ name: String) throws -> PictureFile {
    try #require(try all().first { $0.name == name })
  }

  /// A PNG file of one colour, in stored (not compressed) blocks.
  static func png(width: Int, height: Int, colour: [UInt8]) -> [UInt8] {
    let row = [0] + [[UInt8]](repeating: colour, count: width).joined()
    let raw = Array([[UInt8]](repeating: row, count: height).joined())
    precondition(raw.count < 65536, "one stored block")
    var stream: [UInt8] = [0x78, 0x01, 1]
    for count in [UInt16(raw.count), ~UInt16(raw.count)] {
      stream += [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
    }
    stream += raw
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in raw {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    stream += bigEndian(high << 16 | low)
    let header = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 2, 0, 0, 0]
    return signature + chunk("IHDR", header) + chunk("IDAT", stream) + chunk("IEND", [])
  }

  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  /// A chunk of a PNG file with its length and checksum.
  static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + data
    var sum: UInt32 = .max
    for byte in body {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
    }
    return bigEndian(UInt32(data.count)) + body + bigEndian(~sum)
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
