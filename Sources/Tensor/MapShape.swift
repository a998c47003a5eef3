// SPDX-License-Identifier: Apache-2.0
/// The shape of one image's feature maps: channels, rows and columns.
///
/// ```swift
/// let images = MapShape(channels: 3, height: 32, width: 32)
/// print(images, images.pixels, images.count)  // 3@32x32 1024 3072
/// ```
public struct MapShape: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Channels.
  public let channels: Int
  /// Rows of a channel.
  public let height: Int
  /// Columns of a channel.
  public let width: Int

  /// A shape; every side is at least one.
  public init(channels: Int, height: Int, width: Int) {
    precondition(channels > 0 && height > 0 && width > 0, "a map has at least one value")
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// Reads the three sizes and checks them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let sizes = try [CodingKeys.channels, .height, .width].map {
      try values.decode(Int.self, forKey: $0)
    }
    guard sizes.allSatisfy({ (1...1 << 24).contains($0) }) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "a map of \(sizes): each size is 1 to \(1 << 24)"))
    }
    self.init(channels: sizes[0], height: sizes[1], width: sizes[2])
  }

  /// Values of a channel.
  public var pixels: Int { height * width }
  /// Values of an image.
  public var count: Int { channels * pixels }
  /// For example `64@32x32`.
  public var description: String { "\(channels)@\(height)x\(width)" }
}
