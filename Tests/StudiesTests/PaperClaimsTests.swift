// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Studies

/// That each claim divides what its definition says: on totals of round numbers.
@Suite("The paper's claims")
struct PaperClaimsTests {
  private func machine(_ name: String, core: Double, dram: Double, seconds: Double)
    -> Comparison.Machine
  {
    var totals = Totals()
    totals.energyPicojoules[.multiply] = core
    totals.energyPicojoules[.dram] = dram
    totals.seconds = seconds
    return Comparison.Machine(
      name: name, masks: "same", totals: totals, passes: [:], squareMillimetres: 1)
  }

  private func network() throws -> NetworkDescription {
    func layer(_ name: String, channels: Int, prunable: Bool) throws
      -> NetworkDescription.Convolution
    {
      NetworkDescription.Convolution(
        name: name,
        geometry: try #require(
          ConvolutionGeometry(
            input: MapShape(channels: channels, height: 8, width: 8), filters: 16, rows: 3,
            columns: 3, paddingRows: 1, paddingColumns: 1)), needsInputGradient: prunable,
        prunable: prunable)
    }
    return NetworkDescription(
      name: "tiny", batch: 4,
      convolutions: [
        try layer("first", channels: 3, prunable: false),
        try layer("second", channels: 16, prunable: true),
        try layer("third", channels: 16, prunable: true),
      ], vectorLayers: [])
  }

  @Test("Ratios of energy without the DRAM, ratios of time, and the peak of the surface")
  func ratios() throws {
    var comparison = Comparison()
    comparison.machines = [
      machine("swpu", core: 100, dram: 60, seconds: 2),
      machine("unstructured", core: 150, dram: 1, seconds: 9),
      machine("activation-only", core: 250, dram: 2, seconds: 3),
      machine("dense", core: 400, dram: 3, seconds: 8),
    ]
    var surface = try EfficiencySurface(
      .small, network: network(), volts: 0.6, sparsities: [])
    for (activations, weights, value) in [
      (0.0, 0.0, 2.0), (0, 0.9, 11), (0.9, 0, 3), (0.9, 0.9, 151.36),
    ] {
      surface.points.append(
        EfficiencySurface.Point(
          activationSparsity: activations, weightSparsity: weights, teraflopsPerWatt: value))
    }
    let claims = PaperClaims(
      hardware: .swpu, comparison: comparison, surface: surface, workload: "a step"
    ).claims
    func ours(_ claim: String) -> String {
      claims.first { $0.claim.contains(claim) }?.ours ?? "no such claim"
    }
    #expect(ours("unstructured pruning") == "1.50x")
    #expect(ours("peak energy") == "151.4 TFLOPS/W")
    #expect(ours("best training processor") == "2.00x")
    #expect(ours("energy of ResNet-18") == "2.50x / 4.00x")
    #expect(ours("speed of ResNet-18") == "1.50x / 4.00x")
    let peak = try #require(claims.first { $0.claim.contains("peak") })
    #expect(peak.reading.contains("it is 11.0, dense 2.00"))
    #expect(ours("supply").contains("0.60 V") && ours("supply").contains("1.00 V: 675 MHz"))
  }

  @Test("A point of the surface is a dense-equivalent step of the prunable layers at its zeros")
  func surface() throws {
    let network = try network()
    let surface = try EfficiencySurface(
      .swpu, network: network, volts: 0.6, sparsities: [0, 0.8], seed: 4)
    #expect(surface.volts == 0.6 && surface.points.count == 4)
    #expect(
      surface.points.map { [$0.activationSparsity, $0.weightSparsity] }
        == [[0, 0], [0, 0.8], [0.8, 0], [0.8, 0.8]])
    var machine = HardwareDescription.swpu
    machine.supply.volts = 0.6
    let simulator = Simulator(machine)
    for point in surface.points {
      let workload = Workload(
        network, pruning: PruningConfiguration(sparsity: point.weightSparsity), seed: 4,
        assuming: Workload.AssumedZeros(
          activations: point.activationSparsity, gradients: point.activationSparsity))
      var (products, energy) = (0, 0.0)
      for layer in workload.layers where layer.convolution.prunable {
        for pass in Pass.allCases {
          let result = try simulator.pass(pass, of: layer, images: workload.batch)
          products += result.denseMACs
          energy += result.energyPicojoules.core
        }
      }
      #expect(abs(point.teraflopsPerWatt - 2 * Double(products) / energy) < 1e-9)
      #expect(surface[point.activationSparsity, point.weightSparsity] == point.teraflopsPerWatt)
    }
  }
}
