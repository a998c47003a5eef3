// SPDX-License-Identifier: Apache-2.0
import Files
import Masks

/// Runs training steps of a workload on a machine.
///
/// ```swift
/// let network = try ModelName.lenet5.network(
///   input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
/// let workload = Workload(
///   network.description(batch: 1), pruning: PruningConfiguration(sparsity: 0.5), seed: 1)
/// let step = try Simulator(.swpu).step(workload)
/// print(step.totals.cycles)
/// ```
public struct Simulator: Sendable {
  /// The machine.
  public let hardware: HardwareDescription
  /// What its events cost.
  public let energy: EnergyModel
  /// Level of detail.
  public let level: Level
  /// Steps from one update of masks to the next, over which a reordering is shared out.
  public let maskUpdateInterval: Int

  /// A simulator of a machine; baselines run at the fast level only.
  public init(
    _ hardware: HardwareDescription, table: EnergyTable = .standard, level: Level = .fast,
    maskUpdateInterval: Int = 100
  ) {
    self.hardware = hardware
    energy = EnergyModel(hardware, table: table)
    self.level = level
    self.maskUpdateInterval = maskUpdateInterval
  }

  /// One training step, or only some of its passes (then without the vector unit's work).
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer, `LevelError`.
  public func step(_ workload: Workload, passes: [Pass] = Pass.allCases) throws -> StepResult {
    var layers: [PassResult] = []
    var reorder = VectorRun()
    for layer in workload.layers {
      for pass in passes
      where pass != .inputGradient || layer.convolution.needsInputGradient {
        let work = LayerPass(
          layer: layer, pass: pass, images: workload.batch, hardware: hardware)
        layers.append(try result(work))
        // The forward and the weight-gradient pass share their order.
        if pass != .weightGradient, layer.granularity != .dense {
          reorder = reorder + VectorUnit(hardware).reordering(work.parts)
        }
      }
    }
    let isStep = passes.count == Pass.allCases.count
    return StepResult(
      workload: workload.name, batch: workload.batch, hardware: hardware, layers: layers,
      vector: isStep
        ? vectorWork(
          workload, reorder: reorder,
          storedWeights: layers.reduce(0) { $1.pass == .forward ? $0 + $1.storedWeights : $0 })
        : [])
  }

  /// One pass of one layer.
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for it, `LevelError`.
  public func pass(_ pass: Pass, of layer: Workload.Layer, images: Int) throws -> PassResult {
    try result(LayerPass(layer: layer, pass: pass, images: images, hardware: hardware))
  }

  private func result(_ work: LayerPass) throws -> PassResult {
    precondition(
      level == .fast || hardware.machine == .swpu, "baselines run at the fast level only")
    let (run, checksum) = try work.run(level)
    let plan = try MemoryPlan(
      work.layer.geometry, pass: work.pass, images: work.images, storedWeights: run.storedWeights,
      maskBits: run.maskBits, computeCycles: run.timing.cycles, hardware: hardware)
    return PassResult(
      layer: work.layer.name, pass: work.layerPass, run: run, plan: plan,
      energy: energy.energy(of: run.activity, cycles: plan.cycles, traffic: plan.traffic),
      valueChecksum: checksum, hardware: hardware)
  }

  private func vectorWork(_ workload: Workload, reorder: VectorRun, storedWeights: Int)
    -> [VectorResult]
  {
    let unit = VectorUnit(hardware)
    let images = workload.batch
    var forward = VectorRun()
    var backward = VectorRun()
    for layer in workload.vectorLayers {
      forward = forward + unit.forward(layer, images: images)
      backward = backward + unit.backward(layer, images: images)
    }
    let classes = workload.layers.last?.geometry.filters ?? 1
    return [
      VectorResult("vector forward", forward, energy),
      VectorResult("vector backward", backward, energy),
      VectorResult("loss", unit.loss(classes: classes, images: images), energy),
      VectorResult("optimiser", unit.optimiser(storedWeights: storedWeights), energy),
      VectorResult("reorder", reorder.amortised(over: maskUpdateInterval), energy),
    ]
  }
}
