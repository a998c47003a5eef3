// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct MachineModelTests {
  /// Operands that are never zero, and some that are.
  private static let sparsities = [(0.0, 0.0), (0.4, 0.7)]

  private func isWeightSkipping(_ machine: HardwareDescription.Machine) -> Bool {
    machine != .activationOnly && machine != .lookahead && machine != .twoSided
  }

  @Test("no machine makes fewer products, or takes fewer cycles, than are needed")
  func bounds() {
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      for (input, gradient) in Self.sparsities {
        let layer = random.layer(inputSparsity: input, gradientSparsity: gradient)
        for pass in Pass.allCases {
          for machine in HardwareDescription.Machine.allCases {
            let run = random.run(machine, layer, pass)
            // Machines that skip zero operands make only products of the others.
            let share: Double =
              switch (isWeightSkipping(machine), pass) {
              case (true, _): 1
              case (false, .forward): 1 - input
              case (false, .inputGradient): 1 - gradient
              case (false, .weightGradient): 1 - max(input, gradient)
              }
            let least = Double(run.activity.effectualMACs) * share
            let comment: Comment = "\(machine) \(pass) seed \(seed) zeros \(input) \(gradient)"
            #expect(Double(run.activity.executedMACs) >= least, comment)
            let multipliers = Double(random.hardware.array.multipliers)
            #expect(Double(run.timing.cycles) >= (least / multipliers).rounded(.down), comment)
            let ports = random.hardware.memory.portsPerCore * random.hardware.array.cores
            #expect(run.timing.cycles * ports >= run.activity.sourceAccesses, comment)
            #expect(run.activity.effectualMACs <= run.activity.denseMACs, comment)
            #expect((0...1).contains(run.activity.zeroShare), comment)
            #expect(run.storedWeights >= random.mask.keptElements, comment)
          }
        }
      }
    }
  }

  @Test("row-cycles of every machine are all accounted for")
  func accounts() {
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let array = random.hardware.array
      let layer = random.layer(inputSparsity: 0.5, gradientSparsity: 0.3)
      for pass in Pass.allCases {
        for machine in HardwareDescription.Machine.allCases {
          let timing = random.run(machine, layer, pass).timing
          let parts =
            timing.issue + timing.drain + timing.loading + timing.imbalance + timing.unusedRows
            + timing.fill + timing.coreImbalance
          let comment: Comment = "\(machine) \(pass) seed \(seed)"
          #expect(parts == timing.cycles * array.cores * array.rows, comment)
          #expect(min(timing.loading, timing.imbalance, timing.coreImbalance) >= 0, comment)
          #expect(timing.coreCycles.count == array.cores, comment)
          #expect(timing.coreCycles.max() == timing.cycles, comment)
        }
      }
    }
  }

  @Test("without pruning no machine is slower than the dense one, and all count the same work")
  func denseMask() {
    for seed in 0..<25 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      random.mask = LayerMask(dense: random.mask.shape)
      for (input, gradient) in Self.sparsities {
        let layer = random.layer(inputSparsity: input, gradientSparsity: gradient)
        let products = random.run(.dense, layer, .forward).activity.denseMACs
        for pass in Pass.allCases {
          let dense = random.run(.dense, layer, pass).timing.cycles
          for machine in HardwareDescription.Machine.allCases {
            let run = random.run(machine, layer, pass)
            let comment: Comment = "\(machine) \(pass) seed \(seed) zeros \(input) \(gradient)"
            #expect(run.timing.cycles <= dense, comment)
            #expect(run.activity.effectualMACs == products, comment)
            #expect(run.activity.denseMACs == products, comment)
            if isWeightSkipping(machine) || input == 0 {
              let ideal = random.run(.ideal, layer, pass).timing.cycles
              #expect(run.timing.cycles >= ideal, comment)
            }
          }
        }
      }
    }
  }

  @Test("one ideal multiplier takes exactly the effectual products")
  func idealMultiplier() {
    for seed in 0..<25 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      random.hardware.array.cores = 1
      random.hardware.array.rows = 1
      random.hardware.array.lanes = 1
      random.hardware.array.slots = 1
      for pass in Pass.allCases {
        let run = random.run(.ideal, random.layer(), pass)
        let expected = random.products
        #expect(run.timing.cycles == expected, "\(pass) seed \(seed)")
        #expect(run.activity.executedMACs == expected, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("the ideal machine's cycles are the effectual products over the multipliers, rounded up")
  func idealCycles() {
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let multipliers = random.hardware.array.multipliers
      for pass in Pass.allCases {
        let run = random.run(.ideal, random.layer(), pass)
        let expected = (random.products + multipliers - 1) / multipliers
        #expect(run.timing.cycles == expected, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("the fraction of products with a zero operand is that of independent zeros")
  func zeroShare() {
    let (input, gradient) = (0.4, 0.7)
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let layer = random.layer(inputSparsity: input, gradientSparsity: gradient)
      for pass in Pass.allCases {
        // Both operands of a kept weight are nonzero in this fraction of its products.
        let nonzero =
          switch pass {
          case .forward: 1 - input
          case .inputGradient: 1 - gradient
          case .weightGradient: (1 - input) * (1 - gradient)
          }
        let ideal = random.run(.ideal, layer, pass).activity
        if ideal.executedMACs > 0 {
          #expect(abs(ideal.zeroShare - (1 - nonzero)) < 1e-12, "\(pass) seed \(seed)")
        }
        let swpu = random.run(.swpu, layer, pass).activity
        #expect(abs(swpu.zeroShare - (1 - nonzero)) < 1e-12, "\(pass) seed \(seed)")
        // The dense machine multiplies by pruned weights; their gradients are products like others.
        let dense = random.run(.dense, layer, pass).activity
        let useful = pass == .weightGradient ? dense.denseMACs : dense.effectualMACs
        let expected = 1 - Double(useful) * nonzero / Double(dense.executedMACs)
        #expect(abs(dense.zeroShare - expected) < 1e-12, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("machines that skip zero operands take as many vectors as executed products fill")
  func skippedVectors() {
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let lanes = random.hardware.array.lanes
      let layer = random.layer(inputSparsity: 0.4, gradientSparsity: 0.7)
      for pass in Pass.allCases {
        let skipping = random.run(.activationOnly, layer, pass).activity
        let expected = (skipping.executedMACs + lanes - 1) / lanes
        #expect(skipping.vectorsTaken == expected, "\(pass) seed \(seed)")
        // Each pair that the lookahead machine takes crosses one multiplexer.
        let lookahead = random.run(.lookahead, layer, pass).activity
        #expect(lookahead.networkMoves == lookahead.vectorsTaken, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("baselines do not reorder, whatever the description asks for")
  func order() {
    for seed in 0..<25 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      let layer = random.layer(inputSparsity: 0.4, gradientSparsity: 0.7)
      for machine in HardwareDescription.Machine.baselines {
        for pass in Pass.allCases {
          random.hardware.techniques.reorder = .natural
          random.hardware.techniques.reorderLines = .none
          let natural = random.run(machine, layer, pass)
          random.hardware.techniques.reorder = .hamming
          random.hardware.techniques.reorderLines = .balanced
          let asked = random.run(machine, layer, pass)
          #expect(asked.timing == natural.timing, "\(machine) \(pass) seed \(seed)")
        }
      }
    }
  }

  @Test("an empty layer takes no time on machines that see its mask")
  func emptyMask() {
    var random = RandomCase(seed: 3)
    let shape = random.mask.shape
    random.mask = LayerMask(shape: shape, elements: Bits(count: shape.count))
    for pass in Pass.allCases {
      for machine in [HardwareDescription.Machine.ideal, .structured] {
        #expect(random.run(machine, random.layer(), pass).timing.cycles == 0, "\(machine) \(pass)")
      }
    }
  }
}

extension RandomCase {
  func layer(inputSparsity: Double = 0, gradientSparsity: Double = 0) -> Workload.Layer {
    Workload.Layer(
      convolution: NetworkDescription.Convolution(
        name: "random", geometry: geometry, needsInputGradient: true, prunable: true),
      mask: mask, granularity: .unstructured, inputSparsity: inputSparsity,
      gradientSparsity: gradientSparsity)
  }

  func run(
    _ machine: HardwareDescription.Machine, _ layer: Workload.Layer, _ pass: Pass
  ) -> PassRun {
    var hardware = hardware
    hardware.machine = machine
    return MachineModel.run(layer: layer, pass: pass, images: images, hardware: hardware)
  }

  /// Kept weights times the outputs that see a value through them, from the definition.
  var products: Int {
    func inside(_ tap: Int, _ window: WindowAxis, _ outputs: Int, _ size: Int) -> Int {
      (0..<outputs).count {
        (0..<size).contains($0 * window.stride + tap * window.dilation - window.paddingBefore)
      }
    }
    let shape = mask.shape
    var total = 0
    for row in 0..<shape.rows {
      for column in 0..<shape.columns {
        var kept = 0
        for filter in 0..<shape.filters {
          for channel in 0..<shape.channels
          where mask.keeps(filter: filter, channel: channel, row: row, column: column) {
            kept += 1
          }
        }
        total +=
          kept * inside(row, geometry.vertical, geometry.output.height, geometry.input.height)
          * inside(column, geometry.horizontal, geometry.output.width, geometry.input.width)
      }
    }
    return total * images
  }
}
