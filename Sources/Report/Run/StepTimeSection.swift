// SPDX-License-Identifier: Apache-2.0
import Training

/// Where the time of a training step goes, against the same network without pruning.
struct StepTimeSection {
  private let runs: [RunRecord]

  init(_ runs: [RunRecord]) { self.runs = runs }

  /// Kinds of work in a step.
  private static let kinds = [
    "convolutions, forward", "input gradients", "weight gradients", "other layers, forward",
    "other layers, backward", "loss", "optimiser", "images to blocks",
  ]

  func section(_ figures: inout Figures) -> Page.Section {
    var content: [Markup] = []
    let timed = runs.compactMap { run in run.summary.map { (run: run, summary: $0) } }
    let profiled = timed.compactMap { run, summary in
      summary.profile.map { (run: run, summary: summary, profile: $0) }
    }
    if timed.isEmpty {
      content = [
        .paragraph("Steps are measured at the end of a run; none of these has ended.")
      ]
    } else {
      content.append(
        .paragraph(
          "Measured at the end of each run: steps with the final masks and steps of the same network "
            + "without pruning, interleaved, on one batch. Medians, in milliseconds."))
    }
    if !profiled.isEmpty {
      content.append(
        .grid(
          [
            figures.add(
              BarChart(
                title: "Parts of a step",
                summary: "What pruning makes shorter, and what it leaves as it was. Medians of the "
                  + "parts over \(profiled[0].profile.steps) steps.",
                rowTitle: "step", xTitle: "ms", segmentNames: Self.kinds,
                rows: profiled.flatMap { run, _, profile in
                  rows(run, Self.byKind(profile))
                }, format: Self.milliseconds))
          ]
            + (runs.count == 1
              ? profiled.map { _, _, profile in figures.add(layerChart(profile)) } : [])))
    }
    if runs.count > 1 {
      for (run, _, profile) in profiled {
        content.append(
          .folded("Layer by layer: \(run.name)", [.grid([figures.add(layerChart(profile))])]))
      }
    }
    let others = timed.filter { $0.summary.profile == nil }
    if !others.isEmpty {
      content.append(
        .paragraph(
          "Summaries of older versions know whole steps only, not their parts: "
            + others.map(\.run.name).joined(separator: ", ") + "."))
      content.append(
        .grid([
          figures.add(
            BarChart(
              title: "Whole steps", summary: "With the final masks, and without pruning.",
              rowTitle: "step", xTitle: "ms", segmentNames: ["step"],
              rows: others.flatMap { run, summary in
                rows(run, ([summary.stepMilliseconds], [summary.denseStepMilliseconds]))
              }, format: Self.milliseconds))
        ]))
    }
    return Page.Section(id: "time", title: "Where the step's time goes", content: content)
  }

  /// A bar for the final masks and one for the dense network; only one where nothing was pruned.
  private func rows(_ run: RunRecord, _ times: (pruned: [Double], dense: [Double]))
    -> [BarChart.Row]
  {
    let name = runs.count > 1 ? run.name : run.isPruned ? "final masks" : "step"
    let pruned = BarChart.Row(name: name, segments: times.pruned)
    if !run.isPruned { return [pruned] }
    return [pruned, BarChart.Row(name: "dense", segments: times.dense, continues: true)]
  }

  private static func convolutions(_ profile: StepProfile) -> Set<String> {
    Set(profile.entries.filter { $0.part == .weightGradient }.compactMap(\.layer))
  }

  private static func byKind(_ profile: StepProfile) -> (pruned: [Double], dense: [Double]) {
    let convolutions = convolutions(profile)
    var (pruned, dense) = (
      [Double](repeating: 0, count: kinds.count), [Double](repeating: 0, count: kinds.count)
    )
    for entry in profile.entries {
      let isConvolution = entry.layer.map(convolutions.contains) ?? false
      let kind =
        switch entry.part {
        case .forward: isConvolution ? 0 : 3
        case .inputGradient: 1
        case .weightGradient: 2
        case .backward: 4
        case .loss: 5
        case .optimiser: 6
        case .staging: 7
        }
      pruned[kind] += entry.milliseconds
      dense[kind] += entry.denseMilliseconds
    }
    return (pruned, dense)
  }

  private func layerChart(_ profile: StepProfile) -> BarChart {
    let parts: [StepProfile.Part] = [.forward, .inputGradient, .weightGradient]
    var order: [String] = []
    let convolutions = Self.convolutions(profile)
    for entry in profile.entries where entry.part == .forward {
      if let layer = entry.layer, convolutions.contains(layer) { order.append(layer) }
    }
    func times(_ layer: String, _ value: (StepProfile.Entry) -> Double) -> [Double] {
      parts.map { part in
        profile.entries.filter { $0.layer == layer && $0.part == part }
          .reduce(0) { $0 + value($1) }
      }
    }
    return BarChart(
      title: "Convolutions and linear layers",
      summary: "Each layer with the final masks, and dense below it.", rowTitle: "layer",
      xTitle: "ms", segmentNames: ["forward", "input gradient", "weight gradient"],
      rows: order.flatMap { layer in
        [
          BarChart.Row(name: layer, segments: times(layer) { $0.milliseconds }),
          BarChart.Row(
            name: "dense", segments: times(layer) { $0.denseMilliseconds }, continues: true),
        ]
      }, format: Self.milliseconds)
  }

  private static func milliseconds(_ value: Double) -> String {
    value >= 100 ? String(Int(value.rounded())) : Scale.label((value * 1000).rounded() / 1000)
  }
}
