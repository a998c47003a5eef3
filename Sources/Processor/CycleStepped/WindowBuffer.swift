// SPDX-License-Identifier: Apache-2.0
/// The window buffer: D slots, each of which is free again `loadToRow` cycles after every row is done
/// with its window.
/// Windows are numbered in order; window w is in slot w mod D.
struct WindowBuffer: Sendable {
  private var windows: [SteppedWindow]
  /// Rows that are not done with a slot's window.
  private var rowsLeft: [Int]
  /// Cycles until a slot that no row needs any more is known to be free.
  private var freeing: [Int]
  /// Windows published so far.
  private(set) var published = 0

  init(slots: Int) {
    windows = [SteppedWindow](
      repeating: SteppedWindow(loadCycles: 0, issues: []), count: slots)
    rowsLeft = [Int](repeating: 0, count: slots)
    freeing = rowsLeft
  }

  /// Whether the next window finds its slot free.
  var hasFreeSlot: Bool {
    let slot = published % windows.count
    return rowsLeft[slot] == 0 && freeing[slot] == 0
  }

  /// A clock.
  mutating func step() {
    for slot in freeing.indices where freeing[slot] > 0 { freeing[slot] -= 1 }
  }

  /// Makes a window visible to the rows.
  mutating func publish(_ window: SteppedWindow) {
    precondition(hasFreeSlot, "the window buffer is full")
    let slot = published % windows.count
    rowsLeft[slot] = window.issues.count
    windows[slot] = window
    published += 1
  }

  /// Cycles that a row takes for a window.
  func issues(window: Int, row: Int) -> Int { windows[window % windows.count].issues[row] }

  /// Cycles in which a row adds up after a window.
  func drain(window: Int, row: Int) -> Int {
    let drains = windows[window % windows.count].drains
    return drains.isEmpty ? 0 : drains[row]
  }

  /// A row is done with a window.
  mutating func release(window: Int) {
    let slot = window % windows.count
    rowsLeft[slot] -= 1
    if rowsLeft[slot] == 0 { freeing[slot] = CorePipeline.loadToRow }
  }
}
