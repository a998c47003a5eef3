// SPDX-License-Identifier: Apache-2.0
import Masks
import Training

/// Density of the layers over training.
struct SparsitySection {
  private let runs: [RunRecord]

  init(_ runs: [RunRecord]) { self.runs = runs }

  func section(_ figures: inout Figures) -> Page.Section {
    let known = runs.filter { !$0.snapshots.isEmpty }
    var content: [Markup] = []
    if runs.count > 1 { content.append(.grid([figures.add(overall)])) }
    let maps = known.filter { $0.isPruned || runs.count == 1 }.map { figures.add(map($0)) }
    content.append(
      known.isEmpty
        ? .paragraph("The run has no mask snapshots.")
        : maps.count > 6
          ? .folded("Layer by layer, run by run", [.grid(maps)]) : .grid(maps))
    let tables = known.compactMap { run in
      run.masks.map {
        layers($0).markup(caption: "Layers of \(run.name) after step \($0.step)")
      }
    }
    if !tables.isEmpty { content.append(.folded("Layers at the end", tables)) }
    return Page.Section(id: "sparsity", title: "Sparsity by layer over time", content: content)
  }

  private var overall: LineChart {
    LineChart(
      title: "Weights kept", summary: "At each update of the masks.",
      xTitle: "step", yTitle: "% of the prunable weights",
      series: runs.compactMap { run in
        let updates = run.metrics.maskUpdates.map { (Double($0.step), 100 * (1 - $0.sparsity)) }
        let epochs = run.metrics.epochs.map {
          (Double($0.step), 100 * (1 - $0.report.sparsity))
        }
        let points = updates.isEmpty ? epochs : updates
        return points.isEmpty ? nil : LineChart.Series(name: run.name, points: points)
      }, format: { Amount.percent($0 / 100) })
  }

  private func map(_ run: RunRecord) -> HeatMap {
    let mostPruned = zip(run.layerNames, run.snapshots.last?.kept ?? []).min { $0.1 < $1.1 }
    let outcome =
      mostPruned.map { " At the end \($0.0) keeps least, \(Amount.percent($0.1))." } ?? ""
    return HeatMap(
      title: runs.count == 1 ? "Weights kept by layer" : "Weights kept by layer: \(run.name)",
      summary: "Rows are layers, columns snapshots of the masks (\(run.snapshots.count) of them); "
        + "the fuller a cell, the more is kept.\(outcome)",
      rowTitle: "layer", steps: run.snapshots.map(\.step), end: run.steps,
      rows: run.layerNames.enumerated().map { index, name in
        HeatMap.Row(name: name, shares: run.snapshots.map { $0.kept[index] })
      })
  }

  private func layers(_ masks: MaskSnapshot) -> TextTable {
    var table = TextTable([
      "layer", "filters", "weights", "kept", "lines kept", "shapes kept", "zero activations",
      "zero gradients",
    ])
    for layer in masks.layers {
      let mask = layer.mask
      table.add([
        layer.name, "\(layer.shape)", "\(layer.shape.count)", Amount.percent(mask.density),
        Amount.percent(Double(mask.keptLines) / Double(mask.lines.count)),
        Amount.percent(Double(mask.keptShapes) / Double(mask.shapes.count)),
        layer.inputSparsity.map(Amount.percent) ?? "not seen",
        layer.gradientSparsity.map(Amount.percent) ?? "not seen",
      ])
    }
    return table
  }
}
