import Sparsity

extension Model {
  /// The masks of all convolutions and linear layers, with what the last observed pass saw.
  ///
  /// - Parameters:
  ///   - step: steps done.
  ///   - epoch: epochs done.
  ///   - granularity: the unit by which the layers that have a mask are pruned.
  func snapshot(step: Int, epoch: Int, granularity: Granularity) -> MaskSnapshot {
    MaskSnapshot(
      step: step, epoch: epoch,
      layers: convolutions.map { layer in
        let geometry = layer.geometry
        return MaskSnapshot.Layer(
          name: layer.name, shape: layer.filterShape, groups: geometry.groups,
          stride: geometry.stride, paddingRows: geometry.paddingRows,
          paddingColumns: geometry.paddingColumns, inputHeight: geometry.input.height,
          inputWidth: geometry.input.width, outputHeight: geometry.output.height,
          outputWidth: geometry.output.width,
          granularity: layer.mask == nil ? .dense : granularity,
          mask: layer.mask ?? LayerMask(dense: layer.filterShape),
          inputSparsity: layer.observation?.inputSparsity,
          gradientSparsity: layer.observation?.gradientSparsity)
      })
  }

  /// Forgets what an observed pass has left in the layers.
  func dropObservations() {
    for layer in convolutions { layer.dropObservation() }
  }
}
