// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A greyscale image.
public struct GrayImage: Sendable, Equatable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Row by row, 0 for black and 255 for white.
  public let pixels: [UInt8]

  /// An image; it has at least one pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height,
      "\(pixels.count) pixels for an image of \(width)x\(height)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The bytes of a PNG file (ISO/IEC 15948), stored without compression.
  public var png: Data { pngFile(width: width, height: height, channels: 1, pixels: pixels) }
}

/// The bytes of a PNG file (ISO/IEC 15948), stored without compression.
///
/// - Parameters:
///   - channels: 1 for grey, 3 for red, green and blue.
///   - pixels: `[row][column][channel]`.
public func pngFile(width: Int, height: Int, channels: Int, pixels: [UInt8]) -> Data {
  precondition(
    (channels == 1 || channels == 3) && pixels.count == width * height * channels,
    "\(pixels.count) values for an image of \(width)x\(height) in \(channels) channels")
  return PNGParts.file(width: width, height: height, channels: channels, pixels: pixels)
}

private enum PNGParts {
  static func file(width: Int, height: Int, channels: Int, pixels: [UInt8]) -> Data {
    var header = Data()
    for side in [width, height] { header.append(bigEndian: UInt32(side)) }
    // Eight bits a value, grey or colour, and the only methods that there are.
    header.append(contentsOf: [8, channels == 1 ? 0 : 2, 0, 0, 0])
    // Each row starts with its filter: none.
    var rows: [UInt8] = []
    rows.reserveCapacity((width * channels + 1) * height)
    for row in 0..<height {
      rows.append(0)
      rows += pixels[row * width * channels..<(row + 1) * width * channels]
    }
    var file = Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    file.append(chunk("IHDR", header))
    file.append(chunk("IDAT", zlib(rows)))
    file.append(chunk("IEND", Data()))
    return file
  }

  private static func chunk(_ type: String, _ content: Data) -> Data {
    var chunk = Data()
    chunk.append(bigEndian: UInt32(content.count))
    let checked = Data(type.utf8) + content
    chunk.append(checked)
    chunk.append(bigEndian: crc32(checked))
    return chunk
  }

  /// Stored blocks of deflate in the wrapper of zlib (RFC 1950).
  private static func zlib(_ bytes: [UInt8]) -> Data {
    let mostInBlock = 0xffff
    var data = Data([0x78, 0x01])
    for start in stride(from: 0, to: bytes.count, by: mostInBlock) {
      let end = min(start + mostInBlock, bytes.count)
      data.append(end == bytes.count ? 1 : 0)
      for word in [end - start, ~(end - start)] {
        data.append(contentsOf: [
          UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8),
        ])
      }
      data.append(contentsOf: bytes[start..<end])
    }
    data.append(bigEndian: adler32(bytes))
    return data
  }
}

/// The checksum of zlib.
func adler32(_ bytes: [UInt8]) -> UInt32 {
  let modulus: UInt32 = 65_521
  var (low, high): (UInt32, UInt32) = (1, 0)
  for byte in bytes {
    low = (low + UInt32(byte)) % modulus
    high = (high + low) % modulus
  }
  return high << 16 | low
}

extension Data {
  fileprivate mutating func append(bigEndian word: UInt32) {
    append(contentsOf: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) })
  }
}
