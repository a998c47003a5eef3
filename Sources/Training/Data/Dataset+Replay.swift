// SPDX-License-Identifier: Apache-2.0
import Tensor

extension Dataset {
  /// The data set with training images of another one among its own, so that a network that learns these
  /// does not forget those. The test images stay its own.
  ///
  /// - Parameters:
  ///   - other: a data set of the same classes, in the same order, and the same image size.
  ///   - count: how many of its training images, chosen at random.
  ///   - seed: the seed of that choice.
  /// - Throws: a `DatasetError` where the sets do not fit, or a file cannot be read.
  public func replaying(_ other: Dataset, count: Int, seed: UInt64) throws(DatasetError) -> Dataset
  {
    let (own, old) = (train, other.train)
    func description(_ set: ImageSet) -> String {
      "\(set.channels)x\(set.height)x\(set.width) in \(set.classes) classes"
    }
    guard (own.channels, own.height, own.width) == (old.channels, old.height, old.width),
      own.classes == old.classes
    else {
      throw DatasetError(
        fault: .wrongDimensions, file: "replay: \(other.name)", found: description(old),
        expected: description(own) + ", as the images to learn", home: "docs/tutorials/adapt.md")
    }
    var random = SeededRandom(seed: seed, stream: 1 << 50)
    let chosen = random.permutation(old.count).prefix(count)
    var pixels = try own.pixels
    var labels = own.labels
    var image: [UInt8] = []
    for index in chosen {
      try old.read(index, into: &image)
      pixels += image
      labels.append(old.labels[index])
    }
    return Dataset(
      name: "\(name) with \(other.name)",
      train: ImageSet(
        channels: own.channels, height: own.height, width: own.width, classNames: own.classNames,
        pixels: pixels, labels: labels),
      test: test, augmentation: augmentation, leftOut: leftOut,
      remarks: remarks + ["\(chosen.count) images of \(other.name) are replayed"])
  }
}
