// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Studies

/// A simulated step for a terminal.
public struct SimulationText {
  private let result: StepResult
  private let hardware: HardwareDescription
  private let unmodelled: Unmodelled?

  /// The text of a step on a machine.
  ///
  /// - Parameter unmodelled: what of the network's file is not simulated.
  public init(
    _ result: StepResult, hardware: HardwareDescription, unmodelled: Unmodelled? = nil
  ) {
    self.result = result
    self.hardware = hardware
    self.unmodelled = unmodelled
  }

  /// A row for each layer and pass, then the sums.
  public var text: String {
    ([heading, layers, sums, energy] + [unmodelled?.text].compactMap(\.self))
      .joined(separator: "\n\n")
  }

  private var heading: String {
    let isLayerByLayer =
      result.operations.isEmpty && hardware.schedule.fuseNormalisation
      && !result.vector.isEmpty
    let note =
      (unmodelled?.title.map { "\n\($0)." } ?? "")
      + (isLayerByLayer
        ? "\nThe network does not specify what its layers read: every tensor moves through the DRAM, and "
          + "normalisation is a separate pass." : "")
    return String(
      format: "%@, batch size %d, on %@: %d multipliers, %.2f V, %.0f MHz (modelled)",
      result.network, result.batch, hardware.name, hardware.array.multipliers,
      hardware.supply.volts, hardware.supply.hertz / 1e6) + note
  }

  private var layers: String {
    var table = TextTable([
      "layer", "pass", "cycles", "time", "utilisation", "MACs", "of dense", "lines skipped",
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
    let isTraining = result.layers.contains { $0.pass == .weightGradient }
    let whole = isTraining ? "training step" : "forward pass, all"
    table.add(row(result.vector.isEmpty ? "all" : whole, result.totals))
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
      "machine", "masks", "cycles", "utilisation", "time", "slower", "array alone", "core energy",
      "more", "energy with DRAM", "more", "TFLOPS/W eff.", "dense-eq.", "mm²",
    ])
    guard let first = comparison.machines.first?.totals,
      let scopes = comparison.machines.first?.scopes
    else { return table }
    for machine in comparison.machines {
      let totals = machine.totals
      let efficiency = totals.teraflopsPerWatt
      table.add([
        machine.name, machine.masks, "\(totals.cycles)", Amount.percent(totals.utilization),
        Amount.seconds(totals.seconds), times(totals.seconds / first.seconds),
        times(Double(machine.scopes.arrayCycles) / Double(max(1, scopes.arrayCycles))),
        Amount.joules(picojoules: totals.energyPicojoules.core),
        times(totals.energyPicojoules.core / first.energyPicojoules.core),
        Amount.joules(picojoules: totals.energyPicojoules.total),
        times(totals.energyPicojoules.total / first.energyPicojoules.total),
        String(format: "%.2f", efficiency.effectualCore),
        String(format: "%.2f", efficiency.denseEquivalentCore),
        String(format: "%.2f", machine.squareMillimetres),
      ])
    }
    return table
  }

  private func times(_ ratio: Double) -> String { String(format: "%.2fx", ratio) }
}

/// Where the cycles and picojoules of a whole step went, for a terminal.
public struct StepExplanationText {
  private let step: StepResult
  private let hardware: HardwareDescription

  /// The text of a step on the machine that ran it.
  public init(_ step: StepResult, hardware: HardwareDescription) {
    self.step = step
    self.hardware = hardware
  }

  /// A table of reasons, one of energy, and one of fused operations, each with its sum.
  public var text: String {
    let multipliers = hardware.array.multipliers
    let whole = Double(max(1, step.totals.cycles * multipliers))
    var cycles = TextTable(["multiplier-cycles", "amount", "share"])
    var sum = 0
    for part in StepParts(step, hardware: hardware).amounts where part.multiplierCycles > 0 {
      sum += part.multiplierCycles
      cycles.add([
        "  " + part.reason, "\(part.multiplierCycles)",
        Amount.percent(Double(part.multiplierCycles) / whole),
      ])
    }
    cycles.add(["= \(step.totals.cycles) cycles x \(multipliers)", "\(sum)", "100.0 %"])
    let energy = step.totals.energyPicojoules
    var picojoules = TextTable(["energy", "pJ", "share"])
    for unit in EnergyUnit.allCases where energy[unit] > 0 {
      picojoules.add([
        "  " + unit.rawValue, String(format: "%.1f", energy[unit]),
        Amount.percent(energy[unit] / energy.total),
      ])
    }
    picojoules.add(["= total", String(format: "%.1f", energy.total), "100.0 %"])
    return """
      \(step.network), \(step.batch) images, on \(hardware.name): \(step.totals.cycles) cycles, \
      \(Amount.seconds(step.totals.seconds)), \(Amount.bytes(step.totals.dramBytes)) DRAM traffic

      \(cycles.text)

      \(picojoules.text)\(operations)
      """
  }

  private var operations: String {
    if step.operations.isEmpty { return "" }
    var table = TextTable([
      "operation", "", "cycles", "array", "DRAM stalls", "stream stalls", "fill", "read", "written",
      "kept on chip",
    ])
    func bytes(_ transfers: [OperationResult.Transfer]) -> Int {
      transfers.reduce(0) { $0 + $1.dramBits } / 8
    }
    for operation in step.operations {
      let kept = (operation.reads + operation.writes).reduce(0) { $0 + $1.poolBits } / 8
      table.add([
        operation.name, operation.kind, "\(operation.cycles)", "\(operation.arrayCycles)",
        "\(operation.dramStallCycles)", "\(operation.streamStallCycles)",
        "\(operation.fillCycles)", Amount.bytes(bytes(operation.reads)),
        Amount.bytes(bytes(operation.writes)), Amount.bytes(kept),
      ])
    }
    return "\n\n" + table.text
  }
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
