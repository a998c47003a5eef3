// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Masks
import Oracles
import Pruning
import Tensor
import Testing

@testable import Training

/// Models with the statistics of a training and pruned layers, without one.
enum Exported {
  static let map = MapShape(channels: 3, height: 32, width: 32)

  static func model(_ network: Network, seed: UInt64) throws -> Model {
    let model = try Model(network, engine: Engine(threads: 2), batch: 3, seed: seed)
    var random = SeededRandom(seed: seed, stream: 9)
    for case let norm as BatchNormLayer in model.layers {
      for channel in 0..<norm.runningMean.count {
        norm.gamma.values[channel] = 1 + 0.2 * random.normal()
        norm.beta.values[channel] = 0.2 * random.normal()
        norm.runningMean[channel] = 0.2 * random.normal()
        norm.runningVariance[channel] = 0.5 + random.uniform()
      }
    }
    for layer in model.layers {
      guard let layer = layer as? ConvolutionLayer else { continue }
      if let bias = layer.bias {
        for filter in 0..<bias.values.count { bias.values[filter] = 0.3 * random.normal() }
      }
      if layer.layer.prunable {
        var configuration = PruningConfiguration()
        configuration.sparsity = 0.6
        layer.apply(
          LayerPruner(shape: layer.filterShape, configuration: configuration).initialMask(
            weights: layer.denseWeights, density: 0.4))
      }
    }
    return model
  }

  /// One of each kind of network.
  static let names: [ModelName] = [
    .lenet5, .mlp, .resnet20, .resnet18, .resnet50, .vgg16, .mobilenetv2,
  ]

  static func model(_ name: ModelName) throws -> Model {
    try model(name.network(input: map, classes: 7, width: 0.125), seed: 5)
  }

  /// What the networks of the engine do not have: values without rows and columns that are
  /// normalised, added and convolved, a convolution that two layers read, odd poolings.
  static func oddNetwork() throws -> Network {
    var network = Network(name: "odd", input: MapShape(channels: 2, height: 9, width: 7))
    let x = try network.convolution(
      "images", network.input, filters: 8, rows: 3, columns: 5, stride: 2, paddingRows: 0,
      paddingColumns: 2, groups: 2, bias: true)
    let first = try network.batchNorm("bn1", x, activation: .relu6)
    let second = try network.batchNorm("bn2", x, adding: first)
    var y = try network.add("sum", first, second)
    y = try network.activation("cut", y, .relu6)
    y = try network.activation("same", y, .none)
    y = try network.pool("mean", y, .average, size: 3, stride: 1, padding: 1)
    y = try network.pool("largest", y, .max, size: 2, padding: 1)
    let plane = try network.globalAveragePool("plane", y)
    let flat = try network.flatten("flat", plane)
    let hidden = try network.linear("hidden", flat, outputs: 8, bias: false)
    y = try network.batchNorm("bn3", hidden, adding: plane, activation: .relu)
    y = try network.add("both", y, flat)
    y = try network.dropout("drop", y, probability: 0.5)
    y = try network.pool("one", y, .max, size: 1)
    y = try network.convolution("logits", y, filters: 8, kernel: 3, padding: 1, groups: 2)
    y = try network.batchNorm("bn4", y)
    try network.dropout("end", y, probability: 0.5)
    return network
  }

  static func images(_ model: Model) -> [Float] {
    var random = SeededRandom(seed: 4)
    return randomValues(3 * model.network.map(model.network.input).count, &random)
  }
}

@Suite("Networks as ONNX files")
struct ONNXExportTests {
  private func read(_ model: Model, folding: Bool) throws -> ONNXNetwork {
    let data = model.onnxGraph(foldingBatchNorm: folding).encoded(producer: ("test", "1"))
    return try ONNXNetwork(ONNXGraph(data, file: "m.onnx"), file: "m.onnx")
  }

  @Test("A file simulates as the network that it came from", arguments: Exported.names)
  func roundTrip(name: ModelName) throws {
    let model = try Exported.model(name)
    let expected = model.network.description(batch: 32)
    let plain = try read(model, folding: false)
    let folded = try read(model, folding: true)
    #expect(plain.leftOut.isEmpty && folded.leftOut.isEmpty, "\(plain.leftOut)")
    // Which layers pruning left alone is not in the file, and dropout is for training.
    func sizes(_ network: NetworkDescription) -> [NetworkDescription.Convolution] {
      network.convolutions.map {
        var layer = $0
        layer.prunable = true
        layer.reads = passed(layer.reads)
        return layer
      }
    }
    let dropouts = expected.vectorLayers.filter { $0.kind == .dropout }
    func passed(_ reads: [String]?) -> [String]? {
      reads?.flatMap { name in dropouts.first { $0.name == name }.map { $0.reads ?? [] } ?? [name] }
    }
    #expect(sizes(plain.network) == sizes(expected))
    // A folded normalisation leaves its convolution to be read.
    func withoutReads(_ network: NetworkDescription) -> [NetworkDescription.Convolution] {
      sizes(network).map {
        var layer = $0
        layer.reads = nil
        return layer
      }
    }
    #expect(withoutReads(folded.network) == withoutReads(expected))
    #expect(folded.unclearReads.isEmpty && plain.unclearReads.isEmpty)
    #expect(
      plain.network.vectorLayers
        == expected.vectorLayers.filter { $0.kind != .dropout }.map {
          var layer = $0
          layer.reads = passed(layer.reads)
          return layer
        })
    #expect(!folded.network.vectorLayers.contains { $0.kind == .batchNorm })

    let snapshot = model.snapshot(step: 0, epoch: 0, granularity: .subStructured)
    for (mask, layer) in zip(snapshot.layers.map(\.mask), model.convolutions) {
      #expect(try plain.weights(of: layer.name) == layer.denseWeights)
      for file in [plain, folded] {
        let found = try #require(try file.masks().layers.first { $0.name == layer.name })
        #expect(found.mask.elementBits == mask.elementBits, "\(layer.name)")
      }
    }
    // Masks of other programs find their layers by the names of weights.
    for (ours, theirs) in model.network.exchangeNames
    where model.network.convolutions.contains(where: { $0.name == ours }) {
      #expect(plain.namesByWeights[theirs] == ours)
    }
  }

  @Test("A normalisation is folded where nothing else reads its convolution")
  func folding() throws {
    let model = try Exported.model(Exported.oddNetwork(), seed: 3)
    func norms(_ folding: Bool) -> [String] {
      model.onnxGraph(foldingBatchNorm: folding).nodes
        .filter { $0.operation == "BatchNormalization" }.map(\.name)
    }
    #expect(norms(false) == ["bn1", "bn2", "bn3", "bn4"])
    #expect(norms(true) == ["bn1", "bn2"])
    for folding in [false, true] {
      let graph = model.onnxGraph(foldingBatchNorm: folding)
      let made =
        graph.nodes.flatMap(\.outputs) + graph.constants.map(\.name) + graph.inputs.map(\.name)
      #expect(Set(made).count == made.count, "names are unique")
      #expect(Set(graph.nodes.map(\.name)).count == graph.nodes.count)
      let leftOut = try read(model, folding: folding).leftOut
      #expect(leftOut.isEmpty, "\(leftOut)")
    }
  }

  @Test(
    "ONNX Runtime computes the same logits within 1e-4",
    .needsPython("onnxruntime"))
  func runtime() throws {
    let folder = try TemporaryFolder().url
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var models = try Exported.names.map { try Exported.model($0) }
    models.append(try Exported.model(Exported.oddNetwork(), seed: 3))
    var expected: [String: [Float]] = [:]
    for model in models {
      let images = Exported.images(model)
      model.stage(images)
      model.forward(images: 3, training: false)
      for folding in [false, true] {
        let name = model.network.name + (folding ? "-folded" : "")
        expected[name] = model.logits(images: 3)
        let file = folder.appendingPathComponent(name)
        try model.onnxGraph(foldingBatchNorm: folding).encoded(producer: ("test", "1"))
          .write(to: file.appendingPathExtension("onnx"))
        try Tensor(images).bytes().prefix(4 * images.count)
          .write(to: file.appendingPathExtension("images"))
      }
    }
    let said = try Python.run(script: "run_onnx.py", folder.path)
    print(String(decoding: said, as: UTF8.self), terminator: "")
    var largest = 0.0
    for (name, logits) in expected {
      let data = try Data(
        contentsOf: folder.appendingPathComponent(name).appendingPathExtension("logits"))
      let found = Tensor(count: logits.count)
      #expect(data.count == 4 * logits.count, "\(name)")
      if data.count == 4 * logits.count { found.store(bytes: data) }
      let worst = relativeDifference(found.array(), logits)
      #expect(worst <= 1e-4, "\(name): \(worst)")
      // A network of constant outputs would agree with anything.
      #expect(Set(logits).count > 6, "\(name)")
      largest = max(largest, worst)
    }
    print("\(expected.count) networks, largest difference \(largest)")
  }
}
