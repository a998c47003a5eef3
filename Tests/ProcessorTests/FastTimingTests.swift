// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct FastTimingTests {
  /// The recurrence written out tile by tile, without jumps.
  private func stepped(
    _ plan: WindowPlan, pass: Pass, tiles: TileOrder, windows: Range<Int>,
    array: HardwareDescription.Array
  ) -> Int {
    func flat(_ nodes: [TileOrder.Node]) -> [Int] {
      nodes.flatMap { node -> [Int] in
        switch node {
        case .tile(let tileClass): [tileClass]
        case .repeated(let count, let body): (0..<count).flatMap { _ in flat(body) }
        }
      }
    }
    var begin = 0
    var scanned = 0
    var load = [0]
    var finish = [[Int](repeating: 0, count: plan.rowCount)]
    var bonus = [Int](repeating: 0, count: plan.rowCount)
    // With two banks of sums: when each row's other bank is free, and whether it holds gradients.
    var free: [Int] = bonus
    var holds = [Bool](repeating: false, count: plan.rowCount)
    func end(_ row: Int, drain: Int, gradients: Int?) {
      if array.sumBanks == 1 {
        bonus[row] = drain
        return
      }
      if gradients == 0 { return }
      let taken = finish[finish.count - 1][row] + bonus[row]
      let stages = array.adderStages
      var turned = max(taken, free[row]) + max(0, array.slots * stages - 2) * stages
      var begun = max(taken, free[row])
      if gradients != nil {
        // A write of a cycle, the last of the drain, if there is anything to write.
        turned = holds[row] ? max(taken + 1, free[row]) : taken
        begun = turned
        holds[row] = true
      }
      bonus[row] += turned - taken
      free[row] = begun + drain
    }
    func step(_ scanCycles: Int, _ loadCycles: Int, _ issues: [Int]) {
      let window = load.count
      let back = window - array.windowsInFlight
      let freed = back >= 1 ? finish[back].max()! + CorePipeline.loadToRow : 0
      begin = max(load[window - 1], begin + scanned + scanCycles)
      scanned = 0
      load.append(max(begin + loadCycles, freed))
      let start = (0..<plan.rowCount).map { max(finish[window - 1][$0] + bonus[$0], load[window]) }
      bonus = [Int](repeating: 0, count: plan.rowCount)
      finish.append((0..<plan.rowCount).map { start[$0] + issues[$0] })
    }
    func issues(_ set: WindowPlan.WindowSet, _ window: Int) -> [Int] {
      (0..<plan.rowCount).map { Int(set.issues[window * plan.rowCount + $0]) }
    }
    let order = flat(tiles.nodes)
    if pass == .weightGradient {
      for window in windows {
        scanned += plan.fixedScanCycles[window]
        for tile in order {
          let set = plan.sets[plan.setOfClass[tile]]
          if set.entries[window] > 0 {
            step(1, plan.loadCycles[tile][window], issues(set, window))
          } else {
            scanned += 1
          }
        }
        for row in 0..<plan.rowCount {
          let own = plan.ownEntries[window][row]
          end(row, drain: array.gradientDrainCycles(entries: own), gradients: own)
        }
      }
    } else {
      for tile in order {
        let set = plan.sets[plan.setOfClass[tile]]
        for window in 0..<set.windows {
          step(set.scanCycles[window], plan.loadCycles[tile][window], issues(set, window))
        }
        if set.windows > 0 {
          for row in bonus.indices { end(row, drain: array.outputDrainCycles, gradients: nil) }
        } else {
          scanned += plan.emptyScanCycles
        }
      }
    }
    let rows =
      (0..<plan.rowCount).map { max(finish.last![$0] + bonus[$0], free[$0]) }.max() ?? 0
    return max(rows, begin + scanned)
  }

  @Test("jumping over periods changes nothing")
  func jumps() {
    // In most cases each tile repeats the one before; in 1245 the rows and the memory take turns, so that
    // the state comes back after two.
    for seed in Array(0..<150 as Range<UInt64>) + [1245] { jumps(seed: seed) }
  }

  private func jumps(seed: UInt64) {
    let random = RandomCase(seed: seed, largestMap: 24)
    for pass in Pass.allCases {
      let schedule = PassSchedule(
        random.geometry, mask: random.mask, pass: pass, images: random.images * 3,
        hardware: random.hardware)
      for items in schedule.cores {
        for item in items {
          let group = schedule.groups[item.group]
          let tiles = schedule.orders[group.part][item.order]
          let fast = FastTiming.run(
            group.plans[item.order], pass: pass, tiles: tiles, windows: item.windows,
            array: random.hardware.array)
          let slow = stepped(
            group.plans[item.order], pass: pass, tiles: tiles, windows: item.windows,
            array: random.hardware.array)
          #expect(fast.cycles == slow, "seed \(seed), \(pass)")
        }
      }
    }
  }

  @Test("row-cycles are all accounted for")
  func accounts() {
    for seed in 0..<100 as Range<UInt64> { accounts(seed: seed) }
  }

  private func accounts(seed: UInt64) {
    let random = RandomCase(seed: seed)
    let array = random.hardware.array
    for pass in Pass.allCases {
      let timing = PassSchedule(
        random.geometry, mask: random.mask, pass: pass, images: random.images,
        hardware: random.hardware
      ).fastTiming(random.hardware)
      let parts =
        timing.issue + timing.drain + timing.loading + timing.imbalance + timing.unusedRows
        + timing.fill + timing.coreImbalance
      #expect(parts == timing.cycles * array.cores * array.rows, "seed \(seed)")
      #expect(min(timing.loading, timing.imbalance, timing.coreImbalance) >= 0)
    }
  }
}
