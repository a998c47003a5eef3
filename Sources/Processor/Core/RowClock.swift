// SPDX-License-Identifier: Apache-2.0
/// The timing recurrence of a core. For windows w = 0, 1, … with `issues[g][w]` cycles of row g:
///
///     start[w]     = max(load[w-1], start[w-1] + scanCycles(w))
///     load[w]      = max(start[w] + loadCycles(w), max_g finish[g][w-D] + loadToRow)
///     finish[g][w] = max(finish[g][w-1], load[w]) + issues[g][w]
///
/// The scan looks for a window while the one before is loaded. A window is complete in the buffer at
/// `load[w]`; its slot is free again when the slowest row has taken the window D back. After a tile
/// (a window of the weight-gradient pass) each row adds up its partial sums: `drain` cycles more,
/// which do not hold the slot.
///
/// A row with a second bank of sums continues in it meanwhile. It stalls only if the sums of that bank
/// are not written when it needs it again: they are at `ready[g]`.
struct RowClock: Sendable {
  /// When the last window was complete.
  private(set) var load = 0
  /// When the load of the last window began, and the scan for the next.
  private var start = 0
  /// Cycles of that scan so far.
  private var scanned = 0
  /// When each row was done with its last window.
  private(set) var finish: [Int]
  /// When the sums of each row's other bank are added up and written; at an earlier time they are.
  private var ready: [Int]
  /// Whether sums of the weight-gradient pass stand in a row's other bank.
  private var isPending: [Bool]
  /// When the slowest row was done with each of the last D windows, oldest at `oldest`.
  private var slowest: [Int]
  private var oldest = 0
  /// Where the cycles of the rows went.
  private(set) var use = RowUse()

  init(rows: Int, windowsInFlight: Int) {
    finish = [Int](repeating: 0, count: rows)
    ready = finish
    isPending = [Bool](repeating: false, count: rows)
    slowest = [Int](repeating: 0, count: windowsInFlight)
  }

  /// Cycles of the scan that find no window.
  mutating func scan(_ cycles: Int) { scanned += cycles }

  /// One window: the cycles that find it and load it, and those of each row from `issues[first]` on.
  mutating func window(scanCycles: Int, loadCycles: Int, issues: [Int32], first: Int) {
    start = max(load, start + scanned + scanCycles)
    scanned = 0
    let ready = start + loadCycles
    let freed = slowest[oldest] + CorePipeline.loadToRow
    load = max(ready, freed)
    var waited = 0
    var taken = 0
    var last = 0
    for row in finish.indices {
      let issue = Int(issues[first + row])
      let start = max(finish[row], load)
      waited += start - finish[row]
      taken += issue
      finish[row] = start + issue
      last = max(last, start + issue)
    }
    // Rows stall on the memory, or on the slowest row, which holds the window's slot.
    if freed > ready { use.imbalance += waited } else { use.loading += waited }
    use.issue += taken
    slowest[oldest] = last
    oldest = oldest + 1 == slowest.count ? 0 : oldest + 1
  }

  /// A drain of the same length in each row.
  mutating func drain(_ cycles: Int) {
    for row in finish.indices { finish[row] += cycles }
    use.drain += cycles * finish.count
  }

  /// A drain of one row.
  mutating func drain(_ cycles: Int, row: Int) {
    finish[row] += cycles
    use.drain += cycles
  }

  /// A row ends a tile and goes on in its other bank, once that is free; `turn` cycles of its adders
  /// are needed for more than the sums that begin.
  mutating func turnOver(turn: Int, drain: Int, row: Int) {
    let start = max(finish[row], ready[row])
    use.drain += start + turn - finish[row]
    finish[row] = start + turn
    ready[row] = start + drain
  }

  /// A row ends a fixed window and goes on in its other bank, once the sums there are added up; it
  /// writes those first, in a cycle in which its network is theirs.
  mutating func turnOverWriting(drain: Int, row: Int) {
    let start = isPending[row] ? max(finish[row], ready[row] - 1) + 1 : finish[row]
    use.drain += start - finish[row]
    finish[row] = start
    ready[row] = start + drain
    isPending[row] = true
  }

  /// The end of an item: the last sums are added up and written.
  mutating func settle() {
    for row in finish.indices where ready[row] > finish[row] {
      use.drain += ready[row] - finish[row]
      finish[row] = ready[row]
    }
  }

  /// When the last row is done, and the scan.
  var end: Int { max(finish.max() ?? 0, start + scanned) }

  /// All that the future depends on, but for a shift in time.
  var phase: [Int] {
    var phase = finish.map { $0 - load } + [load - start, scanned]
    for row in finish.indices { phase.append(max(0, ready[row] - finish[row])) }
    for index in slowest.indices {
      let place = oldest + index
      // A slot that was free before the last load holds nothing up.
      phase.append(max(0, slowest[place < slowest.count ? place : place - slowest.count] - load))
    }
    return phase
  }

  /// Repeats what has happened since an earlier moment of the same phase `times` more.
  mutating func `repeat`(since earlier: RowClock, times: Int) {
    let shift = (load - earlier.load) * times
    load += shift
    start += shift
    for row in finish.indices {
      finish[row] += shift
      ready[row] += shift
    }
    for index in slowest.indices { slowest[index] += shift }
    use = use + (use - earlier.use) * times
  }
}

/// Where the cycles of a core's rows went, in row-cycles.
package struct RowUse: Sendable, Equatable {
  /// Taking entries.
  var issue = 0
  /// Adding partial sums and writing results.
  var drain = 0
  /// Stalled on operand vectors.
  var loading = 0
  /// Stalled on other rows.
  var imbalance = 0

  static func + (a: RowUse, b: RowUse) -> RowUse {
    RowUse(
      issue: a.issue + b.issue, drain: a.drain + b.drain, loading: a.loading + b.loading,
      imbalance: a.imbalance + b.imbalance)
  }

  static func - (a: RowUse, b: RowUse) -> RowUse { a + b * -1 }

  static func * (a: RowUse, times: Int) -> RowUse {
    RowUse(
      issue: a.issue * times, drain: a.drain * times, loading: a.loading * times,
      imbalance: a.imbalance * times)
  }
}
