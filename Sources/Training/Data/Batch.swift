// SPDX-License-Identifier: Apache-2.0
/// The images and labels of one step.
///
/// The buffers keep their size from batch to batch; give the same value to `BatchLoader.next` again
/// and nothing is allocated.
public struct Batch: Sendable {
  /// The normalised images, [image][channel][row x column]; always as long as a full batch, 0
  /// behind the first `count` images.
  public internal(set) var images: [Float] = []
  /// The class of each image; always as long as a full batch, 0 behind the first `count`.
  public internal(set) var labels: [Int32] = []
  /// The images in this batch; only the last of an epoch may have fewer than a full batch.
  public internal(set) var count = 0

  /// The values of the image that is being prepared.
  var bytes: [UInt8] = []

  /// A batch of no images, to be filled by a loader.
  public init() {}
}
