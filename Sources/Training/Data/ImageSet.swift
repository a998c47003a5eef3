/// Labelled images of one size, one byte a value.
///
/// `pixels` holds [image][channel][row][column]; `labels` holds one class index an image.
public struct ImageSet: Sendable {
  /// Planes of an image: 3 for red, green and blue, 1 for grey.
  public let channels: Int
  /// Rows of an image in pixels.
  public let height: Int
  /// Columns of an image in pixels.
  public let width: Int
  /// The name of each class, in the order of the labels.
  public let classNames: [String]
  /// The values of all images, 0 for black, [image][channel][row][column].
  public let pixels: [UInt8]
  /// The class of each image, in 0..<`classes`.
  public let labels: [UInt16]

  /// A set of `labels.count` images.
  ///
  /// `pixels` must hold exactly the values of that many images, and each label must have a name.
  public init(
    channels: Int, height: Int, width: Int, classNames: [String], pixels: [UInt8],
    labels: [UInt16]
  ) {
    precondition(channels > 0 && height > 0 && width > 0, "an image has at least one pixel")
    precondition(
      pixels.count == labels.count * channels * height * width,
      "\(labels.count) images of \(channels)x\(height)x\(width) need another number of pixels")
    precondition(
      labels.allSatisfy { Int($0) < classNames.count }, "each label needs the name of its class")
    self.channels = channels
    self.height = height
    self.width = width
    self.classNames = classNames
    self.pixels = pixels
    self.labels = labels
  }

  /// The number of classes.
  public var classes: Int { classNames.count }

  /// The number of images.
  public var count: Int { labels.count }

  /// The values of one image: channels times height times width.
  public var imageSize: Int { channels * height * width }

  /// The first `count` images, or all of them where there are fewer.
  public func prefix(_ count: Int) -> ImageSet {
    if count >= self.count { return self }
    return ImageSet(
      channels: channels, height: height, width: width, classNames: classNames,
      pixels: Array(pixels.prefix(count * imageSize)), labels: Array(labels.prefix(count)))
  }
}
