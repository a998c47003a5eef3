// SPDX-License-Identifier: Apache-2.0
import Oracles

@testable import Tensor

extension Engine {
  /// The layout of a batch, with the tiles that the engine cuts its images into.
  func blockedLayout(_ map: MapShape, images: Int) -> BlockedLayout {
    let layout = layout(map, images: images)
    return BlockedLayout(
      map, images: images, lanes: kernels.lanes, rows: layout.rows, columns: layout.columns)
  }
}
