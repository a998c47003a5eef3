// SPDX-License-Identifier: Apache-2.0
import Masks

extension Model {
  /// The masks of all convolutions and linear layers, with the sparsity of the last observed pass.
  ///
  /// - Parameters:
  ///   - step: steps done.
  ///   - epoch: epochs done.
  ///   - granularity: the unit by which the layers that have a mask are pruned.
  func snapshot(step: Int, epoch: Int, granularity: Granularity) -> MaskSnapshot {
    MaskSnapshot(
      step: step, epoch: epoch,
      layers: convolutions.map { layer in
        MaskSnapshot.Layer(
          name: layer.name, granularity: layer.mask == nil ? .dense : granularity,
          mask: layer.mask ?? LayerMask(dense: layer.filterShape),
          inputSparsity: layer.observation?.inputSparsity,
          gradientSparsity: layer.observation?.gradientSparsity)
      })
  }

  /// Forgets what an observed pass has left in the layers.
  package func dropObservations() {
    for layer in convolutions { layer.dropObservation() }
  }
}
