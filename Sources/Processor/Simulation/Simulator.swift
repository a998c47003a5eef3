import Sparsity

/// Runs training steps of a workload on a machine.
public struct Simulator: Sendable {
  /// The machine.
  public let hardware: HardwareDescription
  /// What its events cost.
  public let energy: EnergyModel
  /// Level of detail.
  public let level: Level
  /// Steps from one update of masks to the next, over which a reordering is shared out.
  public let maskUpdateInterval: Int

  /// How a pass is run. All give the same cycles and counts.
  public enum Level: String, Codable, Sendable, CaseIterable {
    /// The timing recurrence, jumping over what repeats.
    case fast
    /// The units' state machines, a cycle at a time.
    case cycle
    /// Drawn values through the units, checked against a plain reference.
    case value
  }

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
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer.
  public func step(_ workload: Workload, passes: [Pass] = Pass.allCases)
    throws(MemoryPlanError) -> StepResult
  {
    var layers: [PassResult] = []
    for layer in workload.layers {
      for pass in passes
      where pass != .inputGradient || layer.convolution.needsInputGradient {
        layers.append(try self.pass(pass, of: layer, images: workload.batch))
      }
    }
    let isStep = passes.count == Pass.allCases.count
    return StepResult(
      workload: workload.name, batch: workload.batch, hardware: hardware, layers: layers,
      vector: isStep ? vectorWork(workload) : [])
  }

  /// One pass of one layer.
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for it.
  public func pass(_ pass: Pass, of layer: Workload.Layer, images: Int)
    throws(MemoryPlanError) -> PassResult
  {
    let run =
      level == .fast
      ? MachineModel.run(layer: layer, pass: pass, images: images, hardware: hardware)
      : MachineModel.run(
        layer: layer, pass: pass, images: images, hardware: hardware, level: level)
    let plan = try MemoryPlan(
      layer.geometry, pass: pass, images: images, storedWeights: run.storedWeights,
      maskBits: run.maskBits, computeCycles: run.timing.cycles, hardware: hardware)
    return PassResult(
      layer: layer.name, pass: pass, run: run, plan: plan,
      energy: energy.energy(of: run.activity, cycles: plan.cycles, traffic: plan.traffic),
      hardware: hardware)
  }

  private func vectorWork(_ workload: Workload) -> [VectorResult] {
    let unit = VectorUnit(hardware)
    let images = workload.batch
    var forward = VectorRun()
    var backward = VectorRun()
    for layer in workload.vectorLayers {
      forward = forward + unit.forward(layer, images: images)
      backward = backward + unit.backward(layer, images: images)
    }
    var reorder = VectorRun()
    var storedWeights = 0
    for layer in workload.layers {
      storedWeights += MachineModel.storedWeights(of: layer, hardware: hardware)
      if layer.granularity == .dense { continue }
      // The forward and the weight-gradient pass share their order.
      for pass in [Pass.forward, .inputGradient]
      where pass == .forward || layer.convolution.needsInputGradient {
        let parts = LoweredPart.lower(layer.geometry, mask: layer.mask, pass: pass)
        reorder = reorder + unit.reordering(parts)
      }
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
