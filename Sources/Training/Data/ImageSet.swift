// SPDX-License-Identifier: Apache-2.0
/// Labelled images of one size, one byte a value.
///
/// The values lie in memory, or in a file from which they are read image by image, so that a set may
/// be larger than the memory.
public struct ImageSet: Sendable {
  /// Channels of an image: 3 for red, green and blue, 1 for grey.
  public let channels: Int
  /// Rows of an image in pixels.
  public let height: Int
  /// Columns of an image in pixels.
  public let width: Int
  /// The name of each class, in the order of the labels.
  public let classNames: [String]
  /// The class of each image, in 0..<`classes`.
  public let labels: [UInt16]
  private let storage: Storage

  private enum Storage {
    case memory([UInt8])
    case file(ImageFile)
  }

  /// A set of `labels.count` images.
  ///
  /// `pixels` must hold exactly the values of that many images, [image][channel][row][column], and
  /// each label must have a name.
  public init(
    channels: Int, height: Int, width: Int, classNames: [String], pixels: [UInt8],
    labels: [UInt16]
  ) {
    precondition(
      pixels.count == labels.count * channels * height * width,
      "\(labels.count) images of \(channels)x\(height)x\(width) need another number of pixels")
    self.init(
      channels: channels, height: height, width: width, classNames: classNames, labels: labels,
      storage: .memory(pixels))
  }

  /// The images of a file.
  init(_ file: ImageFile, channels: Int, height: Int, width: Int, classNames: [String]) {
    precondition(file.index.imageBytes == channels * height * width, "images of another size")
    self.init(
      channels: channels, height: height, width: width, classNames: classNames,
      labels: file.index.labels, storage: .file(file))
  }

  private init(
    channels: Int, height: Int, width: Int, classNames: [String], labels: [UInt16],
    storage: Storage
  ) {
    precondition(channels > 0 && height > 0 && width > 0, "an image has at least one pixel")
    precondition(
      labels.allSatisfy { Int($0) < classNames.count }, "each label needs the name of its class")
    self.channels = channels
    self.height = height
    self.width = width
    self.classNames = classNames
    self.labels = labels
    self.storage = storage
  }

  /// The number of classes.
  public var classes: Int { classNames.count }

  /// The number of images.
  public var count: Int { labels.count }

  /// The values of one image: channels times height times width.
  public var imageSize: Int { channels * height * width }

  /// The values of all images, 0 for black, [image][channel][row][column]; a set in a file is read
  /// as a whole.
  ///
  /// - Throws: a `DatasetError` where the file cannot be read.
  public var pixels: [UInt8] {
    get throws(DatasetError) {
      if case .memory(let pixels) = storage { return pixels }
      return try values(of: 0..<count)
    }
  }

  /// Puts the values of one image in `bytes`, [channel][row][column].
  func read(_ image: Int, into bytes: inout [UInt8]) throws(DatasetError) {
    precondition((0..<count).contains(image), "image \(image) of \(count)")
    if bytes.count != imageSize { bytes = [UInt8](repeating: 0, count: imageSize) }
    switch storage {
    case .memory(let pixels):
      let first = image * imageSize
      bytes.replaceSubrange(0..<imageSize, with: pixels[first..<first + imageSize])
    case .file(let file): try file.read(image, into: &bytes)
    }
  }

  /// How often each value occurs in each channel, [channel][256].
  var histogram: [Int] {
    switch storage {
    case .memory(let pixels):
      var histogram = [Int](repeating: 0, count: channels * 256)
      addValues(of: pixels, plane: height * width, to: &histogram)
      return histogram
    case .file(let file): return file.index.histogram
    }
  }

  /// The first `count` images, in memory, or the set itself where it has no more.
  ///
  /// - Throws: a `DatasetError` where the file of the images cannot be read.
  public func prefix(_ count: Int) throws(DatasetError) -> ImageSet {
    if count >= self.count { return self }
    return ImageSet(
      channels: channels, height: height, width: width, classNames: classNames,
      pixels: try values(of: 0..<count), labels: Array(labels.prefix(count)))
  }

  private func values(of images: Range<Int>) throws(DatasetError) -> [UInt8] {
    var (all, one): ([UInt8], [UInt8]) = ([], [])
    all.reserveCapacity(images.count * imageSize)
    for image in images {
      try read(image, into: &one)
      all += one
    }
    return all
  }
}

/// Adds the values of whole images, `plane` of them a channel, to how often each occurs in each
/// channel, [channel][256].
func addValues(of images: [UInt8], plane: Int, to histogram: inout [Int]) {
  for first in stride(from: 0, to: images.count, by: plane) {
    let row = first / plane * 256 % histogram.count
    for index in first..<first + plane { histogram[row + Int(images[index])] += 1 }
  }
}
