// SPDX-License-Identifier: Apache-2.0
import Tensor

/// What is in each batch: a pure function of the seed, the epoch and the number of the batch.
///
/// The order of an epoch comes from (seed, epoch) and the augmentation from (seed, epoch, batch), so
/// a run that resumes at any batch sees what an uninterrupted run would have seen.
struct BatchRecipe: Sendable {
  let set: ImageSet
  let batch: Int
  let augmentation: Augmentation
  let seed: UInt64
  let shuffle: Bool
  let dropLast: Bool
  /// The normalised value of each byte, [channel][256].
  private let table: [Float]

  init(
    set: ImageSet, mean: [Float], deviation: [Float], batch: Int, augmentation: Augmentation,
    seed: UInt64, shuffle: Bool, dropLast: Bool
  ) {
    precondition(batch > 0, "a batch has at least one image")
    precondition(
      mean.count == set.channels && deviation.count == set.channels,
      "normalisation needs a mean and a standard deviation for each channel")
    precondition(deviation.allSatisfy { $0 > 0 }, "a standard deviation is above 0")
    self.set = set
    self.batch = batch
    self.augmentation = augmentation
    self.seed = seed
    self.shuffle = shuffle
    self.dropLast = dropLast
    table = (0..<set.channels).flatMap { channel in
      let (shift, scale) = (mean[channel], deviation[channel])
      return (0..<256).map { (Float($0) / 255 - shift) / scale }
    }
  }

  var batchesPerEpoch: Int {
    dropLast ? set.count / batch : (set.count + batch - 1) / batch
  }

  /// The images of an epoch in the order of their use.
  func order(epoch: Int) -> [Int] {
    guard shuffle else { return Array(0..<set.count) }
    var random = SeededRandom(seed: epochSeed(epoch))
    return random.permutation(set.count)
  }

  /// Makes `target` the batch `index` of `epoch`, whose images come in `order`.
  ///
  /// - Throws: a `DatasetError` where the file of the images cannot be read.
  func fill(_ target: inout Batch, epoch: Int, index: Int, order: [Int]) throws(DatasetError) {
    if target.labels.count != batch || target.images.count != batch * set.imageSize {
      target.images = Tensor(count: batch * set.imageSize)
      target.labels = [Int32](repeating: 0, count: batch)
    }
    var random = SeededRandom(seed: epochSeed(epoch), stream: UInt64(index) + 1)
    let first = index * batch
    target.count = min(batch, set.count - first)
    for slot in 0..<target.count {
      let image = order[first + slot]
      target.labels[slot] = Int32(set.labels[image])
      try set.read(image, into: &target.bytes)
      copy(target.bytes, placed: augmentation.placement(&random), to: slot, of: target.images)
    }
    for slot in target.count..<batch { target.labels[slot] = 0 }
    for value in target.count * set.imageSize..<target.images.count { target.images[value] = 0 }
  }

  private func epochSeed(_ epoch: Int) -> UInt64 {
    var random = SeededRandom(seed: seed, stream: UInt64(epoch))
    return random.next()
  }

  /// Cuts, mirrors and normalises one image.
  private func copy(
    _ image: [UInt8], placed: Augmentation.Placement, to slot: Int, of images: Tensor
  ) {
    let (height, width) = (set.height, set.width)
    let inside = max(0, -placed.columns)..<max(0, -placed.columns, width - max(0, placed.columns))
    for channel in 0..<set.channels {
      let black = table[channel * 256]
      for row in 0..<height {
        let target = (slot * set.channels + channel) * height * width + row * width
        let sourceRow = row + placed.rows
        if !(0..<height).contains(sourceRow) || inside.count < width {
          for column in 0..<width { images[target + column] = black }
        }
        guard (0..<height).contains(sourceRow) else { continue }
        let source = (channel * height + sourceRow) * width + placed.columns
        for column in inside {
          let value = table[channel * 256 + Int(image[source + column])]
          images[target + (placed.mirrored ? width - 1 - column : column)] = value
        }
      }
    }
  }
}
