// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Tensor

/// Colour images of 32x32 pixels, rendered from a random seed: ten shapes in random place, size,
/// turn, slant, stroke, colours and textures, over and among pieces of other strokes, with noise.
///
/// Colours and the sign of the contrast say nothing about the class, so a linear classifier learns
/// next to nothing, while a small residual network learns the shapes in a few epochs. An image
/// depends on the seed and its number only, not on the number of threads or on the machine.
public enum SyntheticImages {
  /// The names of the ten shapes.
  public static let classNames = Glyph.all.map(\.name)

  /// Rows and columns of an image.
  public static let side = 32

  /// Renders both splits; the classes alternate, so that each has the same number of images.
  ///
  /// - Parameters:
  ///   - threads: threads that render; the images do not depend on it.
  ///   - progress: called on this thread with the part that is done, in 0...1.
  public static func dataset(
    seed: UInt64, trainCount: Int = 20_000, testCount: Int = 4_000,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount,
    progress: (Double) -> Void = { _ in }
  ) -> Dataset {
    precondition(trainCount > 0 && testCount > 0, "a split has at least one image")
    let total = Double(trainCount + testCount)
    let train = images(seed: seed, first: 0, count: trainCount, threads: threads) {
      progress(Double($0) / total)
    }
    // The test images have stream numbers that no training image reaches.
    let test = images(seed: seed, first: 1 << 32, count: testCount, threads: threads) {
      progress(Double(trainCount + $0) / total)
    }
    return Dataset(name: "synthetic", train: train, test: test, augmentation: .cropAndFlip)
  }

  /// Renders the images `first`, `first` + 1 … of a seed.
  static func images(
    seed: UInt64, first: UInt64, count: Int, threads: Int, progress: (Int) -> Void
  ) -> ImageSet {
    let imageSize = 3 * side * side
    let labels = (0..<count).map { UInt16($0 % Glyph.all.count) }
    let pixels = Mutex([UInt8](repeating: 0, count: count * imageSize))
    let share = 64
    for start in stride(from: 0, to: count, by: share * threads) {
      let shares = min(threads, (count - start + share - 1) / share)
      DispatchQueue.concurrentPerform(iterations: shares) { index in
        let lower = start + index * share
        let upper = min(lower + share, count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity((upper - lower) * imageSize)
        for image in lower..<upper {
          var scene = SyntheticScene(SeededRandom(seed: seed, stream: first + UInt64(image)))
          scene.draw(Glyph.all[Int(labels[image])], into: &bytes)
        }
        pixels.withLock { $0.replaceSubrange(lower * imageSize..<upper * imageSize, with: bytes) }
      }
      progress(min(start + share * threads, count))
    }
    return ImageSet(
      channels: 3, height: side, width: side, classNames: classNames,
      pixels: pixels.withLock { $0 }, labels: labels)
  }
}
