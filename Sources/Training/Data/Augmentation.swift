// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// Random changes of a training image that leave it in its class.
///
/// An image is padded with black pixels on each side, a window of its own size is cut out at a
/// random place, and the window is mirrored half of the time. Black is 0 before normalisation.
public struct Augmentation: Sendable, Hashable {
  /// Black pixels added on each side before cutting; the window moves by -padding...padding.
  public let padding: Int
  /// Whether half of the images are mirrored from left to right.
  public let flips: Bool
  /// Whether a random part is cut out and scaled to the image's size, in place of the moved window.
  public let resizes: Bool

  /// An augmentation that shifts by up to `padding` pixels each way, or scales a random part where
  /// `resizes`, and mirrors where `flips`.
  public init(padding: Int, flips: Bool, resizes: Bool = false) {
    precondition(padding >= 0, "the padding is a number of pixels")
    self.padding = padding
    self.flips = flips
    self.resizes = resizes
  }

  /// The same with crops of another kind.
  func cropping(resized: Bool) -> Augmentation {
    Augmentation(padding: padding, flips: flips, resizes: resized)
  }

  /// Images as they are.
  public static let none = Augmentation(padding: 0, flips: false)

  /// Shifts by up to four pixels, for images whose mirror image may be of another class.
  public static let crop = Augmentation(padding: 4, flips: false)

  /// Shifts by up to four pixels and mirrors, the custom for CIFAR.
  public static let cropAndFlip = Augmentation(padding: 4, flips: true)

  /// Where one image is cut: pixel (y, x) of the window is pixel (y + rows, x + columns) of the
  /// image, and the window is then mirrored.
  struct Placement: Hashable {
    var rows = 0
    var columns = 0
    var mirrored = false
    /// The part that is scaled to the image's size, each side as a fraction of the image's.
    var part: Part?

    struct Part: Hashable {
      var top, left, height, width: Float
    }
  }

  /// The placement for the next image of a stream of random numbers.
  func placement(_ random: inout SeededRandom) -> Placement {
    var placement = Placement()
    if resizes {
      placement.part = part(&random)
    } else if padding > 0 {
      placement.rows = random.below(2 * padding + 1) - padding
      placement.columns = random.below(2 * padding + 1) - padding
    }
    if flips { placement.mirrored = random.below(2) == 1 }
    return placement
  }

  /// A part of 35 to 100 % of the image, 3:4 to 4:3 in shape, at a random place.
  private func part(_ random: inout SeededRandom) -> Placement.Part {
    let area = 0.35 + 0.65 * random.uniform()
    let shape = exp((2 * random.uniform() - 1) * log(Float(4) / 3))
    let height = min(1, (area / shape).squareRoot())
    let width = min(1, (area * shape).squareRoot())
    return Placement.Part(
      top: random.uniform() * (1 - height), left: random.uniform() * (1 - width), height: height,
      width: width)
  }
}
