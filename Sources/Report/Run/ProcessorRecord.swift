// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Studies

/// A step of a run on the modelled processor and on the machines beside it.
public struct ProcessorRecord: Sendable {
  let hardware: HardwareDescription
  /// The step on the processor, and on the dense baseline of its size.
  let step, dense: StepResult
  /// The processor, its ablations and the baselines, on the same masks.
  let comparison: Comparison
  let claims: PaperClaims

  /// Simulates a step of a workload.
  ///
  /// - Parameters:
  ///   - surface: efficiency over sparsity at the lowest voltage, for the claims.
  ///   - study: what trainings at several sparsities came to, for the claims.
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer.
  public init(
    _ workload: Workload, hardware: HardwareDescription, table: EnergyTable,
    surface: EfficiencySurface, study: RatioStudy? = nil
  ) throws {
    self.hardware = hardware
    step = try Simulator(hardware, table: table).step(workload)
    dense = try Simulator(.baseline(.dense, like: hardware), table: table).step(workload)
    var comparison = Comparison()
    for machine in Comparison.machines(hardware) {
      try comparison.add(machine, workload, table: table)
    }
    try comparison.addUnpruned(like: hardware, workload, table: table)
    self.comparison = comparison
    claims = PaperClaims(
      hardware: hardware, comparison: comparison, surface: surface,
      workload: "\(workload.name), \(workload.batch) images", study: study)
  }

  /// The corners of the surface that the claims name.
  ///
  /// - Throws: `MemoryPlanError`.
  public static func surface(
    _ network: NetworkDescription, hardware: HardwareDescription, table: EnergyTable
  ) throws -> EfficiencySurface {
    try EfficiencySurface(
      hardware, network: network, volts: 0.56, sparsities: [0, 0.9], table: table)
  }
}

/// Units of energy in groups that a chart can distinguish.
enum EnergyGroups {
  private static let groups: [(name: String, units: [EnergyUnit])] = [
    ("multiplying", [.multiply]),
    ("network", [.network]),
    ("window buffers", [.windowBuffer]),
    ("memories", [.activationMemory, .weightMemory, .outputMemory, .maskMemory]),
    ("control, reorder, vector", [.control, .reorder, .vector]),
    ("pool", [.pool]),
    ("clock", [.clock]),
    ("leakage", [.leakage]),
    ("DRAM", [.dram]),
  ]

  static var names: [String] { groups.map(\.name) }

  /// Picojoules of each group.
  static func picojoules(_ energy: EnergyBreakdown) -> [Double] {
    groups.map { group in group.units.reduce(0) { $0 + energy[$1] } }
  }
}

/// Multiplier-cycles by cause, in groups that a chart can distinguish.
enum CycleGroups {
  private static let groups: [(name: String, reasons: [String])] = [
    ("MACs of kept weights", ["MACs of kept weights"]),
    ("MACs of pruned weights", ["MACs of pruned weights"]),
    ("idle lanes and slots", ["lanes outside the map", "slots left empty at a window's end"]),
    ("adding and writing results", ["adding partial sums, writing results"]),
    ("stalled on operands", ["stalled on operand vectors"]),
    ("stalled on slower rows", ["stalled on slower rows", "rows without an output plane"]),
    (
      "filling, slower cores",
      [
        "filling the pipelines", "restarting for further blocks",
        "idle until the slowest core is done",
      ]
    ),
    ("stalled on the stream units", ["stalled on the stream units"]),
    ("stalled on the DRAM", ["stalled on the DRAM"]),
  ]

  static var names: [String] { groups.map(\.name) }

  /// Multiplier-cycles of each group, over several passes.
  static func multiplierCycles(_ passes: [PassResult], hardware: HardwareDescription) -> [Double] {
    var sums = [Double](repeating: 0, count: groups.count)
    for pass in passes {
      for part in CycleParts(pass, hardware: hardware).amounts {
        guard let group = groups.firstIndex(where: { $0.reasons.contains(part.reason) }) else {
          preconditionFailure("no group for '\(part.reason)'")
        }
        sums[group] += Double(part.multiplierCycles)
      }
    }
    return sums
  }
}
