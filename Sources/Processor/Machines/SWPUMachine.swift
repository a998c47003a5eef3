// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPass {
  /// The pass on the SWPU, at the fast level.
  func onSWPU() -> PassRun {
    let schedule = swpuSchedule
    let lists = schedule.groups.reduce(0) { $0 + $1.order.listBits(0..<$1.order.places) }
    let masks = layer.mask.elements?.count ?? layer.mask.lines.count + layer.mask.shapes.count
    return PassRun(
      timing: schedule.fastTiming(hardware),
      activity: schedule.activity(
        hardware, inputSparsity: layer.inputSparsity, gradientSparsity: layer.gradientSparsity),
      maskBits: masks + lists, storedWeights: layer.mask.keptElements,
      restart: schedule.restart(hardware), listBits: lists)
  }

  /// The items of the pass on the cores.
  var swpuSchedule: PassSchedule {
    PassSchedule(parts, pass: pass, images: images, hardware: hardware)
  }
}
