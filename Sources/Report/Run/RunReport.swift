// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Training

/// Runs as one page: their results in words, charts and numbers, and how to reproduce them.
public struct RunReport {
  /// A run with its step on the processor; nil where the run recorded no network.
  public struct Entry {
    let run: RunRecord
    let processor: ProcessorRecord?

    /// An entry.
    public init(run: RunRecord, processor: ProcessorRecord?) {
      self.run = run
      self.processor = processor
    }
  }

  private let entries: [Entry]
  private let hardware: HardwareDescription
  private let command: String

  /// A report.
  ///
  /// - Parameters:
  ///   - entries: the runs, one at least.
  ///   - hardware: the machine that they were simulated on.
  ///   - command: the command that makes the page again.
  public init(_ entries: [Entry], hardware: HardwareDescription, command: String) {
    precondition(!entries.isEmpty, "a report of no run")
    self.entries = entries
    self.hardware = hardware
    self.command = command
  }

  /// The page: the same bytes for the same runs.
  public var html: String {
    var figures = Figures()
    let runs = entries.map(\.run)
    let sections = [
      SummarySection(entries).section(&figures),
      LearningSection(runs).section(&figures),
      ClassSection(runs).section(&figures),
      SparsitySection(runs).section(&figures),
      MaskSection(runs, hardware: hardware).section(&figures),
      StepTimeSection(runs).section(&figures),
      ProcessorSection(entries, hardware: hardware).section(&figures),
      RedoSection(runs, hardware: hardware, command: command).section,
    ]
    let title =
      runs.count == 1
      ? "Run \(runs[0].name)\(runs[0].unfinished)" : "\(runs.count) runs side by side"
    return Page(
      title: title,
      subtitle:
        "SWPU \(swpuVersion). Times of training are measured; all of the processor is modelled.",
      sections: sections
    ).html
  }
}
