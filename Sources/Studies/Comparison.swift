// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor

/// A comparison of machines on one training step: SWPU, its ablations, and the baselines.
public struct Comparison: Codable, Sendable {
  /// A machine with the time and energy of a step.
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
    /// The step in three scopes.
    public var scopes: Scopes
  }

  /// A step as far as the array goes, as the chip goes, and with the DRAM, so that figures can be
  /// compared with others of the same scope.
  public struct Scopes: Codable, Sendable {
    /// Cycles of the array alone.
    public var arrayCycles: Int
    /// Cycles of a step without the stalls on the DRAM.
    public var coreCycles: Int
    /// All cycles.
    public var cycles: Int
    /// Picojoules of multipliers, network, window buffers, control and clock.
    public var arrayPicojoules: Double
    /// Picojoules of the chip, memories and leakage included.
    public var corePicojoules: Double
    /// All picojoules.
    public var picojoules: Double
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
    table: EnergyTable = .standard, maskUpdateInterval: Int = 100, isInference: Bool = false
  ) throws {
    let simulator = Simulator(hardware, table: table, maskUpdateInterval: maskUpdateInterval)
    let result = isInference ? try simulator.inference(workload) : try simulator.step(workload)
    machines.append(
      Machine(
        name: hardware.name, masks: masks, totals: result.totals, passes: result.passes,
        squareMillimetres: simulator.energy.area.total, scopes: Scopes(result)))
  }

  /// SWPU as described, with T1, T2 and T3 switched off one at a time, and every baseline of the same
  /// size.
  public static func machines(_ hardware: HardwareDescription) -> [HardwareDescription] {
    [hardware] + HardwareDescription.ablations(of: hardware)
      + HardwareDescription.Machine.baselines.map {
        HardwareDescription.baseline($0, like: hardware)
      } + [.unstructuredWithoutDetection(like: hardware)]
  }

  /// The name, in `masks`, of a machine that trains the unpruned network.
  public static let unpruned = "unpruned"

  /// Adds the machines that train the same network unpruned: those that have no use for pruning.
  ///
  /// - Throws: As `add`.
  public mutating func addUnpruned(
    like hardware: HardwareDescription, _ workload: Workload, table: EnergyTable = .standard
  ) throws {
    var whole = workload
    for index in whole.layers.indices {
      whole.layers[index].mask = LayerMask(dense: whole.layers[index].mask.shape)
      whole.layers[index].granularity = .dense
    }
    for machine in [HardwareDescription.Machine.dense, .activationOnly] {
      try add(.baseline(machine, like: hardware), whole, masks: Self.unpruned, table: table)
    }
  }
}

extension Comparison.Scopes {
  /// The scopes of a step.
  public init(_ step: StepResult) {
    arrayCycles = step.layers.reduce(0) { $0 + $1.arrayCycles }
    coreCycles = step.layers.reduce(0) { $0 + $1.arrayCycles + $1.streamWaitCycles }
    cycles = step.totals.cycles
    let energy = step.totals.energyPicojoules
    arrayPicojoules = [EnergyUnit.multiply, .network, .windowBuffer, .control, .clock].reduce(0) {
      $0 + energy[$1]
    }
    corePicojoules = energy.core
    picojoules = energy.total
  }
}
