// SPDX-License-Identifier: Apache-2.0
/// A pass of a layer on a machine, with its memory traffic and energy.
public struct PassResult: Codable, Sendable {
  /// Name of the layer.
  public var layer: String
  /// The pass.
  public var pass: Pass
  /// Cycles, transfers included.
  public var cycles: Int
  /// Cycles of the array alone.
  public var arrayCycles: Int
  /// Cycles in which the array stalls on transfers longer than the work that hides them.
  public var dramWaitCycles: Int
  /// Cycles of the first load and the last store.
  public var dramFillCycles: Int
  /// Cycles in which the array stalls on a stream unit.
  public var streamWaitCycles: Int
  /// Products of kept weights with values inside the map.
  public var effectualMACs: Int
  /// Products inside the map without pruning.
  public var denseMACs: Int
  /// Effectual MACs over cycles times multipliers.
  public var utilization: Double
  /// Seconds at the machine's clock.
  public var seconds: Double
  /// Picojoules by unit, and their total.
  public var energyPicojoules: EnergyBreakdown
  /// Where the row-cycles of the array went.
  public var timing: PassTiming
  /// Counts of events.
  public var activity: PassActivity
  /// Weights of the layer that the machine stores: kept ones, or all where it cannot skip.
  public var storedWeights: Int
  /// What moved to and from the DRAM.
  public var traffic: MemoryTraffic
  /// FNV-1a-64 of the values, at the level that has any.
  public var valueChecksum: UInt64?

  /// What a pass takes beyond the array.
  struct Waits {
    var dram = 0
    var stream = 0
    var fill = 0
  }

  init(
    layer: String, pass: Pass, run: PassRun, waits: Waits, traffic: MemoryTraffic,
    energy: EnergyBreakdown, valueChecksum: UInt64?, hardware: HardwareDescription
  ) {
    self.layer = layer
    self.pass = pass
    cycles = run.timing.cycles + waits.dram + waits.stream + waits.fill
    arrayCycles = run.timing.cycles
    dramWaitCycles = waits.dram
    dramFillCycles = waits.fill
    streamWaitCycles = waits.stream
    effectualMACs = run.activity.effectualMACs
    denseMACs = run.activity.denseMACs
    utilization = hardware.utilization(run.activity.effectualMACs, cycles: cycles)
    seconds = Double(cycles) / hardware.supply.hertz
    energyPicojoules = energy
    timing = run.timing
    activity = run.activity
    storedWeights = run.storedWeights
    self.traffic = traffic
    self.valueChecksum = valueChecksum
  }
}

extension HardwareDescription {
  /// Effectual MACs over what the multipliers could make.
  package func utilization(_ effectualMACs: Int, cycles: Int) -> Double {
    cycles == 0 ? 0 : Double(effectualMACs) / (Double(cycles) * Double(array.multipliers))
  }
}

/// Where the multiplier-cycles of a pass went: `amounts` add up to cycles times multipliers.
public struct CycleParts: Sendable {
  /// A reason and its multiplier-cycles.
  public let amounts: [(reason: String, multiplierCycles: Int)]

  /// The parts of a pass's result on the machine that ran it.
  public init(_ result: PassResult, hardware: HardwareDescription) {
    let timing = result.timing
    let activity = result.activity
    let width = hardware.array.lanes * hardware.array.slots
    let issued = timing.issue * width
    // Entries that fill a slot; a row's last cycle of a window may leave slots empty.
    let taken = min(issued, activity.vectorsTaken * hardware.array.lanes)
    let executed = min(taken, activity.executedMACs)
    let effectual = min(executed, activity.effectualMACs)
    amounts = [
      ("MACs of kept weights", effectual),
      ("MACs of pruned weights", executed - effectual),
      ("lanes outside the map", taken - executed),
      ("slots left empty at a window's end", issued - taken),
      ("adding partial sums, writing results", timing.drain * width),
      ("stalled on operand vectors", timing.loading * width),
      ("stalled on slower rows", timing.imbalance * width),
      ("rows without an output plane", timing.unusedRows * width),
      ("filling the pipelines", timing.fill * width),
      ("restarting for further blocks", timing.restart * width),
      ("idle until the slowest core is done", timing.coreImbalance * width),
      ("stalled on the stream units", result.streamWaitCycles * hardware.array.multipliers),
      (
        "stalled on the DRAM",
        (result.dramWaitCycles + result.dramFillCycles) * hardware.array.multipliers
      ),
    ]
  }
}
