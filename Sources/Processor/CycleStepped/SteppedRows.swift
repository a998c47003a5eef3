// SPDX-License-Identifier: Apache-2.0
/// The rows of a core: each takes the published windows in order, L entries a cycle, and adds up its
/// partial sums where a window says so. A window without work for a row takes it no time.
///
/// With two banks of sums, one is added up behind the work on the other; at the next end of a tile or
/// fixed window the row waits for it.
struct SteppedRows: Sendable {
  /// How sums are added up and written.
  struct Banks: Sendable {
    var count = 1
    /// Cycles in which a row takes nothing as it turns to its other bank.
    var turnCycles = 0
    /// Whether that is a write through the network, of what the other bank holds.
    var writes = false

    init() {}

    init(_ array: HardwareDescription.Array, _ pass: Pass) {
      count = array.sumBanks
      writes = pass == .weightGradient
      turnCycles = writes ? 1 : max(0, array.slots * array.adderStages - 2) * array.adderStages
    }
  }

  private struct Row: Sendable {
    /// The window that the row takes or is stalled on.
    var window = 0
    /// Cycles left of taking entries.
    var issuing = 0
    /// Cycles left of adding up.
    var draining = 0
    /// Cycles stalled on the window so far.
    var waited = 0
    /// Those of them in which sums were added up behind.
    var waitedAdding = 0
    /// Cycles left until the other bank is added up and written.
    var adding = 0
    /// Whether the other bank holds weight gradients.
    var isPending = false
    /// Cycles of adding up the bank that the row leaves, while it waits for the other.
    var leaving: Int?

    var isIdle: Bool { issuing == 0 && draining == 0 && leaving == nil }
  }

  private let banks: Banks
  private var rows: [Row]
  /// Where the cycles of the rows went.
  private(set) var use = RowUse()

  init(count: Int, banks: Banks = Banks()) {
    self.banks = banks
    rows = [Row](repeating: Row(), count: count)
  }

  /// Idle rows start on what is published.
  mutating func take(_ buffer: inout WindowBuffer) {
    for index in rows.indices {
      while rows[index].isIdle, rows[index].window < buffer.published {
        rows[index].issuing = buffer.issues(window: rows[index].window, row: index)
        if rows[index].issuing == 0 { finishWindow(index, &buffer) }
      }
    }
  }

  /// The window that stalled rows need is about to be published; their stall cycles are attributed to
  /// the other rows if the window was held for its slot, else to the memory.
  mutating func chargeWaits(isHeld: Bool) {
    for index in rows.indices where rows[index].waited > 0 {
      if isHeld { use.imbalance += rows[index].waited } else { use.loading += rows[index].waited }
      (rows[index].waited, rows[index].waitedAdding) = (0, 0)
    }
  }

  /// The item is at its end: rows waited for their last sums, then for each other.
  mutating func chargeLastWaits() {
    for index in rows.indices {
      use.drain += rows[index].waitedAdding
      use.imbalance += rows[index].waited - rows[index].waitedAdding
      (rows[index].waited, rows[index].waitedAdding) = (0, 0)
    }
  }

  /// A clock.
  mutating func step(_ buffer: inout WindowBuffer) {
    for index in rows.indices {
      let isAdding = rows[index].adding > 0
      if isAdding { rows[index].adding -= 1 }
      if rows[index].issuing > 0 {
        use.issue += 1
        rows[index].issuing -= 1
        if rows[index].issuing == 0 { finishWindow(index, &buffer) }
      } else if rows[index].draining > 0 {
        use.drain += 1
        rows[index].draining -= 1
        if rows[index].draining == 0, let drain = rows[index].leaving {
          // Written through the network: the adder turns to the bank that the row leaves.
          rows[index].leaving = nil
          rows[index].adding = drain
        }
      } else if rows[index].leaving != nil {
        use.drain += 1
        turnOver(index)
      } else {
        rows[index].waited += 1
        if isAdding { rows[index].waitedAdding += 1 }
      }
    }
  }

  /// Turns to the other bank of sums if that is free.
  private mutating func turnOver(_ index: Int) {
    guard let drain = rows[index].leaving else { return }
    if banks.writes {
      if !rows[index].isPending {
        rows[index].leaving = nil
        rows[index].adding = drain
        rows[index].isPending = true
      } else if rows[index].adding <= 1 {
        rows[index].draining = banks.turnCycles
      }
    } else if rows[index].adding == 0 {
      rows[index].leaving = nil
      rows[index].draining = banks.turnCycles
      rows[index].adding = drain
    }
  }

  /// Whether every row is done with all that was published.
  func isDone(_ buffer: WindowBuffer) -> Bool {
    rows.allSatisfy { $0.isIdle && $0.adding == 0 && $0.window == buffer.published }
  }

  private mutating func finishWindow(_ index: Int, _ buffer: inout WindowBuffer) {
    let drain = buffer.drain(window: rows[index].window, row: index)
    if banks.count == 1 {
      rows[index].draining = drain
    } else if drain > 0 {
      rows[index].leaving = drain
      turnOver(index)
    }
    buffer.release(window: rows[index].window)
    rows[index].window += 1
  }
}
