// SPDX-License-Identifier: Apache-2.0
import CPictures
import Foundation

/// A picture that cannot be used; the file is named by whoever read it.
struct PictureError: Error, Hashable, CustomStringConvertible {
  /// What is wrong, such as "Premature end of JPEG file".
  let description: String
}

/// A decoded picture.
struct Picture {
  /// The most pixels that are decoded: as many as a square of 8,192 has.
  static let largestPixels = 1 << 26

  /// Columns and rows in pixels.
  let width, height: Int
  /// `[row][column][red, green, blue]`.
  let pixels: [UInt8]

  init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == 3 * width * height, "three bytes a pixel")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The picture with its rows and columns where `orientation` says they belong.
  func turned(_ orientation: Orientation) -> Picture {
    if orientation == .upright { return self }
    let (columns, rows) = orientation.swapsAxes ? (height, width) : (width, height)
    // The place of the first pixel of the result, and how far it is to the next one in each direction.
    let first =
      (orientation.reversesRows ? (height - 1) * width : 0)
      + (orientation.reversesColumns ? width - 1 : 0)
    let (down, right) =
      (orientation.reversesRows ? -width : width, orientation.reversesColumns ? -1 : 1)
    let (rowStep, columnStep) = orientation.swapsAxes ? (right, down) : (down, right)
    var result = [UInt8](repeating: 0, count: pixels.count)
    // Tile by tile, so that rows that become columns are read while they are in the cache.
    let tile = 64
    for top in stride(from: 0, to: rows, by: tile) {
      for left in stride(from: 0, to: columns, by: tile) {
        for row in top..<min(top + tile, rows) {
          for column in left..<min(left + tile, columns) {
            let source = 3 * (first + row * rowStep + column * columnStep)
            let target = 3 * (row * columns + column)
            for channel in 0..<3 { result[target + channel] = pixels[source + channel] }
          }
        }
      }
    }
    return Picture(width: columns, height: rows, pixels: result)
  }

  /// The centre square, scaled to `side` rows and columns, `[channel][row][column]`.
  ///
  /// The filter is a triangle that is as wide as two pixels of the smaller picture, which means
  /// interpolating between neighbours where the picture grows, and averaging where it shrinks.
  func square(side: Int) -> [UInt8] {
    let edge = min(width, height)
    let (left, top) = ((width - edge) / 2, (height - edge) / 2)
    let taps = (0..<side).map { Taps(place: $0, from: edge, to: side) }
    // Rows first: [row of the square][channel][column of the result].
    var narrow = [Float](repeating: 0, count: edge * 3 * side)
    for row in 0..<edge {
      let source = 3 * ((top + row) * width + left)
      for (column, taps) in taps.enumerated() {
        var sum = SIMD3<Float>.zero
        for (tap, weight) in taps.weights.enumerated() {
          let pixel = source + 3 * (taps.first + tap)
          sum +=
            weight
            * SIMD3(Float(pixels[pixel]), Float(pixels[pixel + 1]), Float(pixels[pixel + 2]))
        }
        for channel in 0..<3 { narrow[(row * 3 + channel) * side + column] = sum[channel] }
      }
    }
    var result = [UInt8](repeating: 0, count: 3 * side * side)
    for channel in 0..<3 {
      for (row, taps) in taps.enumerated() {
        for column in 0..<side {
          var sum: Float = 0
          for (tap, weight) in taps.weights.enumerated() {
            sum += weight * narrow[((taps.first + tap) * 3 + channel) * side + column]
          }
          // The weights add up to 1 within rounding.
          result[(channel * side + row) * side + column] = UInt8(min(sum + 0.5, 255))
        }
      }
    }
    return result
  }

  /// The pixels that one pixel of the result is a mean of.
  private struct Taps {
    /// The place of the first one.
    let first: Int
    /// Their weights, which add up to 1.
    let weights: [Float]

    init(place: Int, from edge: Int, to side: Int) {
      let scale = Float(edge) / Float(side)
      let centre = (Float(place) + 0.5) * scale
      let reach = max(scale, 1)
      let first = max(0, Int((centre - reach).rounded(.down)))
      let last = min(edge - 1, Int((centre + reach).rounded(.up)) - 1)
      let raw = (first...last).map { max(0, 1 - abs(Float($0) + 0.5 - centre) / reach) }
      let total = raw.reduce(0, +)
      self.first = first
      weights = raw.map { $0 / total }
    }
  }
}

extension Picture {
  /// Whether this program was built with the libraries that decode pictures.
  static var isReadable: Bool { swpu_pictures_are_readable() == 1 }

  /// How to get a program that decodes pictures, for errors.
  static let howToRead =
    "the packages of libpng and libjpeg, then the same build once more: `apt-get install libpng-dev "
    + "libjpeg62-turbo-dev pkg-config` (macOS: `brew install libpng jpeg-turbo pkgconf`), "
    + "`swift build -c release`"

  /// The most bytes that the file of an image may hold: 256 MiB.
  static let largestFile = 1 << 28

  /// Reads and decodes a PNG or JPEG file.
  init(path: String) throws(PictureError) {
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: target)
    // Reading from a pipe or a device might never end.
    guard attributes?[.type] as? FileAttributeType == .typeRegular else {
      throw PictureError(description: attributes == nil ? "no such file" : "no regular file")
    }
    guard let size = (attributes?[.size] as? NSNumber)?.intValue, size <= Self.largestFile else {
      throw PictureError(description: "more than \(grouped(Self.largestFile)) bytes")
    }
    guard let data = FileManager.default.contents(atPath: target) else {
      throw PictureError(description: "a file that may not be read")
    }
    try self.init(decoding: [UInt8](data))
  }

  /// The luma (ITU-R BT.601) of red, green and blue planes, as Pillow's mode L has it.
  static func grey(_ planes: [UInt8]) -> [UInt8] {
    let plane = planes.count / 3
    return (0..<plane).map { pixel in
      let (red, green, blue) = (
        Int(planes[pixel]), Int(planes[plane + pixel]), Int(planes[2 * plane + pixel])
      )
      return UInt8((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16)
    }
  }

  /// Decodes the bytes of a PNG or JPEG file, and turns it upright as its EXIF block says.
  ///
  /// The header is believed only as far as the bytes go: deflate shrinks to a 1,032nd at best and
  /// a pixel of a PNG may be one bit, and a JPEG needs a bit for each 64 pixels.
  init(decoding bytes: [UInt8]) throws(PictureError) {
    var message = [CChar](repeating: 0, count: Int(SWPU_PICTURE_MESSAGE_BYTES))
    func failure() -> PictureError {
      let text = message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      return PictureError(description: String(decoding: text, as: UTF8.self))
    }
    var (columns, rows) = (UInt32(0), UInt32(0))
    guard swpu_picture_size(bytes, bytes.count, &columns, &rows, &message) == 1 else {
      throw failure()
    }
    // Both are below 2^32.
    let (count, overflows) = Int(columns).multipliedReportingOverflow(by: Int(rows))
    guard !overflows, count > 0, count <= Self.largestPixels else {
      throw PictureError(
        description: "\(columns)x\(rows) pixels, more than \(grouped(Self.largestPixels))")
    }
    guard count <= 8 * 1032 * bytes.count else {
      throw PictureError(
        description: "\(columns)x\(rows) pixels in the header of \(grouped(bytes.count)) bytes")
    }
    var decoded = [UInt8](repeating: 0, count: 3 * count)
    guard swpu_picture_decode(bytes, bytes.count, &decoded, decoded.count, &message) == 1 else {
      throw failure()
    }
    let stored = Picture(width: Int(columns), height: Int(rows), pixels: decoded)
    let isJPEG = bytes.starts(with: [0xff, 0xd8])
    self = stored.turned(isJPEG ? Orientation(jpeg: bytes) : Orientation(png: bytes))
  }
}
