// SPDX-License-Identifier: Apache-2.0

import Masks

/// The operations of a step as results of passes and of the vector unit: what the passes of an operation
/// share is divided among them so that all parts add up to the whole.
struct OperationAttribution {
  private(set) var passes: [PassResult] = []
  private(set) var vector: [VectorResult] = []
  private(set) var operations: [OperationResult] = []

  private let hardware: HardwareDescription
  private let energy: EnergyModel

  init(
    _ plan: StepPlan, workload: Workload, runs: [[Pass: Simulator.ArrayRun]], energy: EnergyModel
  ) {
    hardware = energy.hardware
    self.energy = energy
    let optimiser = VectorUnit.Optimiser(workload.optimizer)
    var found: [[Pass: PassResult]] = workload.layers.map { _ in [:] }
    for planned in plan.operations {
      let operation = planned.operation
      let timing = planned.timing
      operations.append(
        OperationResult(
          name: operation.name, kind: operation.kind.rawValue, cycles: timing.cycles,
          arrayCycles: timing.compute, dramStallCycles: timing.dramStall,
          streamStallCycles: timing.streamStall, fillCycles: timing.fill,
          blocks: planned.streams.blocks,
          streamedElements: planned.loadedElements + planned.storedElements,
          reads: planned.reads, writes: planned.writes))
      if operation.passes.isEmpty {
        var energy =
          energy.streaming(
            operations: StreamOperations.count(planned), poolBits: planned.poolBits)
          + energy.idle(cycles: timing.cycles)
        energy[.dram] = self.energy.dram(bits: planned.dramBits)
        vector.append(
          VectorResult(
            operation.name, cycles: timing.cycles, energy: energy, dramBits: planned.dramBits,
            hardware))
        continue
      }
      for (layer, pass, result) in divide(
        planned, runs: operation.passes.compactMap { runs[$0.layer][$0.pass] },
        optimiser: optimiser, workload: workload)
      {
        found[layer][pass] = result
      }
    }
    for layer in found {
      for pass in Pass.allCases {
        if let result = layer[pass] { passes.append(result) }
      }
    }
  }

  /// The passes of an operation with their fractions of its cost: in proportion to their cycles on the
  /// array, and for what only some kinds of passes need, among those.
  private func divide(
    _ planned: StepPlan.Planned, runs: [Simulator.ArrayRun], optimiser: VectorUnit.Optimiser,
    workload: Workload
  ) -> [(layer: Int, pass: Pass, result: PassResult)] {
    let operation = planned.operation
    let all = runs.indices.map { _ in true }
    let isInputGradient = runs.map { $0.work.pass == .inputGradient }
    let isWeightGradient = runs.map { $0.work.pass == .weightGradient }
    let makesInputGradient = isInputGradient.contains(true)
    /// Parts of an amount among the passes of a kind.
    func shares(_ whole: Int, _ among: [Bool]) -> [Int] {
      let weights = zip(runs, among).map { $1 ? $0.run.timing.cycles + 1 : 0 }
      let sum = max(1, weights.reduce(0, +))
      var done = 0
      var given = 0
      return weights.map { weight in
        done += weight
        let upTo = Int(
          UInt(sum).dividingFullWidth(UInt(whole).multipliedFullWidth(by: UInt(done))).quotient)
        defer { given = upTo }
        return upTo - given
      }
    }
    // The gradient's side and what leaves belong to the input gradient, where there is one.
    let gradientSide =
      operation.kind == .forward ? all : makesInputGradient ? isInputGradient : isWeightGradient
    let inputSide = isWeightGradient.contains(true) ? isWeightGradient : all
    let timing = planned.timing
    let restart = shares(planned.restartCycles, all)
    let (dram, stream, fill) = (
      shares(timing.dramStall, all), shares(timing.streamStall, all), shares(timing.fill, all)
    )
    let inputs = shares(planned.inputBits, inputSide)
    let gradients = shares(planned.gradientBits, gradientSide)
    let others = shares(planned.otherBits, gradientSide)
    let written = shares(planned.writtenBits, gradientSide)
    let weights = shares(planned.weightReadBits, gradientSide)
    let update = shares(planned.updateReadBits, inputSide)
    let weightResults = shares(planned.weightWrittenBits, inputSide)
    let masks = shares(planned.maskBits, all)
    let operations = shares(StreamOperations.count(planned), all)
    let pool = shares(planned.poolBits, all)

    return runs.indices.map { index in
      var run = runs[index].run
      let work = runs[index].work
      run.timing.addRestarts(restart[index], array: hardware.array)
      if work.pass == .weightGradient {
        run.activity.repeatResults(blocks: planned.activationBlocks)
      }
      var traffic = MemoryTraffic()
      traffic.sourceBits = inputs[index] + others[index]
      traffic.gradientBits = gradients[index]
      traffic.weightBits = weights[index] + update[index]
      traffic.maskBits = masks[index]
      traffic.resultBits = written[index] + weightResults[index]
      // Streams write operands of the array's format into the memories.
      var fills = traffic
      let operandBits = hardware.array.operands.bits
      let (input, output) = (
        work.layer.geometry.input.count * work.images * operandBits,
        work.layer.geometry.output.count * work.images * operandBits
      )
      switch work.pass {
      case .forward: (fills.sourceBits, fills.gradientBits) = (input, 0)
      case .inputGradient: (fills.sourceBits, fills.gradientBits) = (output, 0)
      case .weightGradient:
        (fills.sourceBits, fills.gradientBits) = (input, makesInputGradient ? 0 : output)
      }
      let waits = PassResult.Waits(dram: dram[index], stream: stream[index], fill: fill[index])
      let cycles = run.timing.cycles + waits.dram + waits.stream + waits.fill
      var updates = 0
      if work.pass == .weightGradient, hardware.schedule.fuseUpdate {
        updates = optimiser.operations * run.storedWeights
      }
      let used =
        energy.energy(
          of: run.activity, cycles: cycles, traffic: traffic, fills: fills, pass: work.pass)
        + energy.streaming(operations: operations[index] + updates, poolBits: pool[index])
      let result = PassResult(
        layer: work.layer.name, pass: work.pass, run: run, waits: waits, traffic: traffic,
        energy: used, valueChecksum: runs[index].checksum, hardware: hardware)
      return (operation.passes[index].layer, operation.passes[index].pass, result)
    }
  }
}

/// FP32 operations of the stream units: a multiply-add and a comparison for each value on the way in;
/// on the way out a difference from last step's mean, a multiply-add of its square, and a sum.
enum StreamOperations {
  static func count(_ planned: StepPlan.Planned) -> Int {
    3 * planned.loadedElements + 4 * planned.storedElements
  }
}
