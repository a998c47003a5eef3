// SPDX-License-Identifier: Apache-2.0
/// Sums over passes, vector work or steps.
public struct Totals: Codable, Sendable {
  /// Cycles, one after the other.
  public var cycles = 0
  /// Products of kept weights with values inside the map.
  public var effectualMACs = 0
  /// Products inside the map without pruning.
  public var denseMACs = 0
  /// Effectual MACs over cycles times multipliers.
  public var utilization = 0.0
  /// Seconds at the machine's clock.
  public var seconds = 0.0
  /// Picojoules by unit, and their total.
  public var energyPicojoules = EnergyBreakdown()
  /// Source lines read, and not read because no row of a group needs them.
  public var linesRead = 0
  /// Source lines that were not read because no row of a group needs them.
  public var linesSkipped = 0
  /// Bytes to and from the DRAM.
  public var dramBytes = 0

  /// Efficiency in TFLOPS/W: two operations per effectual MAC, over the energy.
  public var teraflopsPerWatt: Efficiency { Efficiency(self) }

  /// Nothing.
  public init() {}

  enum CodingKeys: String, CodingKey {
    case cycles, effectualMACs, denseMACs, utilization, seconds, energyPicojoules, linesRead
    case linesSkipped, dramBytes, teraflopsPerWatt
  }

  /// Writes the sums and the efficiency.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(cycles, forKey: .cycles)
    try values.encode(effectualMACs, forKey: .effectualMACs)
    try values.encode(denseMACs, forKey: .denseMACs)
    try values.encode(utilization, forKey: .utilization)
    try values.encode(seconds, forKey: .seconds)
    try values.encode(energyPicojoules, forKey: .energyPicojoules)
    try values.encode(linesRead, forKey: .linesRead)
    try values.encode(linesSkipped, forKey: .linesSkipped)
    try values.encode(dramBytes, forKey: .dramBytes)
    try values.encode(teraflopsPerWatt, forKey: .teraflopsPerWatt)
  }

  /// Reads the sums; the efficiency follows from them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    cycles = try values.decode(Int.self, forKey: .cycles)
    effectualMACs = try values.decode(Int.self, forKey: .effectualMACs)
    denseMACs = try values.decode(Int.self, forKey: .denseMACs)
    utilization = try values.decode(Double.self, forKey: .utilization)
    seconds = try values.decode(Double.self, forKey: .seconds)
    energyPicojoules = try values.decode(EnergyBreakdown.self, forKey: .energyPicojoules)
    linesRead = try values.decode(Int.self, forKey: .linesRead)
    linesSkipped = try values.decode(Int.self, forKey: .linesSkipped)
    dramBytes = try values.decode(Int.self, forKey: .dramBytes)
  }

  package mutating func add(_ pass: PassResult) {
    cycles += pass.cycles
    effectualMACs += pass.effectualMACs
    denseMACs += pass.denseMACs
    seconds += pass.seconds
    energyPicojoules = energyPicojoules + pass.energyPicojoules
    linesRead += pass.activity.linesRead
    linesSkipped += pass.activity.linesSkipped
    dramBytes += pass.traffic.total / 8
  }

  mutating func add(_ run: VectorResult) {
    cycles += run.cycles
    seconds += run.seconds
    energyPicojoules = energyPicojoules + run.energyPicojoules
    dramBytes += run.dramBytes
  }

  /// Adds `other`, `times` over.
  package mutating func add(_ other: Totals, times: Int) {
    cycles += other.cycles * times
    effectualMACs += other.effectualMACs * times
    denseMACs += other.denseMACs * times
    seconds += other.seconds * Double(times)
    for unit in EnergyUnit.allCases {
      energyPicojoules[unit] += other.energyPicojoules[unit] * Double(times)
    }
    linesRead += other.linesRead * times
    linesSkipped += other.linesSkipped * times
    dramBytes += other.dramBytes * times
  }
}

/// Operations over energy in TFLOPS/W, which is operations a picojoule: of effectual products or of
/// those of the dense layer, with the DRAM or without (published figures are mostly without).
public struct Efficiency: Codable, Sendable {
  /// Effectual operations over the chip's energy.
  public let effectualCore: Double
  /// Effectual operations over all energy.
  public let effectualWithDRAM: Double
  /// Dense operations over the chip's energy.
  public let denseEquivalentCore: Double
  /// Dense operations over all energy.
  public let denseEquivalentWithDRAM: Double

  init(_ totals: Totals) {
    func ratio(_ products: Int, _ picojoules: Double) -> Double {
      picojoules == 0 ? 0 : 2 * Double(products) / picojoules
    }
    let energy = totals.energyPicojoules
    effectualCore = ratio(totals.effectualMACs, energy.core)
    effectualWithDRAM = ratio(totals.effectualMACs, energy.total)
    denseEquivalentCore = ratio(totals.denseMACs, energy.core)
    denseEquivalentWithDRAM = ratio(totals.denseMACs, energy.total)
  }
}

/// Work of the vector unit in a training step.
public struct VectorResult: Codable, Sendable {
  /// What it is: `vector forward`, `vector backward`, or the layers that are passes of their own;
  /// `loss`, `optimiser`, `reorder`.
  public var name: String
  /// Cycles, transfers included.
  public var cycles: Int
  /// Seconds at the machine's clock.
  public var seconds: Double
  /// Picojoules by unit, and their total.
  public var energyPicojoules: EnergyBreakdown
  /// Bytes to and from the DRAM.
  public var dramBytes: Int

  init(
    _ name: String, cycles: Int, energy: EnergyBreakdown, dramBits: Int,
    _ hardware: HardwareDescription
  ) {
    self.name = name
    self.cycles = cycles
    seconds = Double(cycles) / hardware.supply.hertz
    energyPicojoules = energy
    dramBytes = dramBits / 8
  }

  /// Work of the vector or reorder unit.
  ///
  /// - Parameter exposedCycles: cycles that the step takes longer, where that is not all of them.
  init(_ name: String, _ run: VectorRun, exposedCycles: Int? = nil, _ model: EnergyModel) {
    self.init(
      name, cycles: exposedCycles ?? run.cycles,
      energy: model.energy(of: run, cycles: exposedCycles ?? run.cycles), dramBits: run.dramBits,
      model.hardware)
  }
}

/// A training step of a workload on a machine.
///
/// ```swift
/// let network = try ModelName.lenet5.network(
///   input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
/// let workload = Workload(
///   network.description(batch: 1), pruning: PruningConfiguration(sparsity: 0.5), seed: 1)
/// let result = try Simulator(.small).step(workload)
/// for layer in result.layers { print(layer.layer, layer.pass, layer.cycles, layer.utilization) }
/// print(result.totals.seconds, result.totals.energyPicojoules.total)
/// ```
public struct StepResult: Codable, Sendable {
  /// Name of the machine.
  public var machine: String
  /// Name of the network, and images of the step.
  public var network: String
  /// Images of the step.
  public var batch: Int
  /// The passes, layer by layer.
  public var layers: [PassResult]
  /// The vector unit's work.
  public var vector: [VectorResult]
  /// The fused operations, in order; empty where everything moves layer by layer.
  public var operations: [OperationResult]
  /// Sums of the layers, by pass.
  public var passes: [String: Totals]
  /// Sums of everything.
  public var totals: Totals

  init(
    workload: String, batch: Int, hardware: HardwareDescription, layers: [PassResult],
    vector: [VectorResult], operations: [OperationResult] = []
  ) {
    self.operations = operations
    machine = hardware.name
    network = workload
    self.batch = batch
    self.layers = layers
    self.vector = vector
    func finished(_ sum: Totals) -> Totals {
      var totals = sum
      totals.utilization = hardware.utilization(sum.effectualMACs, cycles: sum.cycles)
      return totals
    }
    var all = Totals()
    var byPass: [String: Totals] = [:]
    for layer in layers {
      all.add(layer)
      byPass[layer.pass.rawValue, default: Totals()].add(layer)
    }
    for run in vector { all.add(run) }
    passes = byPass.mapValues(finished)
    totals = finished(all)
  }
}
