// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The images and labels of one step.
///
/// The buffers keep their size from batch to batch; give the same value to `BatchLoader.next` again
/// and nothing is allocated. A model reads the images where they are (`Model.stage`), so they are copied
/// once, into the model's layout. Copies of a batch share its images.
public struct Batch: Sendable {
  /// The normalised images, [image][channel][row x column]; always as long as a full batch, 0
  /// behind the first `count` images.
  public internal(set) var images = Tensor(count: 0)
  /// The class of each image; always as long as a full batch, 0 behind the first `count`.
  public internal(set) var labels: [Int32] = []
  /// The images in this batch; only the last of an epoch may have fewer than a full batch.
  public internal(set) var count = 0
  /// The place of the first image in the order of the epoch.
  var first = 0

  /// The values of the image that is being prepared.
  var bytes: [UInt8] = []

  /// A batch of no images, to be filled by a loader.
  public init() {}
}
