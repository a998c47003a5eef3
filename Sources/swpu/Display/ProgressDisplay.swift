// SPDX-License-Identifier: Apache-2.0
import Foundation
import Training

/// Shows a training on standard error: a live line on a terminal, a plain line now and then
/// elsewhere.
struct ProgressDisplay {
  private let isTerminal = isatty(STDERR_FILENO) != 0
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant?

  mutating func show(_ event: TrainingEvent) {
    switch event {
    case .step(let report):
      let now = clock.now
      if let last, now - last < (isTerminal ? .milliseconds(200) : .seconds(10)) { return }
      // Nothing is known about the speed at the first step.
      if last != nil { write(line(report), isLive: isTerminal) }
      last = now
    case .epoch(let report):
      write(line(report), isLive: false)
    }
  }

  private func write(_ text: String, isLive: Bool) {
    let clear = isTerminal ? "\r\u{1B}[K" : ""
    StandardStreams.note(clear + text + (isLive ? "" : "\n"))
  }

  private func line(_ report: StepReport) -> String {
    let done = String(format: "%3.0f%%", 100 * Double(report.step) / Double(report.totalSteps))
    return
      "epoch \(report.epoch)/\(report.epochs) \(done)  step \(report.step)/\(report.totalSteps)"
      + String(
        format: "  loss %.3f  accuracy %.1f%%  sparsity %.1f%%  %.0f images/s  ", report.loss,
        100 * report.accuracy, 100 * report.sparsity, report.imagesPerSecond)
      + duration(report.secondsLeft) + " left"
  }

  private func line(_ report: EpochReport) -> String {
    String(
      format:
        "epoch %d/%d  loss %.3f  test accuracy %.2f%%  test loss %.3f  sparsity %.1f%%  MACs %.1f%%  %.1f s",
      report.epoch, report.epochs, report.trainLoss, 100 * report.testAccuracy, report.testLoss,
      100 * report.sparsity, 100 * (report.macDensity ?? 1), report.seconds)
  }
}

/// For example `1 h 05 min`, `3 min 20 s`, `8 s`.
func duration(_ seconds: Double) -> String {
  let whole = Int(seconds.rounded())
  if whole >= 3600 { return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60) }
  if whole >= 60 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
  return "\(whole) s"
}
