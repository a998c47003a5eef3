// SPDX-License-Identifier: Apache-2.0
/// The rows of a core: each takes the published windows in order, L entries a cycle, and adds up its
/// partial sums where a window says so. A window without work for a row takes it no time.
struct SteppedRows: Sendable {
  private struct Row: Sendable {
    /// The window that the row takes or is stalled on.
    var window = 0
    /// Cycles left of taking entries.
    var issuing = 0
    /// Cycles left of adding up.
    var draining = 0
    /// Cycles stalled on the window so far.
    var waited = 0

    var isIdle: Bool { issuing == 0 && draining == 0 }
  }

  private var rows: [Row]
  /// Where the cycles of the rows went.
  private(set) var use = RowUse()

  init(count: Int) { rows = [Row](repeating: Row(), count: count) }

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
      rows[index].waited = 0
    }
  }

  /// A clock.
  mutating func step(_ buffer: inout WindowBuffer) {
    for index in rows.indices {
      if rows[index].issuing > 0 {
        use.issue += 1
        rows[index].issuing -= 1
        if rows[index].issuing == 0 { finishWindow(index, &buffer) }
      } else if rows[index].draining > 0 {
        use.drain += 1
        rows[index].draining -= 1
      } else {
        rows[index].waited += 1
      }
    }
  }

  /// Whether every row is done with all that was published.
  func isDone(_ buffer: WindowBuffer) -> Bool {
    rows.allSatisfy { $0.isIdle && $0.window == buffer.published }
  }

  private mutating func finishWindow(_ index: Int, _ buffer: inout WindowBuffer) {
    rows[index].draining = buffer.drain(window: rows[index].window, row: index)
    buffer.release(window: rows[index].window)
    rows[index].window += 1
  }
}
