// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Pruning
import Tensor
import Testing

@testable import Masks

@Suite struct WorkloadTests {
  private func network() throws -> NetworkDescription {
    func layer(_ name: String, channels: Int, filters: Int, first: Bool) throws
      -> NetworkDescription.Convolution
    {
      NetworkDescription.Convolution(
        name: name,
        geometry: try #require(
          ConvolutionGeometry(
            input: MapShape(channels: channels, height: 8, width: 8), filters: filters, rows: 3,
            columns: 3, paddingRows: 1, paddingColumns: 1)),
        needsInputGradient: !first, prunable: !first)
    }
    return NetworkDescription(
      name: "two", batch: 4,
      convolutions: [
        try layer("first", channels: 3, filters: 8, first: true),
        try layer("second", channels: 8, filters: 8, first: false),
      ], vectorLayers: [])
  }

  private func snapshot(
    _ shape: FilterShape, mask: LayerMask, input: Double?, gradient: Double? = nil
  ) -> MaskSnapshot {
    MaskSnapshot(
      step: 1, epoch: 0,
      layers: [
        MaskSnapshot.Layer(
          name: "second", granularity: .line, mask: mask, inputSparsity: input,
          gradientSparsity: gradient)
      ])
  }

  @Test("masks and sparsity are from the snapshot; layers that it lacks are dense and assumed")
  func joins() throws {
    let network = try network()
    let shape = network.convolutions[1].filterShape
    let lines = Bits(count: 8 * 8 * 3) { $0 % 7 == 0 }
    let mask = LayerMask(
      shape: shape, lines: lines, shapes: Bits(count: 8 * 9, repeating: true))
    let workload = try Workload(
      network, snapshot: snapshot(shape, mask: mask, input: 0.7, gradient: 0.3), file: "x.masks")
    #expect(
      workload.layers.map(\.mask) == [LayerMask(dense: network.convolutions[0].filterShape), mask])
    #expect(workload.layers.map(\.inputSparsity) == [0, 0.7])
    #expect(workload.layers.map(\.gradientSparsity) == [0, 0.3])
    #expect(workload.layers.map(\.granularity) == [.dense, .line])
    let unseen = try Workload(
      network, snapshot: snapshot(shape, mask: mask, input: nil), file: "x.masks")
    #expect(unseen.layers[1].inputSparsity == 0.5 && unseen.layers[1].gradientSparsity == 0)
    var known = network
    known.optimizer = .sgd  // the default of a step's optimiser
    #expect(workload.network == known)
  }

  @Test("given weights are pruned by magnitude; errors of reading them pass through")
  func prunesWeights() throws {
    struct Unreadable: Error {}
    let network = try network()
    let pruning = PruningConfiguration(granularity: .unstructured, sparsity: 0.75)
    // The magnitude of a weight is its place times an odd number, around the layer once.
    let count = network.convolutions[1].filterShape.count
    let weights = (0..<count).map { Float($0 * 7 % count) * ($0 % 2 == 0 ? 1 : -1) }
    let workload = Workload(network, pruning: pruning) { layer in
      #expect(layer.name == "second")
      return weights
    }
    let kept = workload.layers[1].mask
    #expect(kept.elementBits == Bits(count: count) { abs(weights[$0]) >= Float(count) * 0.75 })
    #expect(workload.layers[0].mask.density == 1)
    #expect(throws: Unreadable.self) {
      try Workload(network, pruning: pruning) { _ throws(Unreadable) in throw Unreadable() }
    }
  }

  @Test("a snapshot of another network is refused by name")
  func refuses() throws {
    let shape = FilterShape(filters: 4, channels: 8, rows: 3, columns: 3)
    let other = snapshot(shape, mask: LayerMask(dense: shape), input: nil)
    #expect {
      try Workload(network(), snapshot: other, file: "x.masks")
    } throws: { error in
      "\(error)".contains("x.masks") && "\(error)".contains("layer second")
    }
  }

  @Test("random masks depend on the seed, the sparsity and the prunable layers")
  func draws() throws {
    let pruning = PruningConfiguration(granularity: .subStructured, sparsity: 0.8)
    let first = Workload(try network(), pruning: pruning, seed: 1)
    #expect(first == Workload(try network(), pruning: pruning, seed: 1))
    #expect(first != Workload(try network(), pruning: pruning, seed: 2))
    #expect(first.layers[0].mask.density == 1)
    #expect(abs(first.layers[1].mask.density - 0.2) < 0.02)
    let zeros = Workload.AssumedZeros(activations: 0.6, gradients: 0.3)
    let assumed = Workload(try network(), pruning: pruning, seed: 1, assuming: zeros)
    #expect(assumed.layers[1].inputSparsity == 0.6)
    #expect(assumed.layers.allSatisfy { $0.gradientSparsity == 0.3 })
  }
}
