// SPDX-License-Identifier: Apache-2.0
extension PassSchedule {
  /// The timing of rows that do not step through windows but take a number of cycles of their own for
  /// an item. Their operands come just in time where the ports can deliver them at all: an item lasts
  /// until its slowest row is done, or its loads.
  package func pacedTiming(_ hardware: HardwareDescription, issues: (Item) -> [Int]) -> PassTiming {
    timing(hardware) { item in
      let group = groups[item.group]
      let plan = group.plans[item.order]
      let counts = orders[group.part][item.order].counts
      var loads = 0
      for (tileClass, count) in counts.enumerated() {
        let cycles = plan.loadCycles[tileClass]
        let windows = pass == .weightGradient ? item.windows : cycles.indices
        loads += count * windows.reduce(0) { $0 + cycles[$1] }
      }
      let issues = issues(item)
      let drains = drains(
        plan, item: item, counts: counts, issues: issues, array: hardware.array)
      let ends = zip(issues, drains).map { $0 + $1 }
      let end = ends.max() ?? 0
      let cycles = max(end, loads)
      var use = RowUse()
      use.issue = issues.reduce(0, +)
      use.drain = drains.reduce(0, +)
      use.imbalance = ends.reduce(0) { $0 + end - $1 }
      use.loading = (cycles - end) * ends.count
      return (cycles, use)
    }
  }

  /// Cycles in which rows add up and write. With a second bank of sums all drains but the last run
  /// beside the work, as far as that lasts; what a row turns to its other bank for stays.
  private func drains(
    _ plan: WindowPlan, item: Item, counts: [Int], issues: [Int], array: HardwareDescription.Array
  ) -> [Int] {
    let tiles = counts.enumerated().reduce(0) {
      plan.sets[plan.setOfClass[$1.offset]].windows == 0 ? $0 : $0 + $1.element
    }
    return (0..<plan.rowCount).map { row in
      let (drains, turn): ([Int], Int)
      if pass == .weightGradient {
        let own = item.windows.map { plan.ownEntries[$0][row] }
        drains = own.filter { $0 > 0 || array.sumBanks == 1 }
          .map { array.gradientDrainCycles(entries: $0) }
        turn = 1
      } else {
        drains = [Int](repeating: array.outputDrainCycles, count: tiles)
        turn = array.outputTurnCycles
      }
      let sum = drains.reduce(0, +)
      guard array.sumBanks > 1, let last = drains.last else { return sum }
      let hidden = sum - last - (drains.count - 1) * turn
      return sum - max(0, min(hidden, issues[row]))
    }
  }
}
