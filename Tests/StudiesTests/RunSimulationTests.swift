// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Studies

@Suite struct RunSimulationTests {
  private func workload(sparsity: Double) throws -> Workload {
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
    let pruned = try workload(sparsity: 0.8)
    let dense = try workload(sparsity: 0)
    let simulator = Simulator(.swpu)
    let (first, second) = (try simulator.step(dense), try simulator.step(pruned))
    var simulation = RunSimulation()
    simulation.add(first, dense, step: 0, steps: 10, hardware: .swpu)
    simulation.add(second, pruned, step: 10, steps: 5, hardware: .swpu)
    #expect(
      simulation.totals.cycles == 10 * first.totals.cycles + 5 * second.totals.cycles)
    #expect(simulation.moments[0].density == 1)
    #expect(simulation.moments[1].density < 0.5)
  }
}
