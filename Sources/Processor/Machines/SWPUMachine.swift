// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPass {
  /// The pass on the SWPU, at the fast level.
  func onSWPU() -> PassRun {
    let schedule = swpuSchedule
    return PassRun(
      timing: schedule.fastTiming(hardware),
      activity: schedule.activity(
        hardware, inputSparsity: layer.inputSparsity, gradientSparsity: layer.gradientSparsity),
      maskBits: layer.mask.elements?.count ?? layer.mask.lines.count + layer.mask.shapes.count,
      storedWeights: layer.mask.keptElements)
  }

  /// The items of the pass on the cores.
  var swpuSchedule: PassSchedule {
    PassSchedule(parts, pass: pass, images: images, hardware: hardware)
  }
}
