// SPDX-License-Identifier: Apache-2.0
import Tensor

extension LayerPass {
  /// Dense weights; each lane processes the nonzero operands of its own output.
  ///
  /// The lanes of a row meet at the end of a tile, in the weight-gradient pass of a window: it takes
  /// the expected maximum over the lanes, zeros falling independently. Cycles are rounded up once an
  /// item.
  func onActivationOnlyMachine() -> PassRun {
    let schedule = denseSchedule
    let array = hardware.array
    var maximum = BinomialMaximum(probability: 1 - operandSparsity)
    var known = LaneOperands(self, schedule, detects: false)
    let timing = schedule.pacedTiming(hardware) { item in
      if let taken = known?.taken(item) {
        return taken.map { ceilingDivision($0, array.slots) }
      }
      let group = schedule.groups[item.group]
      let plan = group.plans[item.order]
      let order = schedule.orders[group.part][item.order]
      var operands = 0.0
      if pass == .weightGradient {
        let lanes = order.classes.map(\.outputs).max() ?? 0
        for window in item.windows {
          var entries = 0
          for (tileClass, count) in order.counts.enumerated() {
            entries += count * plan.sets[plan.setOfClass[tileClass]].entries[window]
          }
          operands += maximum.expected(trials: entries, lanes: lanes)
        }
      } else {
        for (tileClass, count) in order.counts.enumerated() {
          let entries = plan.sets[plan.setOfClass[tileClass]].entries.reduce(0, +)
          operands +=
            Double(count)
            * maximum.expected(trials: entries, lanes: order.classes[tileClass].outputs)
        }
      }
      let cycles = Int((operands / Double(array.slots)).rounded(.up))
      return [Int](repeating: cycles, count: group.rows.count)
    }
    return PassRun(
      timing: timing, activity: skippingActivity(schedule, timing: timing), maskBits: 0,
      storedWeights: layer.mask.shape.count,
      restart: schedule.restart(denseHardware))
  }

  /// The activity of a machine that computes the dense layer but for the zeros of one operand.
  func skippingActivity(_ schedule: PassSchedule, timing: PassTiming) -> PassActivity {
    let array = hardware.array
    var activity = schedule.activity(
      denseHardware, inputSparsity: layer.inputSparsity, gradientSparsity: layer.gradientSparsity)
    activity.effectualMACs = effectualMACs
    activity.denseMACs = denseMACs
    activity.executedMACs = Int((Double(denseMACs) * (1 - operandSparsity)).rounded(.up))
    activity.zeroShare = zeroShare(
      of: activity.executedMACs,
      notZero: Double(pass == .weightGradient ? denseMACs : effectualMACs) * nonZeroShare)
    activity.issuedMultiplierCycles = timing.issue * array.lanes * array.slots
    let taken = ceilingDivision(activity.executedMACs, array.lanes)
    if pass == .weightGradient, activity.vectorsTaken > 0 {
      // What is not multiplied is not added up over the lanes either.
      activity.extraAdditions = activity.extraAdditions * taken / activity.vectorsTaken
    }
    activity.vectorsTaken = taken
    activity.maskBits = 0
    return activity
  }
}
