// SPDX-License-Identifier: Apache-2.0
/// The fast level: the recurrence over a stream of tiles, jumping over whole periods.
///
/// When the rows have the same state relative to each other as after an earlier repetition of the same
/// stretch, all that follows repeats too, so the remaining repetitions are added in one step. The
/// result equals that of stepping through each of them.
struct FastTiming {
  private let plan: WindowPlan
  private let array: HardwareDescription.Array
  private(set) var clock: RowClock
  private var fixedWindow = 0

  /// Cycles of one work item, without the pipeline's fill, and where they went.
  static func run(
    _ plan: WindowPlan, pass: Pass, tiles: TileOrder, windows: Range<Int>,
    array: HardwareDescription.Array
  ) -> (cycles: Int, use: RowUse) {
    var timing = FastTiming(plan: plan, array: array)
    if pass == .weightGradient {
      for window in windows { timing.weightGradientWindow(window, tiles) }
    } else {
      timing.walk(tiles.nodes, step: { $0.tile($1) })
    }
    timing.clock.settle()
    return timing.result
  }

  private init(plan: WindowPlan, array: HardwareDescription.Array) {
    self.plan = plan
    self.array = array
    clock = RowClock(rows: plan.rowCount, windowsInFlight: array.windowsInFlight)
  }

  private var result: (cycles: Int, use: RowUse) {
    var use = clock.use
    let end = clock.end
    use.imbalance += clock.finish.reduce(0) { $0 + end - $1 }
    return (end, use)
  }

  private mutating func tile(_ tileClass: Int) {
    let set = plan.sets[plan.setOfClass[tileClass]]
    if set.windows == 0 { return clock.scan(plan.emptyScanCycles) }
    let loads = plan.loadCycles[tileClass]
    for window in 0..<set.windows {
      clock.window(
        scanCycles: set.scanCycles[window], loadCycles: loads[window], issues: set.issues,
        first: window * plan.rowCount)
    }
    if array.sumBanks == 1 { return clock.drain(array.outputDrainCycles) }
    for row in 0..<plan.rowCount {
      clock.turnOver(
        turn: array.outputTurnCycles, drain: array.outputDrainCycles, row: row)
    }
  }

  private mutating func weightGradientWindow(_ window: Int, _ tiles: TileOrder) {
    fixedWindow = window
    clock.scan(plan.fixedScanCycles[window])
    walk(tiles.nodes, step: { $0.fixedWindowTile($1) })
    for row in 0..<plan.rowCount {
      let own = plan.ownEntries[window][row]
      let drain = array.gradientDrainCycles(entries: own)
      if array.sumBanks == 1 {
        clock.drain(drain, row: row)
      } else if own > 0 {
        clock.turnOverWriting(drain: drain, row: row)
      }
    }
  }

  private mutating func fixedWindowTile(_ tileClass: Int) {
    let set = plan.sets[plan.setOfClass[tileClass]]
    // A cycle a tile: the taps of the fixed window against those that read inside the map.
    if set.entries[fixedWindow] == 0 { return clock.scan(1) }
    clock.window(
      scanCycles: 1, loadCycles: plan.loadCycles[tileClass][fixedWindow], issues: set.issues,
      first: fixedWindow * plan.rowCount)
  }

  /// How many earlier repetitions a phase is compared with: the rows and the memory may take turns
  /// over a few tiles.
  private static let remembered = 8

  private mutating func walk(
    _ nodes: [TileOrder.Node], step: (inout FastTiming, Int) -> Void
  ) {
    for node in nodes {
      switch node {
      case .tile(let tileClass): step(&self, tileClass)
      case .repeated(let count, let body):
        var earlier: [(phase: [Int], clock: RowClock)] = []
        var done = 0
        var jumped = false
        while done < count {
          walk(body, step: step)
          done += 1
          if jumped || done == count { continue }
          let phase = clock.phase
          if let index = earlier.lastIndex(where: { $0.phase == phase }) {
            let period = earlier.count - index
            let times = (count - done) / period
            clock.repeat(since: earlier[index].clock, times: times)
            done += times * period
            jumped = true
          } else {
            if earlier.count == Self.remembered { earlier.removeFirst() }
            earlier.append((phase, clock))
          }
        }
      }
    }
  }
}

extension HardwareDescription.Array {
  /// Cycles in which a row adds up its L·A partial sums, one after the other through the adder of A
  /// stages (the first add stalls until the last accumulation is done), and writes T results.
  var outputDrainCycles: Int { slots * adderStages * adderStages + 1 }

  /// Cycles in which a row takes nothing when it goes on in its other bank of sums: its lanes' adders
  /// add up those before, an addition every A cycles. The last addition is made while the first A sums of
  /// the next tile begin and need no adder.
  var outputTurnCycles: Int { max(0, slots * adderStages - 2) * adderStages }

  /// Cycles in which a row adds up the A partial sums of each of `entries` weight gradients: once the
  /// last product is through the tree and the accumulator, A - 1 rounds, each of at least A cycles;
  /// the last sums are written, expanded, in the cycle in which they leave the adder. The row takes
  /// nothing meanwhile, as its network brings the results back.
  func gradientDrainCycles(entries: Int) -> Int {
    let rounds = (adderStages - 1) * max(ceilingDivision(entries, slots), adderStages)
    return CorePipeline.takeToAdd + treeLevels * adderStages + adderStages + rounds
      + max(1, adderStages - 1)
  }

  /// Levels of the tree that adds the products of T lanes.
  private var treeLevels: Int { (lanes - 1).bitWidth - (lanes - 1).leadingZeroBitCount }

  /// Cycles of an item besides those of the recurrence: to the first scan, to the rows, and from the
  /// rows to the last result. (Drains of the weight-gradient pass hold the last already.)
  func fillCycles(_ pass: Pass) -> Int {
    CorePipeline.start + CorePipeline.loadToRow
      + (pass == .weightGradient ? 0 : CorePipeline.takeToAdd)
  }
}
