// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Studies

/// That each claim divides the figures of its definition, on totals of round numbers.
@Suite("The paper's claims")
struct PaperClaimsTests {
  /// A machine whose array, core and step take 1, 2 and 4 times so many cycles and picojoules.
  private func machine(_ name: String, _ masks: String = "same", cycles: Int, energy: Double)
    -> Comparison.Machine
  {
    Comparison.Machine(
      name: name, masks: masks, totals: Totals(), passes: [:], squareMillimetres: 1,
      scopes: Comparison.Scopes(
        arrayCycles: cycles, coreCycles: 2 * cycles, cycles: 4 * cycles, arrayPicojoules: energy,
        corePicojoules: 2 * energy, picojoules: 4 * energy))
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

  @Test("Ratios of energy and of time in three scopes, and the peak of the surface")
  func ratios() throws {
    var comparison = Comparison()
    let unpruned = Comparison.unpruned
    var swpu = machine("swpu", cycles: 1000, energy: 100)
    // Ratios that differ by scope show that each is divided by its own.
    swpu.scopes.coreCycles = 1000
    swpu.scopes.picojoules = 200
    comparison.machines = [
      swpu, machine("unstructured", cycles: 1500, energy: 150),
      machine("unstructured-without-detection", cycles: 1500, energy: 180),
      machine("activation-only", cycles: 1, energy: 1), machine("dense", cycles: 1, energy: 1),
      machine("activation-only", unpruned, cycles: 3000, energy: 250),
      machine("dense", unpruned, cycles: 8000, energy: 400),
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
    #expect(ours("pruning ratio") == "not known without --study")
    #expect(ours("unstructured pruning") == "1.50x / 1.50x / 3.00x")
    #expect(ours("peak energy") == "151.4 TFLOPS/W")
    #expect(ours("best training processor") == "2.00x")
    #expect(
      ours("energy of ResNet-18") == "2.50x / 2.50x / 5.00x; dense 4.00x / 4.00x / 8.00x")
    #expect(
      ours("speed of ResNet-18") == "3.00x / 6.00x / 3.00x; dense 8.00x / 16.00x / 8.00x")
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
