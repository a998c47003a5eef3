// SPDX-License-Identifier: Apache-2.0

import Foundation
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct StepPlanTests {
  @Test("the pool is never fuller than it is, and a larger one never moves more")
  func residency() {
    for seed in 0..<60 as Range<UInt64> {
      let workload = RandomNetwork.workload(seed: seed)
      guard let graph = StepGraph(workload, isInference: false, fusesBackward: true) else {
        Issue.record("no graph")
        continue
      }
      let bits = graph.tensors.map { HardwareDescription.swpu.bits($0) }
      // Room for all tensors together, each also where one stay ends and the next begins.
      let whole = 2 * bits.reduce(0, +)
      for pool in [0, 1000, 20_000, whole] {
        let residency = Residency(graph.operations, bits: bits, poolBits: pool)
        // Tensors that stay from use to use, counted again at the end of each operation: one use fills room
        // that another empties.
        var held = [Int](repeating: 0, count: graph.operations.count)
        var uses: [Int: Int] = [:]
        for (number, operation) in graph.operations.enumerated() {
          for tensor in operation.reads + operation.writes {
            if let last = uses[tensor], let kept = residency.kept[number][tensor] {
              #expect(kept <= bits[tensor])
              for between in last..<number { held[between] += kept }
            }
            uses[tensor] = number
          }
        }
        #expect(held.allSatisfy { $0 <= pool }, "seed \(seed), pool \(pool)")
        let isEmpty = residency.kept.allSatisfy(\.isEmpty)
        #expect(pool > 0 || isEmpty)
        if pool == whole {
          // All that was written on the chip is found there.
          for (number, operation) in graph.operations.enumerated() {
            for tensor in operation.writes
            where graph.operations[(number + 1)...].contains(where: { $0.reads.contains(tensor) }) {
              #expect(residency.unwritten[number][tensor] == bits[tensor], "seed \(seed)")
            }
          }
        }
      }
    }
  }

  @Test("passes and vector work add up to the operations, in cycles, bits and picojoules")
  func sums() throws {
    for seed in 0..<25 as Range<UInt64> {
      let workload = RandomNetwork.workload(seed: seed)
      for hardware in [HardwareDescription.swpu, .baseline(.dense), .baseline(.unstructured)] {
        let step = try Simulator(hardware).step(workload)
        let others = step.vector.filter { ["loss", "optimiser", "reorder"].contains($0.name) }
        #expect(
          step.operations.reduce(0) { $0 + $1.cycles } + others.reduce(0) { $0 + $1.cycles }
            == step.totals.cycles, "seed \(seed)")
        let moved = step.operations.flatMap { $0.reads + $0.writes }.reduce(0) { $0 + $1.dramBits }
        let passes = step.layers.reduce(0) { $0 + $1.traffic.total }
        let vector = step.vector.filter { work in !others.contains { $0.name == work.name } }
        let rounded = vector.reduce(0) { $0 + $1.dramBytes * 8 }
        #expect((0..<8 * (vector.count + 1)).contains(moved - passes - rounded), "seed \(seed)")
        for operation in step.operations {
          #expect(
            operation.cycles
              == operation.arrayCycles + operation.dramStallCycles + operation.streamStallCycles
              + operation.fillCycles)
        }
        for layer in step.layers {
          let parts = CycleParts(layer, hardware: hardware).amounts
          #expect(
            parts.reduce(0) { $0 + $1.multiplierCycles }
              == layer.cycles * hardware.array.multipliers, "seed \(seed) \(layer.layer)")
        }
      }
    }
  }

  @Test("the cycle level takes the cycles of the fast level, streams included")
  func levels() throws {
    for seed in 0..<6 as Range<UInt64> {
      let workload = RandomNetwork.workload(seed: seed, batch: 2)
      let fast = try Simulator(.swpu).step(workload)
      let stepped = try Simulator(.swpu, level: .cycle).step(workload)
      #expect(fast.totals.cycles == stepped.totals.cycles, "seed \(seed)")
      for (a, b) in zip(fast.layers, stepped.layers) {
        #expect(a.timing == b.timing, "seed \(seed) \(a.layer) \(a.pass)")
      }
      for (a, b) in zip(fast.operations, stepped.operations) {
        #expect(a.cycles == b.cycles, "seed \(seed) \(a.name) \(a.kind)")
      }
      #expect(
        fast.totals.energyPicojoules.total == stepped.totals.energyPicojoules.total, "seed \(seed)")
    }
  }

  @Test("each key of schedule, stream and memory changes a step of every machine")
  func keys() throws {
    let workload = RandomNetwork.residualBlocks()
    for machine in HardwareDescription.Machine.allCases {
      let hardware =
        machine == .swpu ? HardwareDescription.swpu : .baseline(machine)
      let step = try Simulator(hardware).step(workload).totals
      for (key, value) in [
        ("schedule.fuse-backward", "false"), ("schedule.fuse-update", "false"),
        ("memory.compress-zeros", "false"), ("memory.pool-kibibytes", "1"),
        ("memory.stash-format", "fp8-e4m3"), ("memory.gradient-format", "fp8-e5m2"),
        ("memory.dram", "lpddr5"), ("stream.elements-per-cycle", "1"),
        ("techniques.hold-zero-lanes", "false"), ("techniques.mask-outputs", "false"),
      ] {
        // The bound has no memories and no lanes that could be held.
        if machine == .ideal, key.hasPrefix("techniques") { continue }
        let changed = try Simulator(try hardware.setting(key, to: value)).step(workload).totals
        #expect(
          changed.energyPicojoules.total != step.energyPicojoules.total
            || changed.cycles != step.cycles, "\(machine) \(key)")
      }
    }
  }

  @Test("larger memories never make squared cycles times bits of a backward operation more")
  func cuts() throws {
    var cut = 0
    for seed in 0..<40 as Range<UInt64> {
      let workload = RandomNetwork.workload(seed: seed, batch: 12)
      var hardware = HardwareDescription.swpu
      // What stays on the chip is not known when an operation is cut.
      hardware.memory.poolKibibytes = 0
      let whole = try Simulator(hardware).step(workload)
      let rate = DRAMRate(hardware)
      /// What is minimised, of the parts that depend on the cut and the operands.
      func cost(_ operation: OperationResult, _ index: Int) -> Double {
        func bits(_ operation: OperationResult, isWeights: Bool) -> Int {
          (operation.reads + operation.writes).filter { ($0.kind == "weights") == isWeights }
            .reduce(0) { $0 + $1.dramBits }
        }
        let layers = operation.name.components(separatedBy: " + ")
        let stored = whole.layers.filter { $0.pass == .forward && layers.contains($0.layer) }
          .reduce(0) { $0 + $1.storedWeights }
        let moved =
          bits(operation, isWeights: false) + stored * hardware.array.operands.bits
          + bits(operation, isWeights: true) - bits(whole.operations[index], isWeights: true)
        let cycles = Double(max(operation.arrayCycles, rate.cycles(bits: moved)))
        return cycles * cycles * Double(moved)
      }
      var larger = whole
      for kibibytes in [16, 8, 4, 3, 2, 1] {
        hardware.memory.activationKibibytes = kibibytes
        hardware.memory.outputKibibytes = kibibytes
        guard let smaller = try? Simulator(hardware).step(workload) else { break }
        for (index, operation) in smaller.operations.enumerated()
        where operation.kind == "backward" {
          let before = cost(larger.operations[index], index)
          #expect(cost(operation, index) >= before, "seed \(seed), \(kibibytes) KiB")
          if operation.blocks > larger.operations[index].blocks { cut += 1 }
        }
        larger = smaller
      }
    }
    #expect(cut > 50, "\(cut) operations are cut further")
  }

  @Test("adam has one more moment to read and write than momentum")
  func optimiser() throws {
    var workload = RandomNetwork.residualBlocks()
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    let sgd = try Simulator(.swpu).step(workload).totals.dramBytes
    workload.optimizer = .adamw
    let adam = try Simulator(.swpu).step(workload).totals.dramBytes
    #expect(abs(adam - sgd - 8 * kept) <= 4 * workload.layers.count)
  }

  @Test("inference writes no raw outputs and needs no update")
  func inference() throws {
    let result = try Simulator(.swpu).inference(RandomNetwork.residualBlocks())
    #expect(result.layers.allSatisfy { $0.pass == .forward })
    #expect(!result.vector.contains { ["loss", "optimiser", "reorder"].contains($0.name) })
    #expect(result.operations.flatMap(\.writes).allSatisfy { $0.kind == "activation" })
  }
}
