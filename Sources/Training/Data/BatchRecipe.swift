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
  /// What is prepared of each batch.
  let share: BatchShare
  /// The normalised value of each byte, [channel][256].
  private let table: [Float]

  init(
    set: ImageSet, mean: [Float], deviation: [Float], batch: Int, augmentation: Augmentation,
    seed: UInt64, shuffle: Bool, dropLast: Bool, share: BatchShare = .whole
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
    self.share = share
    table = (0..<set.channels).flatMap { channel in
      let (shift, scale) = (mean[channel], deviation[channel])
      return (0..<256).map { (Float($0) / 255 - shift) / scale }
    }
  }

  var batchesPerEpoch: Int {
    dropLast ? set.count / batch : (set.count + batch - 1) / batch
  }

  /// The images of an epoch in the order of their use: shuffled, and each class spread evenly over the
  /// epoch, so that the class frequencies of a batch are those of the set, but for a few images. Where a
  /// network cannot tell the classes apart yet, its gradients consist of the differences between these
  /// frequencies.
  func order(epoch: Int) -> [Int] {
    guard shuffle else { return Array(0..<set.count) }
    var random = SeededRandom(seed: epochSeed(epoch))
    let shuffled = random.permutation(set.count)
    var sizes = [Int](repeating: 0, count: set.classes)
    for label in set.labels { sizes[Int(label)] += 1 }
    var drawn = [Int](repeating: 0, count: set.classes)
    let places = shuffled.enumerated().map { index, image in
      let label = Int(set.labels[image])
      drawn[label] += 1
      let place = (Double(drawn[label] - 1) + Double(random.uniform())) / Double(sizes[label])
      return (place, index)
    }
    return places.sorted(by: <).map { shuffled[$0.1] }
  }

  /// Makes `target` the batch `index` of `epoch`, whose images come in `order`.
  ///
  /// - Throws: a `DatasetError` where the file of the images cannot be read.
  func fill(_ target: inout Batch, epoch: Int, index: Int, order: [Int]) throws(DatasetError) {
    let slots = share.largest(of: batch)
    if target.labels.count != slots || target.images.count != slots * set.imageSize {
      target.images = Tensor(count: slots * set.imageSize)
      target.labels = [Int32](repeating: 0, count: slots)
    }
    var random = SeededRandom(seed: epochSeed(epoch), stream: UInt64(index) + 1)
    let whole = min(batch, set.count - index * batch)
    let own = share.range(of: whole)
    target.first = index * batch + own.lowerBound
    target.count = own.count
    for place in 0..<own.upperBound {
      // An image is placed as it is in a batch that one process takes.
      let placement = augmentation.placement(&random)
      let slot = place - own.lowerBound
      if slot < 0 { continue }
      let image = order[target.first + slot]
      target.labels[slot] = Int32(set.labels[image])
      try set.read(image, into: &target.bytes)
      copy(target.bytes, placed: placement, to: slot, of: target.images)
    }
    for slot in target.count..<slots { target.labels[slot] = 0 }
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
    if let part = placed.part {
      return copy(image, part, mirrored: placed.mirrored, to: slot, of: images)
    }
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

  /// Scales a part of one image to its size, between the four nearest pixels, mirrors and normalises it.
  private func copy(
    _ image: [UInt8], _ part: Augmentation.Placement.Part, mirrored: Bool, to slot: Int,
    of images: Tensor
  ) {
    let (height, width) = (set.height, set.width)
    let rows = (0..<height).map { taps($0, of: height, from: part.top, part.height) }
    let columns = (0..<width).map { taps($0, of: width, from: part.left, part.width) }
    for channel in 0..<set.channels {
      // The table is a line, so that normalised values may be mixed.
      let table = self.table[channel * 256..<(channel + 1) * 256]
      let plane = channel * height * width
      for (row, y) in rows.enumerated() {
        let target = (slot * set.channels + channel) * height * width + row * width
        let (above, below) = (plane + y.first * width, plane + y.second * width)
        for (column, x) in columns.enumerated() {
          func value(_ place: Int) -> Float { table[table.startIndex + Int(image[place])] }
          let upper = value(above + x.first) * (1 - x.weight) + value(above + x.second) * x.weight
          let lower = value(below + x.first) * (1 - x.weight) + value(below + x.second) * x.weight
          images[target + (mirrored ? width - 1 - column : column)] =
            upper * (1 - y.weight) + lower * y.weight
        }
      }
    }
  }

  /// The two pixels next to a place of the part, and the weight of the second one.
  private func taps(_ place: Int, of size: Int, from start: Float, _ extent: Float)
    -> (first: Int, second: Int, weight: Float)
  {
    let centre = (start + extent * (Float(place) + 0.5) / Float(size)) * Float(size) - 0.5
    let first = max(0, min(size - 1, Int(centre.rounded(.down))))
    return (first, min(size - 1, first + 1), max(0, min(1, centre - Float(first))))
  }
}
