// SPDX-License-Identifier: Apache-2.0
import Masks
import Pruning
import Tensor
import Testing

@testable import Processor

@Suite struct SimulatorTests {
  private static let machines =
    [.swpu] + HardwareDescription.ablations(of: .swpu)
    + HardwareDescription.Machine.allCases.filter { $0 != .swpu }.map {
      HardwareDescription.baseline($0, like: .swpu)
    }

  static func workload(sparsity: Double, granularity: Granularity = .subStructured) -> Workload {
    func layer(
      _ name: String, channels: Int, side: Int, filters: Int, kernel: Int = 3, stride: Int = 1,
      first: Bool = false
    ) -> NetworkDescription.Convolution {
      guard
        let geometry = ConvolutionGeometry(
          input: MapShape(channels: channels, height: side, width: side), filters: filters,
          rows: kernel, columns: kernel, stride: stride, paddingRows: kernel / 2,
          paddingColumns: kernel / 2)
      else { preconditionFailure("a layer that does not fit") }
      return NetworkDescription.Convolution(
        name: name, geometry: geometry, needsInputGradient: !first, prunable: !first)
    }
    let network = NetworkDescription(
      name: "tiny", batch: 4,
      convolutions: [
        layer("first", channels: 3, side: 16, filters: 16, first: true),
        layer("second", channels: 16, side: 16, filters: 32, stride: 2),
        layer("third", channels: 32, side: 8, filters: 32),
        layer("last", channels: 32, side: 1, filters: 10, kernel: 1),
      ],
      vectorLayers: [
        NetworkDescription.VectorLayer(
          name: "norm", kind: .batchNorm, inputElements: 16 * 256, outputElements: 16 * 256)
      ])
    return Workload(
      network, pruning: PruningConfiguration(granularity: granularity, sparsity: sparsity),
      seed: 3)
  }

  @Test("totals are the sums of their parts, exactly")
  func sums() throws {
    let workload = Self.workload(sparsity: 0.8)
    for hardware in Self.machines {
      let result = try Simulator(hardware).step(workload)
      let cycles =
        result.layers.reduce(0) { $0 + $1.cycles } + result.vector.reduce(0) { $0 + $1.cycles }
      #expect(result.totals.cycles == cycles)
      #expect(
        result.totals.effectualMACs == result.layers.reduce(0) { $0 + $1.effectualMACs })
      for layer in result.layers {
        #expect(
          layer.cycles
            == layer.arrayCycles + layer.dramWaitCycles + layer.dramFillCycles
            + layer.streamWaitCycles)
        #expect(min(layer.dramWaitCycles, layer.dramFillCycles) >= 0)
        #expect(layer.utilization <= 1)
        let parts = CycleParts(layer, hardware: hardware).amounts
        #expect(
          parts.reduce(0) { $0 + $1.multiplierCycles }
            == layer.cycles * hardware.array.multipliers, "\(hardware.name) \(layer.layer)")
        #expect(parts.allSatisfy { $0.multiplierCycles >= 0 })
        var sum = 0.0
        for unit in EnergyUnit.allCases { sum += layer.energyPicojoules[unit] }
        #expect(sum == layer.energyPicojoules.total)
      }
      // The first layer needs no input gradient.
      #expect(result.layers.count == 3 * workload.layers.count - 1)
    }
  }

  @Test("totals added three times are three times the sums")
  func times() throws {
    let step = try Simulator(.swpu).step(Self.workload(sparsity: 0.8)).totals
    var (found, expected) = (Totals(), Totals())
    found.add(step, times: 3)
    for _ in 0..<3 { expected.add(step, times: 1) }
    for totals in [found, expected] {
      #expect(totals.cycles == 3 * step.cycles && step.cycles > 0)
      #expect(totals.effectualMACs == 3 * step.effectualMACs)
      #expect(totals.denseMACs == 3 * step.denseMACs)
      #expect(abs(totals.seconds / step.seconds - 3) < 1e-12)
      #expect(totals.linesRead == 3 * step.linesRead && step.linesRead > 0)
      #expect(totals.linesSkipped == 3 * step.linesSkipped && step.linesSkipped > 0)
      #expect(totals.dramBytes == 3 * step.dramBytes && step.dramBytes > 0)
      for unit in EnergyUnit.allCases where step.energyPicojoules[unit] > 0 {
        let ratio = totals.energyPicojoules[unit] / step.energyPicojoules[unit]
        #expect(abs(ratio - 3) < 1e-12, "\(unit)")
      }
    }
  }

  @Test("the DRAM's energy is that of all traffic, repeated reads included")
  func traffic() throws {
    let workload = Self.workload(sparsity: 0.5)
    var hardware = HardwareDescription.swpu
    // Too small for the whole second layer: its input is read several times.
    hardware.memory.activationKibibytes = 4
    hardware.memory.weightKibibytes = 2
    hardware.memory.outputKibibytes = 4
    let roomy = try Simulator(.swpu).pass(.forward, of: workload.layers[1], images: 4)
    let tight = try Simulator(hardware).pass(.forward, of: workload.layers[1], images: 4)
    #expect(tight.traffic.total > roomy.traffic.total)
    for pass in [roomy, tight] {
      let expected = 14 * Double(pass.traffic.total)
      #expect(abs(pass.energyPicojoules[.dram] / expected - 1) < 1e-12)
    }
    // Leakage lasts as long as the pass, its stalls on the DRAM included.
    let milliwatts = EnergyModel(hardware).leakageMilliwatts
    let leakage = milliwatts * Double(tight.cycles) / hardware.supply.hertz * 1e9
    #expect(tight.dramWaitCycles > 0)
    #expect(abs(tight.energyPicojoules[.leakage] / leakage - 1) < 1e-12)
  }

  @Test("operands of 8 bits move half of the bits")
  func formats() throws {
    let layer = Self.workload(sparsity: 0.5).layers[1]
    var hardware = HardwareDescription.swpu
    let wide = try Simulator(hardware).pass(.forward, of: layer, images: 4).traffic
    hardware.array.operands = .fp8e4m3
    let narrow = try Simulator(hardware).pass(.forward, of: layer, images: 4).traffic
    #expect(wide.sourceBits == 2 * narrow.sourceBits && wide.weightBits == 2 * narrow.weightBits)
  }

  @Test("effectual products do not depend on the machine, nor on the pass but for the first layer")
  func products() throws {
    let workload = Self.workload(sparsity: 0.8)
    for hardware in Self.machines {
      let result = try Simulator(hardware).step(workload)
      for layer in workload.layers {
        let rows = result.layers.filter { $0.layer == layer.name }
        #expect(Set(rows.map(\.effectualMACs)).count == 1, "\(hardware.name) \(layer.name)")
        #expect(Set(rows.map(\.denseMACs)).count == 1)
      }
    }
  }

  @Test("the vector unit has the work of its layers, of all stored weights and of new masks")
  func vectorWork() throws {
    let workload = Self.workload(sparsity: 0.8)
    let result = try Simulator(.swpu, maskUpdateInterval: 10).step(workload)
    let unit = VectorUnit(.swpu)
    let norm = try #require(workload.vectorLayers.first)
    func cycles(_ name: String) -> Int? { result.vector.first { $0.name == name }?.cycles }
    #expect(cycles("vector forward") == unit.forward(norm, images: 4).cycles)
    #expect(cycles("vector backward") == unit.backward(norm, images: 4).cycles)
    #expect(cycles("loss") == unit.loss(classes: 10, images: 4).cycles)
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    #expect(cycles("optimiser") == unit.optimiser(storedWeights: kept).cycles)
    // The unit works in parallel with the step: its transfers and energy are counted, its cycles hidden.
    let reorder = try #require(result.vector.first { $0.name == "reorder" })
    #expect(reorder.cycles == 0 && reorder.dramBytes > 0)
    // An order for the forward pass, which the weight gradients share, and one for the input gradient.
    let orders = workload.layers.flatMap { layer in
      [Pass.forward, .inputGradient].filter {
        $0 == .forward || layer.convolution.needsInputGradient
      }
      .map {
        let pass = LayerPass(
          layer: layer, pass: $0, images: 4, hardware: .swpu, maskUpdateInterval: 10)
        return unit.reordering(pass.parts, order: pass.hardware).dramBits
      }
    }
    #expect(orders.count == 7 && orders.count { $0 > 0 } >= 4)
    #expect(
      reorder.dramBytes == ceilingDivision(orders.reduce(0, +), 10) / 8)
    let rarely = try Simulator(.swpu, maskUpdateInterval: 1000).step(workload)
    let seldom = try #require(rarely.vector.first { $0.name == "reorder" })
    #expect(seldom.energyPicojoules.total < 0.02 * reorder.energyPicojoules.total)
    let some = try Simulator(.swpu).step(workload, passes: [.forward])
    #expect(some.vector.isEmpty && some.layers.allSatisfy { $0.pass == .forward })
  }

  @Test("the levels give one result, but for what only one of them has")
  func levels() throws {
    let workload = Self.workload(sparsity: 0.8)
    let fast = try Simulator(.swpu).step(workload)
    let cycle = try Simulator(.swpu, level: .cycle).step(workload)
    for (a, b) in zip(fast.layers, cycle.layers) {
      #expect(a.timing == b.timing && a.activity == b.activity, "\(a.layer) \(a.pass)")
      #expect(a.energyPicojoules == b.energyPicojoules)
    }
    #expect(fast.totals.cycles == cycle.totals.cycles)
  }

  @Test("less voltage takes longer and less energy on the chip")
  func voltage() throws {
    let workload = Self.workload(sparsity: 0.8)
    var slow = HardwareDescription.swpu
    slow.supply.volts = 0.6
    let (a, b) = (try Simulator(.swpu).step(workload), try Simulator(slow).step(workload))
    #expect(b.totals.seconds > a.totals.seconds)
    #expect(b.totals.energyPicojoules.core < a.totals.energyPicojoules.core)
  }
}
