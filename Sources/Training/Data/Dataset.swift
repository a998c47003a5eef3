// SPDX-License-Identifier: Apache-2.0
/// The training and the test split of a classification task.
///
/// ```swift
/// let data = try DatasetSource.synthetic.load(trainCount: 40, testCount: 20)
/// print(data.train.count, data.train.classes)  // 40 10
/// ```
public struct Dataset: Sendable {
  /// The name for reports, such as `cifar10`.
  public let name: String
  /// The images to learn from.
  public let train: ImageSet
  /// The images to test with.
  public let test: ImageSet
  /// The mean of each channel over the training split, values in 0...1.
  public let mean: [Float]
  /// The standard deviation of each channel over the training split, values in 0...1; 1 for a
  /// channel that is constant.
  public let deviation: [Float]
  /// The augmentation that is customary for these images; it keeps every image in its class, so it
  /// flips only where a mirror image belongs to the same class.
  public let augmentation: Augmentation
  /// The files that could not be used, in the order in which they were found.
  public let leftOut: [LeftOutFile]
  /// Remarks about the data set for its user, a sentence each.
  public let remarks: [String]

  /// A data set of two splits with the same image size and the same classes; `mean` and
  /// `deviation` are computed from `train`.
  public init(
    name: String, train: ImageSet, test: ImageSet, augmentation: Augmentation,
    leftOut: [LeftOutFile] = [], remarks: [String] = []
  ) {
    precondition(train.count > 0, "a training split has at least one image")
    precondition(
      (train.channels, train.height, train.width) == (test.channels, test.height, test.width)
        && train.classNames == test.classNames,
      "the two splits need the same image size and the same classes")
    self.name = name
    self.train = train
    self.test = test
    self.augmentation = augmentation
    self.leftOut = leftOut
    self.remarks = remarks
    let histogram = train.histogram
    let moments = (0..<train.channels).map {
      Self.moments(Array(histogram[$0 * 256..<($0 + 1) * 256]))
    }
    mean = moments.map { Float($0.mean) }
    deviation = moments.map { Float($0.deviation) }
  }

  /// Mean and standard deviation from a histogram of the bytes, so that the order of the images
  /// does not matter.
  private static func moments(_ histogram: [Int]) -> (mean: Double, deviation: Double) {
    let values = histogram.reduce(0, +)
    let total = Double(values) * 255
    let mean = histogram.indices.reduce(0) { $0 + Double($1 * histogram[$1]) } / total
    let variance = histogram.indices.reduce(0) { sum, byte in
      let distance = Double(byte) / 255 - mean
      return sum + Double(histogram[byte]) * distance * distance
    }
    let deviation = (variance * 255 / total).squareRoot()
    return (mean, histogram.contains(values) ? 1 : deviation)
  }
}
