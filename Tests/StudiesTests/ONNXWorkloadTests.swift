// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import HostileFiles
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Studies
@testable import Training

/// ONNX files on the model of the processor.
@Suite("ONNX files as workloads") struct ONNXWorkloadTests {
  private func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("swpu-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func json(_ result: StepResult) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }

  @Test(
    "a step of an exported network is streamed, and is the step of the network at the same masks",
    arguments: [ModelName.resnet18, .resnet50, .lenet5])
  func sameStep(name: ModelName) throws {
    let network = try name.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10, width: 0.125)
    let model = try Model(network, engine: Engine(threads: 2), batch: 1, seed: 5)
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(network.name + ".onnx")
    try model.onnxGraph(foldingBatchNorm: false).encoded(producer: ("test", "1")).write(to: file)
    let read = try ONNXNetwork(path: file.path)
    let description = network.description(batch: 32)
    let masks = Workload(
      description, pruning: PruningConfiguration(granularity: .subStructured, sparsity: 0.8),
      seed: 3
    ).layers.map {
      MaskSnapshot.Layer(
        name: $0.name, granularity: $0.granularity, mask: $0.mask, inputSparsity: nil,
        gradientSparsity: nil)
    }
    let snapshot = MaskSnapshot(step: 0, epoch: 0, layers: masks)
    let (ours, theirs) = (
      try Workload(description, snapshot: snapshot, file: ""),
      try Workload(read.network, snapshot: snapshot, file: "")
    )
    let simulator = Simulator(.swpu)
    let step = try simulator.step(theirs)
    #expect(!step.operations.isEmpty, "streamed")
    #expect(try json(step) == json(simulator.step(ours)))
    #expect(try json(simulator.inference(theirs)) == json(simulator.inference(ours)))
  }

  @Test("layers whose weights are missing get random masks, which is said; the others keep theirs")
  func missingWeights() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("missing.onnx")
    try corpus("features/missing.onnx").write(to: file)
    var request = WorkloadRequest(path: file.path)
    request.seed = 9
    var notes: [String] = []
    let workload = try request.workload { notes.append($0) }
    let read = try ONNXNetwork(path: file.path)
    #expect(workload.layers.map(\.name) == ["here", "away"])
    #expect(workload.layers[0].mask.elementBits == (try read.masks().layers[0].mask.elementBits))
    // As of a network without any weights: 90 % of what may be pruned.
    let random = Workload(
      read.network, pruning: PruningConfiguration(granularity: .subStructured, sparsity: 0.9),
      seed: 9)
    #expect(workload.layers[1].mask.elementBits == random.layers[1].mask.elementBits)
    #expect(
      notes.contains {
        $0.contains("1 of 2 layers") && $0.contains("gone.bin is missing") && $0.contains("random")
      }, "\(notes)")
    let origin = try request.loaded { _ in }.origin
    #expect(origin.contains("seed 9 where weights are not known (1 of 2 layers)"), "\(origin)")
  }

  @Test("a transposed convolution computes what ONNX Runtime counts, at every level")
  func transposed() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("transposed.onnx")
    try corpus("features/transposed.onnx").write(to: file)
    struct Layer: Decodable { let macs: Int }
    struct File: Decodable { let layers: [String: Layer] }
    let expected = try #require(
      JSONDecoder().decode([String: File].self, from: corpus("features/features.json"))[
        "transposed.onnx"])
    var request = WorkloadRequest(path: file.path)
    request.batch = 1
    let workload = try request.workload()
    let fast = try Simulator(.swpu).step(workload, passes: [.forward])
    for layer in fast.layers {
      #expect(layer.denseMACs == expected.layers[layer.layer]?.macs, "\(layer.layer)")
    }
    #expect(fast.layers.count == 3)
    // The value level compares every product with a plain reference, and throws where one differs.
    for level in [Level.cycle, .value] {
      let step = try Simulator(.swpu, level: level).step(workload)
      #expect(step.layers.count == 8)
      #expect(step.totals.cycles == (try Simulator(.swpu).step(workload).totals.cycles))
    }
  }

  @Test("attention products are left out with their share, in the title, the text and the document")
  func attention() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("attention.onnx")
    try corpus("features/attention.onnx").write(to: file)
    var notes: [String] = []
    let loaded = try WorkloadRequest(path: file.path).loaded { notes.append($0) }
    let unmodelled = try #require(loaded.unmodelled)
    // Of 4 products of 6x8 by 8x8, and 2 of 6x8x6.
    #expect(unmodelled.shareOfMACs == 576.0 / 2112)
    #expect(unmodelled.title == "27 % of the network's MACs are not simulated")
    let text = try #require(unmodelled.text)
    #expect(text.contains("2 MatMul: a product of two computed values (27 %"), "\(text)")
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(
      notes.contains { $0.contains("'end' reads 'mixed' (MatMul)") && $0.contains("not streamed") })
    struct Document: Decodable {
      struct Node: Decodable, Equatable {
        let name: String
        let multiplyAccumulates: Int?
      }
      let nodes: [Node]
      let shareOfMACs: Double
    }
    let document = try JSONDecoder().decode(
      Document.self, from: JSONEncoder().encode(unmodelled))
    #expect(document.shareOfMACs == 576.0 / 2112)
    #expect(
      document.nodes.filter { $0.multiplyAccumulates != 0 } == [
        .init(name: "scores", multiplyAccumulates: 288),
        .init(name: "mixed", multiplyAccumulates: 288),
      ])
  }
}
