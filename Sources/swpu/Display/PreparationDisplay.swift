// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Shows on standard error how far the preparation of a data set is: a live line on a terminal, a
/// plain line now and then elsewhere; nothing where it takes less than a few seconds.
struct PreparationDisplay {
  private let isTerminal = Terminal.isThere
  private let clock = ContinuousClock()
  // What was there already took no time, so that the speed counts from the first report.
  private var start: (time: ContinuousClock.Instant, part: Double)?
  private var last: ContinuousClock.Instant?

  /// Shows the part that is done, in 0...1.
  mutating func show(_ part: Double) {
    let now = clock.now
    let start = start ?? (now, part)
    self.start = start
    let isLast = part == 1
    if isLast && last == nil { return }
    let pause: Duration =
      !isTerminal ? .seconds(10) : last == nil ? .seconds(2) : .milliseconds(200)
    if !isLast && now - (last ?? start.time) < pause { return }
    last = now
    let seconds = (now - start.time) / .seconds(1)
    var text = String(format: "%3.0f%%", 100 * part)
    if !isLast && part > start.part {
      text += "  " + duration(seconds * (1 - part) / (part - start.part)) + " left"
    }
    let clear = isTerminal ? "\r\u{1B}[K" : ""
    let end = isTerminal && !isLast ? "" : "\n"
    StandardStreams.note(clear + text + end)
  }
}
