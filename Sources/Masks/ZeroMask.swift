// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Which values of a feature map are zero, for one or more images.
///
/// ```swift
/// let map = MapShape(channels: 1, height: 1, width: 4)
/// let mask = ZeroMask(map: map, images: 1, zeros: Bits(count: 4) { $0 != 2 })
/// print(mask.sparsity)  // 0.75
/// ```
public struct ZeroMask: Sendable, Equatable {
  /// Sizes of the map.
  public let map: MapShape
  /// Images that the mask has; those of a larger batch repeat them.
  public let images: Int
  /// Set for zeros, in the order image, channel, row, column.
  public let zeros: Bits

  /// A mask of a map.
  public init(map: MapShape, images: Int, zeros: Bits) {
    precondition(
      images > 0 && zeros.count == images * map.count,
      "\(zeros.count) bits for \(images) images of \(map)")
    self.map = map
    self.images = images
    self.zeros = zeros
  }

  /// Fraction of the values that are zero.
  public var sparsity: Double { Double(zeros.popcount) / Double(zeros.count) }

  /// Whether a value of an image is zero; `place` counts channels, rows and columns.
  public func isZero(image: Int, place: Int) -> Bool {
    zeros[image % images * map.count + place]
  }
}
