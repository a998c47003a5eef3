// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Oracles
import Tensor
import Testing

@testable import Exchange
@testable import Training

@Suite("Networks from ONNX files")
struct ONNXModelTests {
  private func file(_ graph: ONNXGraph, _ metadata: [String: String] = [:]) throws -> String {
    let path = NSTemporaryDirectory() + "net-\(UUID()).onnx"
    try graph.encoded(producer: ("test", "1"), metadata: metadata)
      .write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test("A network that was exported is read back with the same logits", arguments: Exported.names)
  func roundTrip(name: ModelName) throws {
    let model = try Exported.model(name)
    let images = Exported.images(model)
    model.stage(images)
    model.forward(images: 3, training: false)
    let expected = model.logits(images: 3)
    for folding in [false, true] {
      let path = try file(model.onnxGraph(foldingBatchNorm: folding))
      defer { try? FileManager.default.removeItem(atPath: path) }
      let read = try ONNXModel(path: path)
      #expect(read.classes == 7)
      let network = try read.network(input: Exported.map, classes: 7)
      let copy = try Model(network, engine: Engine(threads: 2), batch: 3, seed: 9)
      let taken = try copy.load(read.weights(for: network))
      #expect(taken.replaced.isEmpty && taken.ignored.isEmpty)
      copy.stage(images)
      copy.forward(images: 3, training: false)
      let worst = relativeDifference(copy.logits(images: 3), expected)
      #expect(worst <= 1e-5, "\(folding): \(worst)")
      if !folding {
        // Normalisation, addition and activation are one layer, as in the engine's own network.
        let counts = [network, model.network].map { network in
          network.nodes.filter { $0.layer is BatchNorm }.count
        }
        #expect(counts[0] == counts[1])
        let activations = [network, model.network].map { network in
          network.nodes.filter { $0.layer is PlainActivation }.count
        }
        #expect(activations[0] == activations[1])
      }
    }
  }

  @Test("Another number of classes gives a classifier with new weights")
  func otherClasses() throws {
    let model = try Exported.model(.resnet20)
    let path = try file(model.onnxGraph(foldingBatchNorm: false))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let read = try ONNXModel(path: path)
    let network = try read.network(input: Exported.map, classes: 3)
    let copy = try Model(network, engine: Engine(threads: 1), batch: 1, seed: 9)
    let taken = try copy.load(read.weights(for: network))
    #expect(copy.classes == 3 && taken.replaced.map(\.layer) == ["fc"])
  }

  @Test("The normalisation in a graph and the metadata are the task again")
  func task() throws {
    let model = try Exported.model(.lenet5)
    let task = ImageTask(
      classNames: (0..<7).map { "class \($0)" }, image: Exported.map, mean: [0.5, 0.25, 0.125],
      standardDeviation: [0.25, 0.5, 0.125])
    let path = try file(
      model.onnxGraph(foldingBatchNorm: false, task: task), task.metadata)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let found = try ONNXModel(path: path).task()
    #expect(found == task)
    let plain = try file(model.onnxGraph(foldingBatchNorm: false))
    defer { try? FileManager.default.removeItem(atPath: plain) }
    #expect(throws: InputError.self) { try ONNXModel(path: plain).task() }
  }

  @Test("All operators without a layer are named at once")
  func unsupported() throws {
    var graph = try Exported.model(.lenet5).onnxGraph(foldingBatchNorm: false)
    for index in graph.nodes.indices where graph.nodes[index].operation == "Relu" {
      graph.nodes[index].operation = index % 2 == 0 ? "Sigmoid" : "Tanh"
    }
    let path = try file(graph)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: InputError.self) { try ONNXModel(path: path) }
    let words = error?.description ?? ""
    for node in graph.nodes where ["Sigmoid", "Tanh"].contains(node.operation) {
      #expect(words.contains("\(node.operation) '\(node.name)'"), "\(words)")
    }
  }

  @Test("A run with the network of a file trains, is resumed and is read without the file")
  func run() throws {
    let folder = try TemporaryFolder().url
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = try Exported.model(.resnet20)
    let path = try file(source.onnxGraph(foldingBatchNorm: false))
    var configuration = TrainingConfiguration()
    configuration.modelFile = path
    configuration.epochs = 1
    configuration.batch = 16
    let data = try DatasetSource.synthetic.load(seed: 1, trainCount: 64, testCount: 16)
    var names: [String] = []
    do {
      let trainer = try Trainer(
        configuration, data: data, engine: Engine(threads: 2), folder: RunFolder(folder))
      #expect(trainer.weightImport?.replaced.map(\.layer) == ["fc"])
      #expect(try trainer.run())
      names = trainer.model.network.nodes.map(\.name)
    }
    try FileManager.default.removeItem(atPath: path)
    let run = RunFolder(folder)
    let (model, _) = try run.restoredModel(engine: Engine(threads: 1))
    #expect(model.network.nodes.map(\.name) == names)
    let resumable = try ResumableRun(run) { $0.epochs = 2 }
    let resumed = try Trainer(
      resumable.configuration, data: data, engine: Engine(threads: 2), folder: run,
      checkpoint: resumable.checkpoint)
    #expect(try resumed.run())
    #expect(try run.readConfiguration().modelFile == path)
  }
}
