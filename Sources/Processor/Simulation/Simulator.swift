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
  /// The energy of its events.
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

  /// One training step, or only some of its passes (then each by itself, through the DRAM, and
  /// without the vector unit's work).
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer, `WorkloadSizeError`,
  ///   `LevelError`.
  public func step(_ workload: Workload, passes: [Pass] = Pass.allCases) throws -> StepResult {
    if passes.count == Pass.allCases.count { return try run(workload, isInference: false) }
    var layers: [PassResult] = []
    for layer in workload.layers {
      for pass in passes
      where pass != .inputGradient || layer.convolution.needsInputGradient {
        layers.append(try self.pass(pass, of: layer, images: workload.batch))
      }
    }
    return StepResult(
      workload: workload.name, batch: workload.batch, hardware: hardware, layers: layers,
      vector: [])
  }

  /// A forward pass of trained weights with everything that it needs: statistics are known, and
  /// nothing is kept for a way back.
  ///
  /// - Throws: As `step`.
  public func inference(_ workload: Workload) throws -> StepResult {
    try run(workload, isInference: true)
  }

  /// One pass of one layer by itself, its operands and results in the DRAM.
  ///
  /// - Throws: As `step`.
  public func pass(_ pass: Pass, of layer: Workload.Layer, images: Int) throws -> PassResult {
    try WorkloadSize.check(layer, images: images, array: hardware.array)
    return try result(arrayRun(work(layer, pass, images: images)))
  }

  // MARK: Passes

  private func work(_ layer: Workload.Layer, _ pass: Pass, images: Int) -> LayerPass {
    LayerPass(
      layer: layer, pass: pass, images: images, hardware: hardware,
      maskUpdateInterval: maskUpdateInterval)
  }

  /// A pass on the array.
  struct ArrayRun {
    let work: LayerPass
    let run: PassRun
    let checksum: UInt64?
  }

  private func arrayRun(_ work: LayerPass) throws(LevelError) -> ArrayRun {
    precondition(
      level == .fast || hardware.machine == .swpu, "baselines run at the fast level only")
    let (run, checksum) = try work.run(level)
    return ArrayRun(work: work, run: run, checksum: checksum)
  }

  private func plan(_ pass: ArrayRun, on hardware: HardwareDescription)
    throws(MemoryPlanError) -> MemoryPlan
  {
    try MemoryPlan(
      pass.work.layer.geometry, pass: pass.work.pass, images: pass.work.images,
      storedWeights: pass.run.storedWeights, maskBits: pass.run.maskBits,
      computeCycles: pass.run.timing.cycles, restart: pass.run.restart,
      hardware: hardware)
  }

  /// A pass by itself.
  private func result(_ pass: ArrayRun) throws(MemoryPlanError) -> PassResult {
    let plan = try plan(pass, on: hardware)
    var run = pass.run
    run.timing.addRestarts(plan.computeBound - run.timing.cycles, array: hardware.array)
    if pass.work.pass == .weightGradient {
      run.activity.repeatResults(blocks: plan.activationBlocks)
    }
    return PassResult(
      layer: pass.work.layer.name, pass: pass.work.layerPass, run: run,
      waits: PassResult.Waits(dram: plan.dramWait, fill: plan.fill), traffic: plan.traffic,
      energy: energy.energy(
        of: run.activity, cycles: plan.cycles, traffic: plan.traffic, pass: pass.work.pass),
      valueChecksum: pass.checksum, hardware: hardware)
  }

  // MARK: Steps

  private func run(_ workload: Workload, isInference: Bool) throws -> StepResult {
    let unit = VectorUnit(hardware)
    var runs: [[Pass: ArrayRun]] = []
    var reorder = VectorRun()
    for layer in workload.layers {
      try WorkloadSize.check(layer, images: workload.batch, array: hardware.array)
      var passes: [Pass: ArrayRun] = [:]
      for pass in isInference ? [Pass.forward] : Pass.allCases
      where pass != .inputGradient || layer.convolution.needsInputGradient {
        let run = try arrayRun(work(layer, pass, images: workload.batch))
        passes[pass] = run
        // The forward and the weight-gradient pass share their order.
        if pass != .weightGradient, layer.granularity != .dense {
          reorder = reorder + unit.reordering(run.work.parts, order: run.work.hardware)
        }
      }
      runs.append(passes)
    }
    let storedWeights = runs.reduce(0) { $0 + ($1[.forward]?.run.storedWeights ?? 0) }
    var layers: [PassResult] = []
    var vector: [VectorResult] = []
    var operations: [OperationResult] = []
    if hardware.schedule.fuseNormalisation,
      let graph = StepGraph(
        workload, isInference: isInference, fusesBackward: hardware.schedule.fuseBackward)
    {
      var passes: [[Pass: StepPlan.ArrayPass]] = []
      for layer in runs {
        var known: [Pass: StepPlan.ArrayPass] = [:]
        for (pass, run) in layer {
          known[pass] = StepPlan.ArrayPass(
            run: run.run,
            plan: pass == .forward
              ? try plan(
                run,
                on: hardware.lending(
                  hardware.loan(
                    storedWeights: run.run.storedWeights, maskBits: run.run.maskBits))) : nil)
        }
        passes.append(known)
      }
      let plan = try StepPlan(
        graph, workload: workload, passes: passes, hardware: hardware, level: level,
        isInference: isInference)
      let results = OperationAttribution(
        plan, workload: workload, runs: runs, energy: energy)
      (layers, vector, operations) = (results.passes, results.vector, results.operations)
    } else {
      for layer in runs {
        for pass in Pass.allCases {
          if let run = layer[pass] { layers.append(try result(run)) }
        }
      }
      vector = layerByLayer(workload, isInference: isInference)
    }
    if !isInference {
      let classes = workload.layers.last?.geometry.filters ?? 1
      vector.append(
        VectorResult("loss", unit.loss(classes: classes, images: workload.batch), energy))
      if operations.isEmpty || !hardware.schedule.fuseUpdate {
        vector.append(
          VectorResult(
            "optimiser", unit.optimiser(storedWeights: storedWeights, workload.optimizer), energy))
      }
      // The unit works in parallel with a step. Any grouping of rows is correct, so steps use the old one
      // until the new one is ready; lists must have the new lines immediately.
      let cycles =
        layers.reduce(0) { $0 + $1.cycles } + vector.reduce(0) { $0 + $1.cycles }
      let exposed = max(0, reorder.reorderLines - cycles)
      vector.append(
        VectorResult(
          "reorder", reorder.amortised(over: maskUpdateInterval),
          exposedCycles: ceilingDivision(exposed, maskUpdateInterval), energy))
    }
    return StepResult(
      workload: workload.name, batch: workload.batch, hardware: hardware, layers: layers,
      vector: vector, operations: operations)
  }

  /// What the vector unit does in passes of its own.
  private func layerByLayer(_ workload: Workload, isInference: Bool) -> [VectorResult] {
    let unit = VectorUnit(hardware)
    var forward = VectorRun()
    var backward = VectorRun()
    for layer in workload.vectorLayers {
      forward = forward + unit.forward(layer, images: workload.batch)
      backward = backward + unit.backward(layer, images: workload.batch)
    }
    let results = [VectorResult("vector forward", forward, energy)]
    return isInference ? results : results + [VectorResult("vector backward", backward, energy)]
  }
}
