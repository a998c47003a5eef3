// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Studies

/// A simulated step for a terminal.
public struct SimulationText {
  private let result: StepResult
  private let hardware: HardwareDescription

  /// The text of a step on a machine.
  public init(_ result: StepResult, hardware: HardwareDescription) {
    self.result = result
    self.hardware = hardware
  }

  /// A row for each layer and pass, then the sums.
  public var text: String {
    [heading, layers, sums, energy].joined(separator: "\n\n")
  }

  private var heading: String {
    String(
      format: "%@, %d images a step, on %@: %d multipliers, %.2f V, %.0f MHz (modelled)",
      result.network, result.batch, hardware.name, hardware.array.multipliers,
      hardware.supply.volts, hardware.supply.hertz / 1e6)
  }

  private var layers: String {
    var table = TextTable([
      "layer", "pass", "cycles", "time", "utilisation", "products", "of dense", "lines skipped",
      "DRAM", "energy",
    ])
    for layer in result.layers {
      let lines = layer.activity.linesRead + layer.activity.linesSkipped
      table.add([
        layer.layer, layer.pass.rawValue, "\(layer.cycles)", Amount.seconds(layer.seconds),
        Amount.percent(layer.utilization), Amount.count(layer.effectualMACs),
        Amount.percent(Double(layer.effectualMACs) / Double(max(1, layer.denseMACs))),
        Amount.percent(Double(layer.activity.linesSkipped) / Double(max(1, lines))),
        Amount.bytes(layer.traffic.total / 8),
        Amount.joules(picojoules: layer.energyPicojoules.total),
      ])
    }
    return table.text
  }

  private var sums: String {
    var table = TextTable(["sum", "cycles", "time", "utilisation", "DRAM", "core energy", "energy"])
    for pass in Pass.allCases {
      if let totals = result.passes[pass.rawValue] { table.add(row(pass.rawValue, totals)) }
    }
    for run in result.vector {
      table.add([
        run.name, "\(run.cycles)", Amount.seconds(run.seconds), "", Amount.bytes(run.dramBytes),
        Amount.joules(picojoules: run.energyPicojoules.core),
        Amount.joules(picojoules: run.energyPicojoules.total),
      ])
    }
    table.add(row(result.vector.isEmpty ? "all" : "training step", result.totals))
    return table.text
  }

  private func row(_ name: String, _ totals: Totals) -> [String] {
    [
      name, "\(totals.cycles)", Amount.seconds(totals.seconds),
      Amount.percent(totals.utilization), Amount.bytes(totals.dramBytes),
      Amount.joules(picojoules: totals.energyPicojoules.core),
      Amount.joules(picojoules: totals.energyPicojoules.total),
    ]
  }

  private var energy: String {
    let totals = result.totals
    let total = max(totals.energyPicojoules.total, .leastNonzeroMagnitude)
    let parts = EnergyUnit.allCases.map { ($0.rawValue, totals.energyPicojoules[$0]) }
      .filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
      .map { "\($0.0) \(Amount.percent($0.1 / total))" }.joined(separator: ", ")
    let efficiency = totals.teraflopsPerWatt
    return """
      Energy: \(parts).
      Efficiency, TFLOPS/W: \(number(efficiency.effectualCore)) effectual, \
      \(number(efficiency.denseEquivalentCore)) dense-equivalent (core only); \
      \(number(efficiency.effectualWithDRAM)) and \(number(efficiency.denseEquivalentWithDRAM)) \
      with the DRAM.
      """
  }

  private func number(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// Machines side by side for a terminal.
public struct ComparisonText {
  private let comparison: Comparison

  /// The text of a comparison.
  public init(_ comparison: Comparison) { self.comparison = comparison }

  /// The machines as a table; ratios are those of the first machine to each.
  public var table: TextTable {
    var table = TextTable([
      "machine", "masks", "cycles", "utilisation", "time", "slower", "core energy", "more",
      "energy with DRAM", "TFLOPS/W eff.", "dense-eq.", "mm²",
    ])
    guard let first = comparison.machines.first?.totals else { return table }
    for machine in comparison.machines {
      let totals = machine.totals
      let efficiency = totals.teraflopsPerWatt
      table.add([
        machine.name, machine.masks, "\(totals.cycles)", Amount.percent(totals.utilization),
        Amount.seconds(totals.seconds), times(totals.seconds / first.seconds),
        Amount.joules(picojoules: totals.energyPicojoules.core),
        times(totals.energyPicojoules.core / first.energyPicojoules.core),
        Amount.joules(picojoules: totals.energyPicojoules.total),
        String(format: "%.2f", efficiency.effectualCore),
        String(format: "%.2f", efficiency.denseEquivalentCore),
        String(format: "%.2f", machine.squareMillimetres),
      ])
    }
    return table
  }

  private func times(_ ratio: Double) -> String { String(format: "%.2fx", ratio) }
}

/// Where the cycles and picojoules of a pass went, for a terminal.
public struct ExplanationText {
  private let result: PassResult
  private let hardware: HardwareDescription

  /// The text of a pass's result on the machine that ran it.
  public init(_ result: PassResult, hardware: HardwareDescription) {
    self.result = result
    self.hardware = hardware
  }

  /// Two tables, each with its sum.
  public var text: String {
    let multipliers = hardware.array.multipliers
    let whole = Double(max(1, result.cycles * multipliers))
    var cycles = TextTable(["multiplier-cycles", "amount", "share"])
    var sum = 0
    for part in CycleParts(result, hardware: hardware).amounts {
      sum += part.multiplierCycles
      cycles.add([
        "  " + part.reason, "\(part.multiplierCycles)",
        Amount.percent(Double(part.multiplierCycles) / whole),
      ])
    }
    cycles.add(["= \(result.cycles) cycles x \(multipliers)", "\(sum)", "100.0 %"])
    let energy = result.energyPicojoules
    var picojoules = TextTable(["energy", "pJ", "share"])
    for unit in EnergyUnit.allCases where energy[unit] > 0 {
      picojoules.add([
        "  " + unit.rawValue, String(format: "%.1f", energy[unit]),
        Amount.percent(energy[unit] / energy.total),
      ])
    }
    picojoules.add(["= total", String(format: "%.1f", energy.total), "100.0 %"])
    let activity = result.activity
    return """
      \(result.layer), \(result.pass.rawValue): \(result.cycles) cycles, \
      \(Amount.seconds(result.seconds)) at \(Int(hardware.supply.hertz / 1e6)) MHz, \
      utilisation \(Amount.percent(result.utilization))

      \(cycles.text)

      \(picojoules.text)

      Source lines read \(activity.linesRead), not read because no row of a group needs them \
      \(activity.linesSkipped). Operand vectors loaded \(activity.vectorsLoaded), taken by rows \
      \(activity.vectorsTaken). DRAM \(Amount.bytes(result.traffic.total / 8)).
      """
  }
}
