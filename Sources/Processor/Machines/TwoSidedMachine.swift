// SPDX-License-Identifier: Apache-2.0

import Masks

extension LayerPass {
  /// Weights that are kept times activations that are not zero: each lane takes, of what its row keeps,
  /// what its own operand has, so that both kinds of zeros save time.
  ///
  /// Rows are paired as on the unstructured machine. The lanes of a row meet at the end of a tile, in
  /// the weight-gradient pass of a window: it takes the expected maximum over the lanes, zeros falling
  /// independently. Cycles are rounded up once an item.
  func onTwoSidedMachine() -> PassRun {
    let paired = parts.map(\.withPairedHalves)
    let routed = hardware(detects: hardware.techniques.detectBeforeLoad, compresses: true)
    let schedule = PassSchedule(paired, pass: pass, images: images, hardware: routed)
    let array = hardware.array
    var maximum = BinomialMaximum(probability: 1 - operandSparsity)
    var known = LaneOperands(self, schedule, detects: routed.techniques.detectBeforeLoad)
    let timing = schedule.pacedTiming(routed) { item in
      if let taken = known?.taken(item) {
        return taken.map { ceilingDivision($0, array.slots) }
      }
      let group = schedule.groups[item.group]
      let plan = group.plans[item.order]
      let order = schedule.orders[group.part][item.order]
      let rows = group.rows.count
      var operands = [Double](repeating: 0, count: rows)
      func needed(_ set: WindowPlan.WindowSet, _ window: Int, _ row: Int) -> Int {
        Int(set.needed[window * rows + row])
      }
      let lanes = order.classes.map(\.outputs).max() ?? 0
      for row in 0..<rows {
        if pass == .weightGradient {
          for window in item.windows {
            let entries = order.counts.indices.reduce(0) {
              $0 + order.counts[$1] * needed(plan.sets[plan.setOfClass[$1]], window, row)
            }
            operands[row] += maximum.expected(trials: entries, lanes: lanes)
          }
        } else {
          for (tileClass, count) in order.counts.enumerated() {
            let set = plan.sets[plan.setOfClass[tileClass]]
            let entries = (0..<set.windows).reduce(0) { $0 + needed(set, $1, row) }
            operands[row] +=
              Double(count)
              * maximum.expected(trials: entries, lanes: order.classes[tileClass].outputs)
          }
        }
      }
      return operands.map { Int(($0 / Double(array.slots)).rounded(.up)) }
    }
    var activity = activity(schedule, routed, notPruned: effectualMACs)
    activity.executedMACs = Int((Double(effectualMACs) * (1 - operandSparsity)).rounded(.up))
    activity.zeroShare = zeroShare(
      of: activity.executedMACs, notZero: Double(effectualMACs) * nonZeroShare)
    activity.issuedMultiplierCycles = timing.issue * array.lanes * array.slots
    let taken = ceilingDivision(activity.executedMACs, array.lanes)
    if pass == .weightGradient, activity.vectorsTaken > 0 {
      activity.extraAdditions = activity.extraAdditions * taken / activity.vectorsTaken
    }
    activity.vectorsTaken = taken
    let stages = 2 * array.window.trailingZeroBitCount - 1
    activity.networkMoves = taken * stages * (pass == .weightGradient ? 2 : 1)
    return PassRun(
      timing: timing, activity: activity, maskBits: layer.mask.shape.count,
      storedWeights: layer.mask.keptElements, restart: schedule.restart(routed))
  }
}
