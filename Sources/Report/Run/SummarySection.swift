// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Training

/// The results, in words first.
struct SummarySection {
  private let entries: [RunReport.Entry]

  init(_ entries: [RunReport.Entry]) { self.entries = entries }

  func section(_ figures: inout Figures) -> Page.Section {
    let content =
      entries.count == 1
      ? words(entries[0]).map(Markup.paragraph)
      : comparison.map(Markup.paragraph)
        + [table.markup(caption: "The runs side by side")] + charts(&figures)
        + [
          Markup.folded(
            "Each run in words",
            entries.flatMap { entry in
              [Markup.heading(entry.run.name)] + words(entry).map(Markup.paragraph)
            })
        ]
    return Page.Section(id: "summary", title: "Summary", content: content)
  }

  // MARK: - One run

  private func words(_ entry: RunReport.Entry) -> [String] {
    let run = entry.run
    return [what(run), outcome(run), speed(run), processor(entry)].compactMap(\.self)
  }

  private func what(_ run: RunRecord) -> String {
    let configuration = run.configuration
    let pruned =
      run.isPruned
      ? "pruned while it trained (\(run.pruning), to "
        + "\(Amount.percent(configuration.pruning.sparsity)))" : "trained without pruning"
    let state =
      run.summary == nil
      ? " The run is unfinished: this is its state after \(run.steps) steps." : ""
    return "\(configuration.modelName) on \(configuration.data.rawValue), \(pruned): "
      + "\(configuration.epochs) epochs in steps of \(configuration.batch) images, "
      + "\(run.steps) steps.\(state)"
  }

  private func outcome(_ run: RunRecord) -> String {
    guard let accuracy = run.testAccuracy else { return "No epoch has been tested yet." }
    var text =
      "It classifies \(Amount.percent(accuracy)) of the test images correctly"
      + (run.isPruned
        ? " with \(Amount.percent(1 - run.sparsity)) of the prunable weights left." : ".")
    if let dense = run.summary?.dense {
      text +=
        " Its twin without pruning reached \(Amount.percent(dense.testAccuracy)): "
        + "\(Self.points(accuracy - dense.testAccuracy))."
    }
    return text
  }

  private func speed(_ run: RunRecord) -> String? {
    guard let summary = run.summary, summary.stepMilliseconds > 0 else { return nil }
    let step = Amount.seconds(summary.stepMilliseconds * 1e-3)
    guard run.isPruned else {
      return "A training step takes \(step) (measured, \(run.machine ?? ""))."
    }
    let both =
      "A training step takes \(step) with the final masks and "
      + "\(Amount.seconds(summary.denseStepMilliseconds * 1e-3)) without pruning"
    if let fault = summary.speedup?.fault {
      return both + " (interleaved, \(run.machine ?? "")). \(fault), so no speedup is given."
    }
    let spread =
      summary.speedup.map {
        String(format: ", %.2f to %.2f in single pairs of steps", $0.lowest, $0.highest)
      } ?? ""
    return both + ": \(Self.times(Self.ratio(summary) ?? 0)) as fast"
      + spread + " (interleaved, \(run.machine ?? ""))."
  }

  private func processor(_ entry: RunReport.Entry) -> String? {
    guard let record = entry.processor else { return nil }
    let (ours, dense) = (record.step.totals, record.dense.totals)
    let energy = ours.energyPicojoules
    let groups = zip(EnergyGroups.names, EnergyGroups.picojoules(energy))
      .sorted { $0.1 > $1.1 }.prefix(2)
      .map { "\($0.0) \(Amount.percent($0.1 / max(energy.total, .leastNormalMagnitude)))" }
    return "On the processor '\(record.hardware.name)' (modelled) a step takes "
      + "\(Amount.seconds(ours.seconds)) and \(Amount.joules(picojoules: energy.total)), "
      + "\(Amount.joules(picojoules: energy.core)) of it on the chip. The dense machine of the same "
      + "size takes \(Self.times(dense.seconds / ours.seconds)) the time and "
      + "\(Self.times(dense.energyPicojoules.core / energy.core)) the energy on the chip. "
      + "Effectual MACs keep \(Amount.percent(ours.utilization)) of the multipliers busy over the "
      + "whole step. Most energy goes to: \(groups.joined(separator: ", "))."
  }

  // MARK: - Several runs

  private var comparison: [String] {
    let tested = entries.map(\.run).filter { $0.testAccuracy != nil }
    var text: [String] = []
    let pruned = tested.filter(\.isPruned)
      .sorted { ($0.testAccuracy ?? 0) > ($1.testAccuracy ?? 0) }
    if let best = pruned.first, let accuracy = best.testAccuracy {
      var words =
        "Of the pruned runs '\(best.name)' classifies most test images correctly: "
        + "\(Amount.percent(accuracy)) with \(Amount.percent(1 - best.sparsity)) of the prunable "
        + "weights left"
      if let worst = pruned.last, pruned.count > 1, let least = worst.testAccuracy {
        words += "; '\(worst.name)' fewest, \(Amount.percent(least))"
      }
      if let dense = tested.first(where: { !$0.isPruned }), let reference = dense.testAccuracy {
        words +=
          ". Without pruning ('\(dense.name)') it is \(Amount.percent(reference)): the best is "
          + Self.points(accuracy - reference)
      }
      text.append(words + ".")
    }
    let timed = entries.map(\.run).filter(\.isPruned).compactMap { run in
      run.summary.flatMap { summary in
        Self.ratio(summary).map {
          (name: run.name, milliseconds: summary.stepMilliseconds, ratio: $0)
        }
      }
    }
    if let fastest = timed.max(by: { $0.ratio < $1.ratio }) {
      text.append(
        "Pruning speeds up the step of '\(fastest.name)' most: it takes "
          + "\(Amount.seconds(fastest.milliseconds * 1e-3)), \(Self.times(fastest.ratio)) as fast as "
          + "the step of the same network without pruning, measured interleaved with it.")
    }
    let simulated = entries.compactMap { entry in
      entry.processor.map { (name: entry.run.name, totals: $0.step.totals) }
    }.sorted { $0.totals.energyPicojoules.total < $1.totals.energyPicojoules.total }
    if let first = simulated.first, let last = simulated.last, simulated.count > 1 {
      func words(_ totals: Totals) -> String {
        "\(Amount.joules(picojoules: totals.energyPicojoules.total)) and "
          + Amount.seconds(totals.seconds)
      }
      text.append(
        "On the processor (modelled) a step takes from \(words(first.totals)) ('\(first.name)') to "
          + "\(words(last.totals)) ('\(last.name)').")
    }
    let differing = Self.differences(entries.map(\.run))
    text.append(
      differing.isEmpty
        ? "The runs differ in nothing but their pruning."
        : "Besides their pruning the runs differ in: \(differing.joined(separator: ", ")). "
          + "Compare with that in mind.")
    if entries.contains(where: { $0.run.summary != nil }) {
      text.append(
        "Times were measured when each run ended; on a machine that did other work as well, only the "
          + "ratio to the dense step next to it is comparable.")
    }
    return text
  }

  /// The settings besides the pruning that differ between the runs.
  private static func differences(_ runs: [RunRecord]) -> [String] {
    let keys: [(String, (RunRecord) -> String)] = [
      ("model", { $0.configuration.modelName }),
      ("width", { "\($0.configuration.width)" }),
      ("data", { $0.configuration.data.rawValue }),
      ("training images", { "\($0.configuration.trainImages ?? 0)" }),
      ("epochs", { "\($0.configuration.epochs)" }),
      ("steps done", { "\($0.steps)" }),
      ("batch", { "\($0.configuration.batch)" }),
      ("optimizer", { $0.configuration.optimizer.rawValue }),
      ("learning rate", { "\($0.configuration.peakLearningRate)" }),
      ("seed", { "\($0.configuration.seed)" }),
      ("kernels", { $0.summary?.machine.kernels ?? "" }),
      ("processor", { $0.summary?.machine.processor ?? "" }),
    ]
    return keys.filter { Set(runs.map($0.1)).count > 1 }.map(\.0)
  }

  private var table: TextTable {
    var table = TextTable([
      "run", "pruning", "test accuracy", "pruned", "MACs", "step", "dense step", "as fast",
      "processor step", "energy", "dense takes",
    ])
    for entry in entries {
      let run = entry.run
      let summary = run.summary
      let step = entry.processor?.step.totals
      let dense = entry.processor?.dense.totals
      table.add([
        run.name + run.unfinished, run.isPruned ? run.pruning : "none",
        run.testAccuracy.map(Amount.percent) ?? "", Amount.percent(run.sparsity),
        summary?.macDensity.map(Amount.percent) ?? "",
        summary.map { Amount.seconds($0.stepMilliseconds * 1e-3) } ?? "",
        summary.map { Amount.seconds($0.denseStepMilliseconds * 1e-3) } ?? "",
        summary.map { Self.ratio($0).map(Self.times) ?? "not measured" } ?? "",
        step.map { Amount.seconds($0.seconds) } ?? "",
        step.map { Amount.joules(picojoules: $0.energyPicojoules.total) } ?? "",
        step.flatMap { step in dense.map { Self.times($0.seconds / step.seconds) } } ?? "",
      ])
    }
    return table
  }

  private func charts(_ figures: inout Figures) -> [Markup] {
    let tested = entries.map(\.run).filter { $0.testAccuracy != nil }
    guard !tested.isEmpty else { return [] }
    var charts = [
      figures.add(
        BarChart(
          title: "Test error",
          summary: "After the last epoch; shorter is better.", rowTitle: "run",
          xTitle: "% of the test images", segmentNames: ["wrong"],
          rows: tested.map {
            BarChart.Row(
              name: $0.name + $0.unfinished, segments: [100 * (1 - ($0.testAccuracy ?? 0))])
          }, format: { String(format: "%.2f", $0) }))
    ]
    let timed = entries.map(\.run).compactMap { run in
      run.summary.flatMap(Self.ratio).map { (run.name, $0) }
    }
    if !timed.isEmpty {
      charts.append(
        figures.add(
          BarChart(
            title: "How much faster pruning makes a step",
            summary: "Dense step over pruned step, measured interleaved at the end of each run.",
            rowTitle: "run", xTitle: "times as fast", segmentNames: ["times"],
            rows: timed.map { name, ratio in BarChart.Row(name: name, segments: [ratio]) },
            format: { String(format: "%.2f", $0) })))
    }
    return [Markup.grid(charts)]
  }

  /// Dense step over pruned step; nil where the machine was not quiet enough to tell.
  private static func ratio(_ summary: RunSummary) -> Double? {
    guard let speedup = summary.speedup else {
      return summary.denseStepMilliseconds / max(summary.stepMilliseconds, 1e-9)
    }
    return speedup.fault == nil ? speedup.median : nil
  }

  static func times(_ ratio: Double) -> String { String(format: "%.2f times", ratio) }

  private static func points(_ difference: Double) -> String {
    String(
      format: "%.2f points %@", abs(100 * difference), difference < 0 ? "below it" : "above it")
  }
}
