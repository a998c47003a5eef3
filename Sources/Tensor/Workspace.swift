// SPDX-License-Identifier: Apache-2.0

/// Memory that the kernels of an engine use for the length of one call, and the plans of windows that
/// they have made. One caller at a time, like the pool.
///
/// It grows to what the most demanding layer needs, so that a step allocates nothing once every
/// layer has run.
final class Workspace: @unchecked Sendable {
  private var tensors: [Purpose: Tensor] = [:]
  private var plans: [WindowGeometry: WindowPlan] = [:]
  private var layouts: [Batch: BatchLayout] = [:]

  private struct Batch: Hashable {
    let map: MapShape
    let images: Int
  }

  /// What a part of the memory is for; parts of different purpose may be in use at the same time.
  enum Purpose: Hashable {
    case windows, whole, planar, weights, gathered
    /// A copy of the first or second operand as floats.
    case operand(Int)
  }

  func tensor(_ purpose: Purpose, floats: Int) -> Tensor {
    if let tensor = tensors[purpose], tensor.count >= floats { return tensor.prefix(floats) }
    let tensor = Tensor(count: floats)
    tensors[purpose] = tensor
    return tensor
  }

  /// The layout of a batch; those with tiles are kept, for finding them takes longer than some kernels.
  func layout(_ map: MapShape, images: Int, lanes: Int) -> BatchLayout {
    if images * 2 > lanes { return BatchLayout(whole: map, images: images, lanes: lanes) }
    let batch = Batch(map: map, images: images)
    if let layout = layouts[batch] { return layout }
    let layout = BatchLayout(map, images: images, lanes: lanes)
    layouts[batch] = layout
    return layout
  }

  func plan(_ geometry: WindowGeometry) -> WindowPlan {
    if let plan = plans[geometry] { return plan }
    let plan = WindowPlan(geometry)
    plans[geometry] = plan
    return plan
  }
}
