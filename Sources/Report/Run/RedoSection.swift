// SPDX-License-Identifier: Apache-2.0
import Processor
import Training

/// The exact commands and versions to do it again.
struct RedoSection {
  private let runs: [RunRecord]
  private let hardware: HardwareDescription
  private let command: String

  init(_ runs: [RunRecord], hardware: HardwareDescription, command: String) {
    self.runs = runs
    self.hardware = hardware
    self.command = command
  }

  var section: Page.Section {
    var content = [
      Markup.paragraph("This page, with SWPU \(swpuVersion):"),
      .preformatted(command, label: "Command of this page"),
    ]
    for run in runs {
      if runs.count > 1 { content.append(.heading(run.name)) }
      content.append(.preformatted(commands(run), label: "Commands for \(run.name)"))
      if let summary = run.summary {
        content.append(
          Markup(
            "div", ["class": "words"],
            [versions(summary).markup(caption: "Versions and machine of \(run.name)")]))
        content.append(
          .paragraph(
            "With the same version and kernels, the training ends with the same bits, on any number "
              + "of threads."))
      }
      content.append(
        .folded(
          "config.yaml of \(run.name)",
          [.preformatted(run.configurationText, label: "Configuration of \(run.name)")]))
    }
    content.append(
      .folded(
        "Hardware description '\(hardware.name)'",
        [.preformatted(hardware.yaml, label: "Hardware description")]))
    return Page.Section(id: "redo", title: "Do it again", content: content)
  }

  private func commands(_ run: RunRecord) -> String {
    let folder = shellWord(run.path)
    let threads = run.summary.map { " --threads \($0.machine.threads)" } ?? ""
    return """
      swpu train --config \(shellWord(run.path + "/config.yaml"))\(threads)
      swpu evaluate \(folder)
      swpu simulate \(folder)
      swpu compare \(folder)
      swpu paper \(folder)
      """
  }

  private func versions(_ summary: RunSummary) -> TextTable {
    var table = TextTable(["what", "value"])
    table.add(["SWPU that trained", summary.version])
    table.add(["data set", summary.data])
    table.add(["seed", "\(summary.seed)"])
    table.add(["kernels", summary.machine.kernels])
    table.add(["threads", "\(summary.machine.threads)"])
    table.add(["processor", summary.machine.processor])
    table.add(["processors online", "\(summary.machine.processors)"])
    table.add(["operating system", summary.machine.system])
    return table
  }
}

/// A word that a shell takes as it is.
public func shellWord(_ word: String) -> String {
  let plain = word.unicodeScalars.allSatisfy { scalar in
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", "=", ",", "+", ":", "@": true
    default: false
    }
  }
  return plain && !word.isEmpty
    ? word
    : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
}
