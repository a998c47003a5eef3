// SPDX-License-Identifier: Apache-2.0
/// What it costs to run all items of a pass again for each block of images: filling the pipelines, and
/// in the weight-gradient pass bringing back, adding up and writing the sums of every window.
public struct Restart: Sendable, Equatable {
  /// A fixed window of an item.
  struct Window: Sendable, Equatable {
    /// Cycles of its tiles in the whole batch: `WindowPlan.work`.
    var work: Int
    /// Cycles of adding up its sums in the row that has most; nothing, if no row has any.
    var drain: Int
  }

  /// Cycles of an item's fill.
  var fill = 0
  /// Banks of sums.
  var banks = 1
  /// The windows of each item of each core; none but in the weight-gradient pass.
  var cores: [[[Window]]] = []

  /// No cost.
  public static let none = Restart()

  /// Cycles that the array takes more in so many blocks than in one: those of the core on which most
  /// comes together.
  public func cycles(blocks: Int) -> Int {
    if blocks <= 1 { return 0 }
    return cores.map { items in
      items.reduce(0) { sum, item in
        let writes = item.count { $0.drain > 0 }
        let again = (blocks - 1) * (fill + writes)
        return sum + again + blocks * drains(item, blocks: blocks) - drains(item, blocks: 1)
      }
    }.max() ?? 0
  }

  /// Cycles by which sums lengthen an item when each of so many blocks has its share of every window's
  /// tiles. With a second bank that is only what outlasts the next window, a cycle for each write, and
  /// the last window's drain.
  private func drains(_ item: [Window], blocks: Int) -> Int {
    if banks == 1 { return item.reduce(0) { $0 + $1.drain } }
    var worked = 0
    var time = 0
    var ready = 0
    for window in item {
      worked += window.work / blocks
      time += window.work / blocks
      if window.drain == 0 { continue }
      if ready > 0 { time = max(time, ready - 1) + 1 }
      ready = time + window.drain
    }
    return max(time, ready) - worked
  }
}

extension PassSchedule {
  /// What running again costs on some hardware.
  func restart(_ hardware: HardwareDescription) -> Restart {
    let array = hardware.array
    return Restart(
      fill: array.fillCycles(pass), banks: array.sumBanks,
      cores: cores.map { items in
        items.map { item in
          let group = groups[item.group]
          let plan = group.plans[item.order]
          let counts = orders[group.part][item.order].counts
          return item.windows.map { window in
            let most = plan.ownEntries[window].max() ?? 0
            return Restart.Window(
              work: plan.work(tiles: counts, windows: window..<window + 1),
              drain: most == 0 && array.sumBanks > 1
                ? 0 : array.gradientDrainCycles(entries: most))
          }
        }
      })
  }
}
