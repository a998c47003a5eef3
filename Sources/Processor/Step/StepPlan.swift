// SPDX-License-Identifier: Apache-2.0

import Masks

/// The operations of a step on a machine: traffic, blocks and time of each, with what the passes of its
/// layers took on the array.
struct StepPlan {
  /// A pass on the array, as an operation needs to know it.
  struct ArrayPass {
    var run: PassRun
    /// The plan of a forward pass on the memories; backward passes share their operation's blocks.
    var plan: MemoryPlan?
  }

  /// An operation with its cost.
  struct Planned {
    let operation: StepGraph.Operation
    var streams = OperationStreams()
    var timing = OperationTiming()
    /// Blocks of the activation side, and cycles that all but the first take more of the array.
    var activationBlocks = 1
    var restartCycles = 0
    /// Bits from and to the DRAM.
    var inputBits = 0
    var gradientBits = 0
    var otherBits = 0
    var writtenBits = 0
    /// Operands of the passes, and what an update reads besides.
    var weightReadBits = 0
    var updateReadBits = 0
    var weightWrittenBits = 0
    var maskBits = 0
    /// Bits that the pool took in and gave out.
    var poolBits = 0
    /// Values through the stream units.
    var loadedElements = 0
    var storedElements = 0
    var reads: [OperationResult.Transfer] = []
    var writes: [OperationResult.Transfer] = []

    var dramBits: Int {
      inputBits + gradientBits + otherBits + writtenBits + weightReadBits + updateReadBits
        + weightWrittenBits + maskBits
    }
  }

  let graph: StepGraph
  private(set) var operations: [Planned] = []

  /// - Parameter level: whether the streams run in closed form or a cycle at a time.
  /// - Throws: `MemoryPlanError` when the memories are too small for an operation.
  init(
    _ graph: StepGraph, workload: Workload, passes: [[Pass: ArrayPass]],
    hardware: HardwareDescription, level: Level, isInference: Bool
  ) throws(MemoryPlanError) {
    self.graph = graph
    let bits = graph.tensors.map { hardware.bits($0) }
    /// Weights that the machine stores of all layers of an operation.
    func storedWeights(_ operation: StepGraph.Operation) -> Int {
      Set(operation.passes.map(\.layer)).reduce(0) {
        $0
          + (passes[$1][operation.kind == .forward ? .forward : .weightGradient]?.run.storedWeights
            ?? 0)
      }
    }
    /// Bits of masks of an operation. Those of a layer serve both of its backward passes; lists do not.
    func maskBits(_ operation: StepGraph.Operation) -> Int {
      let runs = operation.passes.compactMap { passes[$0.layer][$0.pass]?.run }
      if operation.kind == .forward { return runs.reduce(0) { $0 + $1.maskBits } }
      let layers = Set(operation.passes.map(\.layer)).compactMap {
        passes[$0][.weightGradient]?.run
      }
      return layers.reduce(0) { $0 + $1.maskBits - $1.listBits }
        + runs.reduce(0) { $0 + $1.listBits }
    }
    let loans = graph.operations.map {
      hardware.loan(storedWeights: storedWeights($0), maskBits: maskBits($0))
    }
    var cuts: [Cut] = []
    for (operation, loan) in zip(graph.operations, loans) {
      cuts.append(
        try Cut(
          operation, workload: workload, passes: passes, bits: bits,
          storedWeights: storedWeights(operation), maskBits: maskBits(operation),
          hardware: hardware.lending(loan)))
    }
    let residency = Residency(
      graph.operations, bits: bits, poolBits: hardware.memory.poolKibibytes * 8 * 1024,
      reserved: loans.map(\.bits), rereads: cuts.map(\.rereads))
    let rate = DRAMRate(hardware)
    let optimiser = VectorUnit.Optimiser(workload.optimizer)
    for (number, operation) in graph.operations.enumerated() {
      var planned = Planned(operation: operation)
      let runs = operation.passes.compactMap { passes[$0.layer][$0.pass] }
      let arrayCycles = runs.reduce(0) { $0 + $1.run.timing.cycles }
      let cut = cuts[number]
      let (sourceReads, blocks) = (cut.sourceReads, cut.backward)
      switch operation.kind {
      case .vector: break
      case .forward:
        for pass in runs {
          guard let plan = pass.plan else { preconditionFailure("a forward pass has a plan") }
          planned.weightReadBits += plan.traffic.weightBits
          planned.maskBits += plan.traffic.maskBits
          planned.streams.blocks = max(planned.streams.blocks, plan.blocks)
          planned.restartCycles += pass.run.restart.cycles(blocks: plan.activationBlocks)
        }
      case .backward:
        let makesInputGradient = operation.passes.contains { $0.pass == .inputGradient }
        let makesWeightGradient = operation.passes.contains { $0.pass == .weightGradient }
        let stored = storedWeights(operation)
        planned.streams.blocks = blocks.activationBlocks * blocks.channelBlocks
        planned.activationBlocks = blocks.activationBlocks
        for pass in runs {
          planned.restartCycles += pass.run.restart.cycles(blocks: blocks.activationBlocks)
        }
        planned.maskBits = maskBits(operation)
        let operandBits = hardware.array.operands.bits
        if makesInputGradient { planned.weightReadBits += stored * operandBits }
        if makesWeightGradient {
          if hardware.schedule.fuseUpdate {
            planned.updateReadBits +=
              stored
              * optimiser.readBits(
                operandBits: operandBits, hasOperand: makesInputGradient)
            planned.weightWrittenBits += stored * optimiser.writtenBits(operandBits: operandBits)
          } else {
            planned.weightWrittenBits += stored * hardware.array.sumBits
          }
        }
        // Weight gradients that leave and come back.
        planned.updateReadBits += blocks.weightBits
      }

      planned.poolBits += min(
        loans[number].bits,
        storedWeights(operation) * hardware.array.operands.bits + maskBits(operation))

      func read(_ tensor: Int, _ whole: Int) -> Int {
        let kept = residency.kept[number][tensor] ?? 0
        // What is read again is read from the same place: a kept part costs nothing either time.
        let dram = bits[tensor] == 0 ? 0 : whole - whole / bits[tensor] * kept
        planned.poolBits += kept
        planned.reads.append(
          OperationResult.Transfer(
            tensor: graph.tensors[tensor].name, kind: graph.tensors[tensor].kind.rawValue,
            dramBits: dram, poolBits: whole - dram))
        return dram
      }
      for tensor in operation.gradients {
        let whole = blocks.read(bits[tensor], times: blocks.gradientReads)
        planned.gradientBits += read(tensor, whole)
        planned.loadedElements +=
          blocks.read(graph.tensors[tensor].elements, times: blocks.gradientReads)
      }
      for tensor in operation.inputs where !operation.gradients.contains(tensor) {
        let elements = graph.tensors[tensor].elements
        if operation.kind == .forward {
          let whole = bits[tensor].scaled(by: sourceReads)
          planned.inputBits += read(tensor, whole)
          planned.loadedElements += elements.scaled(by: sourceReads)
        } else {
          planned.inputBits += read(tensor, blocks.read(bits[tensor], times: 1))
          planned.loadedElements += blocks.read(elements, times: 1)
        }
      }
      for tensor in operation.reads
      where !operation.gradients.contains(tensor) && !operation.inputs.contains(tensor) {
        planned.otherBits += read(tensor, bits[tensor])
        planned.loadedElements += graph.tensors[tensor].elements
      }
      for tensor in operation.writes {
        let spared = residency.unwritten[number][tensor] ?? 0
        planned.writtenBits += bits[tensor] - spared
        planned.storedElements += graph.tensors[tensor].elements
        planned.writes.append(
          OperationResult.Transfer(
            tensor: graph.tensors[tensor].name, kind: graph.tensors[tensor].kind.rawValue,
            dramBits: bits[tensor] - spared, poolBits: spared))
      }
      for (name, moved) in [
        ("weights", planned.weightReadBits + planned.updateReadBits), ("masks", planned.maskBits),
      ]
      where moved > 0 {
        planned.reads.append(
          OperationResult.Transfer(tensor: name, kind: name, dramBits: moved, poolBits: 0))
      }
      if planned.weightWrittenBits > 0 {
        planned.writes.append(
          OperationResult.Transfer(
            tensor: "weights", kind: "weights", dramBits: planned.weightWrittenBits, poolBits: 0))
      }

      planned.streams.computeCycles = arrayCycles + planned.restartCycles
      if operation.kind == .vector {
        // Without the array, a chain of as many blocks as half of the output memory holds.
        planned.streams.blocks = max(
          1,
          ceilingDivision(
            (planned.loadedElements + planned.storedElements) * hardware.array.operands.bits,
            hardware.memory.outputKibibytes * 4 * 1024))
      }
      planned.streams.loadBits =
        planned.inputBits + planned.gradientBits + planned.otherBits + planned.weightReadBits
        + planned.updateReadBits + planned.maskBits
      planned.streams.storeBits = planned.writtenBits + planned.weightWrittenBits
      let perCycle = hardware.stream.elementsPerCycle
      planned.streams.loadWords = ceilingDivision(planned.loadedElements, perCycle)
      planned.streams.storeWords = ceilingDivision(planned.storedElements, perCycle)
      planned.timing =
        level == .cycle
        ? SteppedOperation.run(planned.streams, rate) : planned.streams.timing(rate)
      operations.append(planned)
    }
  }
}

extension StepPlan {
  /// How an operation is cut.
  fileprivate struct Cut {
    /// How often a forward operation reads its source.
    var sourceReads = (times: 1, of: 1)
    /// The blocks of a backward operation.
    var backward = BackwardBlocks()
    /// Tensors that it reads more than once.
    var rereads: Set<Int> = []

    init(
      _ operation: StepGraph.Operation, workload: Workload, passes: [[Pass: ArrayPass]],
      bits: [Int], storedWeights: Int, maskBits: Int, hardware: HardwareDescription
    ) throws(MemoryPlanError) {
      switch operation.kind {
      case .vector: break
      case .forward:
        for pass in operation.passes {
          guard let plan = passes[pass.layer][pass.pass]?.plan else { continue }
          let (moved, once) = (plan.traffic.sourceBits, max(1, plan.compulsory.sourceBits))
          if moved * sourceReads.of > sourceReads.times * once { sourceReads = (moved, once) }
        }
        // Less is the border of a band.
        if sourceReads.times >= 2 * sourceReads.of { rereads = Set(operation.inputs) }
      case .backward:
        let layers = Set(operation.passes.map(\.layer)).sorted()
        backward = try BackwardBlocks.best(
          layers.map { workload.layers[$0].geometry }, storedWeights: storedWeights,
          images: workload.batch,
          gradientBits: operation.gradients.reduce(0) { $0 + bits[$1] },
          inputBits: operation.inputs.reduce(0) { $0 + bits[$1] }, maskBits: maskBits,
          makesInputGradient: operation.passes.contains { $0.pass == .inputGradient },
          hardware: hardware,
          cost: Self.cost(
            operation, passes: passes, bits: bits, storedWeights: storedWeights,
            maskBits: maskBits, hardware: hardware))
        if backward.gradientReads > 1 { rereads = Set(operation.gradients) }
      }
    }

    /// What a cut of a backward operation costs, as far as one can say before it is known what stays on the
    /// chip: the square of its time, of the array with all restarts or of the DRAM, times the bits that
    /// move. The DRAM takes about half of a step's energy, so that energy times time is least where this is.
    private static func cost(
      _ operation: StepGraph.Operation, passes: [[Pass: ArrayPass]], bits: [Int],
      storedWeights: Int, maskBits: Int, hardware: HardwareDescription
    ) -> (Int, Int) -> Double {
      let runs = operation.passes.compactMap { passes[$0.layer][$0.pass]?.run }
      let others =
        operation.reads.filter {
          !operation.gradients.contains($0) && !operation.inputs.contains($0)
        } + operation.writes
      let fixed =
        others.reduce(maskBits) { $0 + bits[$1] } + storedWeights * hardware.array.operands.bits
      let rate = DRAMRate(hardware)
      var known: [Int: Int] = [:]
      return { blocks, moved in
        let array =
          known[blocks]
          ?? runs.reduce(0) { $0 + $1.timing.cycles + $1.restart.cycles(blocks: blocks) }
        known[blocks] = array
        let cycles = Double(max(array, rate.cycles(bits: fixed + moved)))
        return cycles * cycles * Double(fixed + moved)
      }
    }
  }
}

extension Int {
  /// The number times a fraction, rounded down, at full width.
  fileprivate func scaled(by fraction: (times: Int, of: Int)) -> Int {
    let product = UInt(self).multipliedFullWidth(by: UInt(fraction.times))
    return Int(UInt(fraction.of).dividingFullWidth(product).quotient)
  }
}
