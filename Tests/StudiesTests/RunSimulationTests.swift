// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Studies

@Suite struct RunSimulationTests {
  static func workload(sparsity: Double) throws -> Workload {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 16, height: 8, width: 8), filters: 32, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    let network = NetworkDescription(
      name: "tiny", batch: 4,
      convolutions: [
        NetworkDescription.Convolution(
          name: "only", geometry: geometry, needsInputGradient: true, prunable: true)
      ], vectorLayers: [])
    return Workload(network, pruning: PruningConfiguration(sparsity: sparsity), seed: 3)
  }

  @Test("a run counts each snapshot for the steps that it was in force")
  func run() throws {
    let pruned = try Self.workload(sparsity: 0.8)
    let dense = try Self.workload(sparsity: 0)
    let simulator = Simulator(.swpu)
    let (first, second) = (try simulator.step(dense), try simulator.step(pruned))
    var simulation = RunSimulation()
    simulation.add(first, dense, step: 0, steps: 10, hardware: .swpu)
    simulation.add(second, pruned, step: 10, steps: 5, hardware: .swpu)
    #expect(
      simulation.totals.cycles == 10 * first.totals.cycles + 5 * second.totals.cycles)
    #expect(simulation.totals.seconds == 10 * first.totals.seconds + 5 * second.totals.seconds)
    #expect(
      simulation.totals.dramBytes == 10 * first.totals.dramBytes + 5 * second.totals.dramBytes)
    #expect(
      simulation.totals.linesRead == 10 * first.totals.linesRead + 5 * second.totals.linesRead)
    for unit in EnergyUnit.allCases {
      let expected =
        10 * first.totals.energyPicojoules[unit] + 5 * second.totals.energyPicojoules[unit]
      #expect(abs(simulation.totals.energyPicojoules[unit] - expected) <= 1e-12 * expected)
    }
    let busy = Double(simulation.totals.cycles * HardwareDescription.swpu.array.multipliers)
    #expect(
      abs(simulation.totals.utilization - Double(simulation.totals.effectualMACs) / busy) < 1e-12)
    simulation.countEpoch(of: 7)
    #expect(simulation.epoch?.cycles == 7 * second.totals.cycles)
    #expect(simulation.moments.map(\.steps) == [10, 5])
    #expect(simulation.moments[0].density == 1)
    #expect(abs(simulation.moments[1].density - 0.2) < 0.01)
  }

  @Test("a comparison holds a step and the area of each machine")
  func comparison() throws {
    let workload = try Self.workload(sparsity: 0.8)
    var comparison = Comparison()
    try comparison.add(.swpu, workload, maskUpdateInterval: 10)
    let simulator = Simulator(.swpu, maskUpdateInterval: 10)
    let step = try simulator.step(workload)
    #expect(comparison.machines[0].totals.cycles == step.totals.cycles)
    // How often masks change shows in the bytes and the energy of reordering.
    #expect(comparison.machines[0].totals.dramBytes == step.totals.dramBytes)
    #expect(try step.totals.dramBytes > Simulator(.swpu).step(workload).totals.dramBytes)
    #expect(comparison.machines[0].squareMillimetres == simulator.energy.area.total)
  }
}
