// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor

/// Machines side by side on one training step: SWPU, its ablations, and the baselines.
public struct Comparison: Codable, Sendable {
  /// A machine and what a step costs on it.
  public struct Machine: Codable, Sendable {
    /// Its name.
    public var name: String
    /// Whose masks it ran: `same`, or the run that its own pruning gave.
    public var masks: String
    /// A training step.
    public var totals: Totals
    /// Sums of the layers, by pass.
    public var passes: [String: Totals]
    /// Area in mm².
    public var squareMillimetres: Double
  }

  /// The machines; the first is the one that the others are compared with.
  public var machines: [Machine] = []

  /// No machine yet.
  public init() {}

  /// Runs a step on a machine and appends it.
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer.
  public mutating func add(
    _ hardware: HardwareDescription, _ workload: Workload, masks: String = "same",
    table: EnergyTable = .standard, maskUpdateInterval: Int = 100
  ) throws {
    let simulator = Simulator(hardware, table: table, maskUpdateInterval: maskUpdateInterval)
    let result = try simulator.step(workload)
    machines.append(
      Machine(
        name: hardware.name, masks: masks, totals: result.totals, passes: result.passes,
        squareMillimetres: simulator.energy.area.total))
  }

  /// SWPU as described, with T1, T2 and T3 switched off one at a time, and every baseline of the same
  /// size.
  public static func machines(_ hardware: HardwareDescription) -> [HardwareDescription] {
    [hardware] + HardwareDescription.ablations(of: hardware)
      + HardwareDescription.Machine.allCases.filter { $0 != .swpu }.map {
        HardwareDescription.baseline($0, like: hardware)
      }
  }
}
