// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPass {
  /// The same array without a technique: pruned weights are zeros like any other.
  func onDenseMachine() -> PassRun {
    let schedule = denseSchedule
    var activity = activity(
      schedule, denseHardware, notPruned: pass == .weightGradient ? denseMACs : effectualMACs)
    activity.maskBits = 0
    return PassRun(
      timing: schedule.fastTiming(denseHardware), activity: activity, maskBits: 0,
      storedWeights: layer.mask.shape.count,
      restart: schedule.restart(denseHardware))
  }

  /// The array without a technique.
  var denseHardware: HardwareDescription { hardware(detects: false, compresses: false) }

  /// The schedule of the array for a layer without pruning.
  var denseSchedule: PassSchedule {
    PassSchedule(
      layer.geometry, mask: LayerMask(dense: layer.mask.shape), pass: pass, images: images,
      hardware: denseHardware)
  }
}
