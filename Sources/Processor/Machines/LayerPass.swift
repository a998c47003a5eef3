// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer as every machine meets it: what has to be computed, before any machine decides
/// what it skips.
///
/// That of a transposed convolution is a pass of the convolution that it turns round.
struct LayerPass {
  let layer: Workload.Layer
  let pass: Pass
  /// The pass of the layer that this is; other than `pass` for a transposed convolution.
  let layerPass: Pass
  let images: Int
  let hardware: HardwareDescription
  /// The pass with the layer's mask.
  let parts: [LoweredPart]
  /// Products of kept weights inside the map.
  let effectualMACs: Int
  /// Products inside the map without pruning.
  let denseMACs: Int

  /// Steps from one update of masks to the next.
  static let usualMaskUpdateInterval = 100

  init(
    layer: Workload.Layer, pass: Pass, images: Int, hardware: HardwareDescription,
    maskUpdateInterval: Int = usualMaskUpdateInterval
  ) {
    layerPass = pass
    let (layer, pass) = layer.lowered(pass)
    self.layer = layer
    self.pass = pass
    self.images = images
    parts = LoweredPart.lower(layer.geometry, mask: layer.mask, pass: pass)
    effectualMACs = parts.reduce(0) { $0 + $1.products(images: images) }
    denseMACs = parts.reduce(0) { $0 + $1.denseProducts(images: images) }
    var hardware = hardware
    let order = VectorUnit(hardware).reordering(parts)
    let saved =
      maskUpdateInterval
      .multipliedReportingOverflow(by: (denseMACs - effectualMACs) / hardware.array.multipliers)
    if order.computeBound > 0, !saved.overflow, saved.partialValue < order.computeBound {
      // No order can save more than the cycles of what is pruned.
      hardware.techniques.reorder = .natural
      hardware.techniques.reorderLines = .none
    }
    self.hardware = hardware
  }

  /// Fraction of the operand of the forward or input-gradient pass that is zero; in the
  /// weight-gradient pass, which multiplies both, the larger one.
  var operandSparsity: Double {
    switch pass {
    case .forward: layer.inputSparsity
    case .inputGradient: layer.gradientSparsity
    case .weightGradient: max(layer.inputSparsity, layer.gradientSparsity)
    }
  }

  /// Fraction of a kept weight's products whose operands are both not zero.
  var nonZeroShare: Double {
    switch pass {
    case .forward: 1 - layer.inputSparsity
    case .inputGradient: 1 - layer.gradientSparsity
    case .weightGradient: (1 - layer.inputSparsity) * (1 - layer.gradientSparsity)
    }
  }

  /// The hardware with T1 off, and T2 and T3 as they are given.
  func hardware(detects: Bool, compresses: Bool) -> HardwareDescription {
    var hardware = hardware
    hardware.techniques.reorder = .natural
    hardware.techniques.reorderLines = .none
    hardware.techniques.detectBeforeLoad = detects
    hardware.techniques.compress = compresses
    return hardware
  }

  /// The activity of a schedule on some hardware, with the counts that depend on the layer's own mask.
  ///
  /// - Parameter notPruned: executed products that a zero operand makes useless but no pruned weight.
  func activity(_ schedule: PassSchedule, _ hardware: HardwareDescription, notPruned: Int)
    -> PassActivity
  {
    var activity = schedule.activity(
      hardware, inputSparsity: layer.inputSparsity, gradientSparsity: layer.gradientSparsity)
    activity.effectualMACs = effectualMACs
    activity.denseMACs = denseMACs
    activity.zeroShare = zeroShare(
      of: activity.executedMACs, notZero: Double(notPruned) * nonZeroShare)
    return activity
  }

  /// Fraction of the executed MACs that have a zero operand.
  func zeroShare(of executed: Int, notZero: Double) -> Double {
    executed == 0 ? 0 : max(0, 1 - notZero / Double(executed))
  }
}
