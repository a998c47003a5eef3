// SPDX-License-Identifier: Apache-2.0
import Foundation
import Training

/// Shows a training on standard error: a live line on a terminal, a plain line now and then
/// elsewhere.
struct ProgressDisplay {
  private let isTerminal = Terminal.isThere
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
    Self.line(report, columns: Terminal.columns)
  }

  /// Where a training is, in one line of a terminal.
  static func line(_ report: StepReport, columns: Int) -> String {
    Terminal.line(
      [
        (0, "epoch \(report.epoch)/\(report.epochs)"),
        (1, String(format: "%.0f%%", 100 * Double(report.step) / Double(report.totalSteps))),
        (7, "step \(report.step)/\(report.totalSteps)"),
        (3, String(format: "loss %.3f", report.loss)),
        (4, String(format: "accuracy %.1f%%", 100 * report.accuracy)),
        (5, String(format: "sparsity %.1f%%", 100 * report.sparsity)),
        (6, String(format: "%.0f images/s", report.imagesPerSecond)),
        (2, duration(report.secondsLeft) + " left"),
      ], columns: columns)
  }

  private func line(_ report: EpochReport) -> String {
    Self.line(report, columns: Terminal.columns)
  }

  /// What an epoch came to, in one line of a terminal.
  static func line(_ report: EpochReport, columns: Int) -> String {
    Terminal.line(
      [
        (0, "epoch \(report.epoch)/\(report.epochs)"),
        (3, String(format: "loss %.3f", report.trainLoss)),
        (1, String(format: "test %.2f%%", 100 * report.testAccuracy)),
        (4, String(format: "test loss %.3f", report.testLoss)),
        (2, String(format: "sparsity %.1f%%", 100 * report.sparsity)),
        (5, String(format: "MACs %.1f%%", 100 * (report.macDensity ?? 1))),
        (6, String(format: "%.1f s", report.seconds)),
      ], columns: columns)
  }
}

/// For example `1 h 05 min`, `3 min 20 s`, `8 s`.
func duration(_ seconds: Double) -> String {
  let whole = Int(seconds.rounded())
  if whole >= 3600 { return String(format: "%d h %02d min", whole / 3600, whole % 3600 / 60) }
  if whole >= 60 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
  return "\(whole) s"
}
