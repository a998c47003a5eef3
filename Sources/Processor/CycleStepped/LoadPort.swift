// SPDX-License-Identifier: Apache-2.0
/// The load port: gathers a window in a register of its own while it counts the cycles of the
/// memory, then hands it over as soon as a slot of the window buffer is free.
struct LoadPort: Sendable {
  private var window: SteppedWindow?
  private var remaining = 0
  /// Whether the window was complete at an earlier clock and found no free slot.
  private(set) var isHeld = false

  /// Whether there is no window in the port.
  var isEmpty: Bool { window == nil }
  /// Whether the window is complete.
  var isReady: Bool { window != nil && remaining == 0 }

  /// Starts to load a window.
  mutating func accept(_ next: SteppedWindow) {
    precondition(isEmpty, "the load port holds a window")
    window = next
    remaining = next.loadCycles
    isHeld = false
  }

  /// Gives the complete window away.
  mutating func handOver() -> SteppedWindow {
    guard remaining == 0, let complete = window else {
      preconditionFailure("the load port has no complete window")
    }
    window = nil
    return complete
  }

  /// A clock.
  mutating func step() {
    if window == nil { return }
    if remaining > 0 { remaining -= 1 } else { isHeld = true }
  }
}
