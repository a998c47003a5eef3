// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Training

extension MaskSnapshot {
  /// Whether it has the layers of a network, and masks for those that are pruned.
  ///
  /// The others have masks that keep all, whose sizes follow from the channels of the images and the number
  /// of classes.
  ///
  /// - Parameter imageSize: rows and columns of the images.
  public func fits(_ model: ModelName, imageSize: Int = 32) -> Bool {
    let input = MapShape(channels: 3, height: imageSize, width: imageSize)
    guard let network = try? model.network(input: input, classes: 10) else { return false }
    let theirs = network.description(batch: 1).convolutions
    return layers.map(\.name) == theirs.map(\.name)
      && zip(layers, theirs).allSatisfy { !$1.prunable || $0.mask.shape == $1.filterShape }
  }
}
