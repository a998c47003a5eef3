// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Processor

/// A sweep over hardware parameters: each point a description, each result time, energy and area of a
/// training step, and the DRAM that it takes.
public struct Exploration: Sendable {
  /// A parameter and the values to try.
  public struct Axis: Sendable, Hashable {
    /// A key of the description, for example `array.rows`.
    public let key: String
    /// Its values, as YAML has them.
    public let values: [String]

    /// An axis.
    public init(key: String, values: [String]) {
      self.key = key
      self.values = values
    }
  }

  /// The result of one description.
  public struct Point: Codable, Sendable, Hashable {
    /// The values along the axes, in their order.
    public var values: [String]
    /// Multipliers.
    public var multipliers: Int
    /// Cycles of a training step.
    public var cycles: Int
    /// Seconds of a training step.
    public var seconds: Double
    /// Millijoules of a training step without the DRAM.
    public var coreMillijoules: Double
    /// Millijoules of a training step with the DRAM.
    public var millijoules: Double
    /// Area in mm².
    public var squareMillimetres: Double
    /// Devices of the DRAM, of 32 pins.
    public var dramDevices: Int
    /// Effectual products over cycles times multipliers.
    public var utilization: Double

    /// A point, as a file of results has it.
    public init(
      values: [String], multipliers: Int, cycles: Int, seconds: Double, coreMillijoules: Double,
      millijoules: Double, squareMillimetres: Double, dramDevices: Int, utilization: Double
    ) {
      self.values = values
      self.multipliers = multipliers
      self.cycles = cycles
      self.seconds = seconds
      self.coreMillijoules = coreMillijoules
      self.millijoules = millijoules
      self.squareMillimetres = squareMillimetres
      self.dramDevices = dramDevices
      self.utilization = utilization
    }

    /// Pareto-optimal: no other point is at least as good in all objectives, and better in one.
    public func isParetoOptimal(among points: [Point]) -> Bool {
      !points.contains { other in
        let (a, b) = (other.objectives, objectives)
        return zip(a, b).allSatisfy { $0 <= $1 } && zip(a, b).contains { $0 < $1 }
      }
    }

    private var objectives: [Double] {
      [seconds, millijoules, squareMillimetres, Double(dramDevices)]
    }

    /// What a sweep minimises, for titles.
    public static let objectiveNames = ["time", "energy with DRAM", "area", "DRAM devices"]
  }

  /// Where the sweep starts from: keys that no axis names keep their values.
  public let base: HardwareDescription
  /// The parameters.
  public let axes: [Axis]
  /// Constants of energy and area.
  public let table: EnergyTable

  /// A sweep.
  public init(base: HardwareDescription, axes: [Axis], table: EnergyTable = .standard) {
    self.base = base
    self.axes = axes
    self.table = table
  }

  /// Every combination of values, the last axis changing first.
  public var combinations: [[String]] {
    axes.reduce([[]]) { sofar, axis in
      sofar.flatMap { head in axis.values.map { head + [$0] } }
    }
  }

  /// The description of a combination.
  ///
  /// - Throws: `ConfigurationError` for a key or a value that is not allowed.
  public func description(_ values: [String]) throws(ConfigurationError) -> HardwareDescription {
    var description = base
    for (axis, value) in zip(axes, values) {
      description = try description.setting(axis.key, to: value)
    }
    return description
  }

  /// A training step on the description of a combination.
  ///
  /// - Throws: `ConfigurationError`, `MemoryPlanError`.
  public func run(_ values: [String], _ workload: Workload) throws -> Point {
    let hardware = try description(values)
    let simulator = Simulator(hardware, table: table)
    let totals = try simulator.step(workload).totals
    return Point(
      values: values, multipliers: hardware.array.multipliers, cycles: totals.cycles,
      seconds: totals.seconds, coreMillijoules: totals.energyPicojoules.core * 1e-9,
      millijoules: totals.energyPicojoules.total * 1e-9,
      squareMillimetres: simulator.energy.area.total, dramDevices: hardware.memory.dramDevices,
      utilization: totals.utilization)
  }
}
