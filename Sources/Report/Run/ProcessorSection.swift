// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor

/// A step on the modelled processor: time and energy by layer and unit, why multipliers idle,
/// other machines, and the abstract's claims.
struct ProcessorSection {
  private let entries: [(name: String, record: ProcessorRecord)]
  private let isSingle: Bool
  private let hardware: HardwareDescription

  init(_ entries: [RunReport.Entry], hardware: HardwareDescription) {
    self.entries = entries.compactMap { entry in
      entry.processor.map { (entry.run.name, $0) }
    }
    isSingle = entries.count == 1
    self.hardware = hardware
  }

  func section(_ figures: inout Figures) -> Page.Section {
    var content = [
      Markup.paragraph(
        String(
          format: "Modelled, not measured: '%@', %d multipliers in %d cores, %.2f V, %.0f MHz, "
            + "DRAM of %.1f GB/s. A step is all three passes, the vector unit's work and the DRAM.",
          hardware.name, hardware.array.multipliers, hardware.array.cores, hardware.supply.volts,
          hardware.supply.hertz / 1e6, hardware.memory.dramGigabytesPerSecond))
    ]
    if entries.isEmpty {
      content = [
        .paragraph(
          "The run recorded no network (network.json) or no masks, so no step could be simulated.")
      ]
    }
    if !isSingle && !entries.isEmpty {
      content.append(.grid([figures.add(stepTimes), figures.add(stepEnergies)]))
    }
    for (name, record) in entries {
      let parts = ProcessorCharts(record).content(&figures)
      content += isSingle ? parts : [.folded(name, parts, open: entries.count <= 2)]
    }
    return Page.Section(id: "processor", title: "On the processor", content: content)
  }

  private var stepTimes: BarChart {
    BarChart(
      title: "Time of a step on the processor", summary: "Passes and the vector unit's work.",
      rowTitle: "run", xTitle: "ms",
      segmentNames: Pass.allCases.map(\.rawValue) + ["vector unit"],
      rows: entries.map { name, record in
        BarChart.Row(
          name: name,
          segments: Pass.allCases.map {
            1e3 * (record.step.passes[$0.rawValue]?.seconds ?? 0)
          } + [record.step.vector.reduce(0) { $0 + 1e3 * $1.seconds }])
      }, format: { String(format: "%.2f", $0) })
  }

  private var stepEnergies: BarChart {
    BarChart(
      title: "Energy of a step on the processor", summary: "By unit.", rowTitle: "run",
      xTitle: "mJ", segmentNames: EnergyGroups.names,
      rows: entries.map { name, record in
        BarChart.Row(
          name: name,
          segments: EnergyGroups.picojoules(record.step.totals.energyPicojoules).map { $0 * 1e-9 })
      }, format: { String(format: "%.2f", $0) })
  }
}

/// The charts of one run on the processor.
struct ProcessorCharts {
  private let record: ProcessorRecord
  private var step: StepResult { record.step }
  private var hardware: HardwareDescription { record.hardware }

  init(_ record: ProcessorRecord) { self.record = record }

  func content(_ figures: inout Figures) -> [Markup] {
    [
      .flow([
        figures.add(cycles), figures.add(energy), figures.add(use), figures.add(roofline),
      ]),
      .heading("Baselines and ablations"),
      .paragraph(
        "All machines have as many multipliers, the same memories, supply and energy table, and run "
          + "the same masks. T1 is the reordering, T2 detection before load, T3 the compress "
          + "network; each is switched off alone."),
      .grid([
        figures.add(
          machines("Time of a step", "ms") { $0.seconds * 1e3 }),
        figures.add(
          machines("Energy on the chip, a step", "mJ") { $0.energyPicojoules.core * 1e-9 }),
      ]),
      .folded(
        "All figures of the machines",
        [ComparisonText(record.comparison).table.markup(caption: "Machines on the same masks")]),
      .heading("The abstract's claims"),
    ] + claims
  }

  private var layerNames: [String] {
    var names: [String] = []
    for pass in step.layers where names.last != pass.layer { names.append(pass.layer) }
    return names
  }

  private func passes(_ step: StepResult, _ layer: String) -> [PassResult] {
    step.layers.filter { $0.layer == layer }
  }

  private var cycles: BarChart {
    func segments(_ step: StepResult, _ layer: String) -> [Double] {
      Pass.allCases.map { pass in
        passes(step, layer).filter { $0.pass == pass }.reduce(0) { $0 + Double($1.cycles) }
      }
    }
    return BarChart(
      title: "Cycles by layer and pass",
      summary:
        "\(hardware.name), and below it the dense machine of the same size. The passes of all "
        + "layers take \(Amount.count(step.layers.reduce(0) { $0 + $1.cycles })) of the step's "
        + "\(Amount.count(step.totals.cycles)) cycles; the rest is the vector unit's.",
      rowTitle: "layer", xTitle: "cycles", segmentNames: Pass.allCases.map(\.rawValue),
      rows: layerNames.flatMap { layer in
        [
          BarChart.Row(name: layer, segments: segments(step, layer)),
          BarChart.Row(name: "dense", segments: segments(record.dense, layer), continues: true),
        ]
      }, format: { Amount.count(Int($0)) })
  }

  private var energy: BarChart {
    let layers = layerNames.map { layer in
      BarChart.Row(
        name: layer,
        segments: passes(step, layer).reduce(
          [Double](repeating: 0, count: EnergyGroups.names.count)
        ) { zip($0, EnergyGroups.picojoules($1.energyPicojoules)).map(+) }.map { $0 * 1e-6 })
    }
    let vector = step.vector.map { run in
      BarChart.Row(
        name: run.name, segments: EnergyGroups.picojoules(run.energyPicojoules).map { $0 * 1e-6 })
    }
    return BarChart(
      title: "Energy by layer and unit",
      summary: "All passes of a layer together; the last rows are the vector unit's work.",
      rowTitle: "layer", xTitle: "µJ", segmentNames: EnergyGroups.names, rows: layers + vector,
      format: { Scale.label($0) })
  }

  private var use: BarChart {
    BarChart(
      title: "Use of the multipliers",
      summary: "Each layer's multiplier-cycles by cause; at the end of a bar, the utilisation by "
        + "effectual MACs. Over the whole step, vector unit included, it is "
        + "\(Amount.percent(step.totals.utilization)).",
      rowTitle: "layer", xTitle: "% of the multiplier-cycles", segmentNames: CycleGroups.names,
      rows: layerNames.map { layer in
        let parts = CycleGroups.multiplierCycles(passes(step, layer), hardware: hardware)
        let sum = max(parts.reduce(0, +), 1)
        return BarChart.Row(
          name: layer, segments: parts.map { 100 * $0 / sum },
          note: Amount.percent(parts[0] / sum))
      }, format: { String(format: "%.1f", $0) })
  }

  private var roofline: RooflineChart {
    RooflineChart(
      title: "Roofline",
      summary: "Each pass of each layer: effectual MACs per second over MACs per byte of the "
        + "DRAM. Points on the slope are bound by the DRAM; the distance to the roof is lost by the "
        + "loses by itself.",
      seriesNames: Pass.allCases.map(\.rawValue),
      points: step.layers.map { pass in
        RooflineChart.Point(
          name: "\(pass.layer) \(pass.pass.rawValue)",
          series: Pass.allCases.firstIndex(of: pass.pass) ?? 0,
          productsPerByte: Double(pass.effectualMACs) / Double(max(1, pass.traffic.total / 8)),
          productsPerSecond: pass.seconds > 0 ? Double(pass.effectualMACs) / pass.seconds : 0)
      },
      peak: Double(hardware.array.multipliers) * hardware.supply.hertz,
      bandwidth: hardware.memory.dramGigabytesPerSecond * 1e9)
  }

  private func machines(_ title: String, _ unit: String, _ value: (Totals) -> Double) -> BarChart {
    let machines = record.comparison.machines
    let first = machines.first.map { value($0.totals) } ?? 1
    return BarChart(
      title: title, summary: "At the end of a bar: times \(hardware.name).", rowTitle: "machine",
      xTitle: unit, segmentNames: [unit],
      rows: machines.map { machine in
        let amount = value(machine.totals)
        return BarChart.Row(
          name: shortName(machine.name), segments: [amount],
          note: String(format: "%.2fx", amount / max(first, .leastNormalMagnitude)))
      }, format: { Scale.label($0) })
  }

  /// Ablations have the processor's name before what they lack.
  private func shortName(_ name: String) -> String {
    let own = hardware.name + "-"
    return name.hasPrefix(own) ? String(name.dropFirst(own.count)) : name
  }

  private var claims: [Markup] {
    var table = TextTable(["claim", "paper", "here (modelled)"])
    for claim in record.claims.claims { table.add([claim.claim, claim.paper, claim.ours]) }
    return [
      Markup("div", ["class": "words"], [table.markup(caption: "Claims of the abstract")]),
      .folded(
        "Definitions, and why the figures differ",
        [
          Markup(
            "dl", [:],
            record.claims.claims.flatMap { claim in
              [
                Markup("dt", [:], [Markup(claim.claim)]),
                Markup("dd", [:], [Markup(claim.definition)]),
                Markup("dd", [:], [Markup(claim.reading)]),
              ]
            })
        ]),
    ]
  }
}
