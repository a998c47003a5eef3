// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Masks
import Tensor
import Testing

@testable import Training

@Suite("A network by its weights")
struct WeightedNetworkTests {
  /// Arrays of a network's weights, the first `zeros` of each layer zero.
  private func arrays(
    _ name: ModelName, image: Int, classes: Int, width: Double = 0.125, zeros: Int = 0
  ) throws -> [NamedArray] {
    let network = try name.network(
      input: MapShape(channels: 3, height: image, width: image), classes: classes, width: width)
    return network.exchangeShapes.map { tensor in
      let count = tensor.shape.reduce(1, *)
      return NamedArray(
        name: tensor.name, shape: tensor.shape, values: (0..<count).map { $0 < zeros ? 0 : 1 })
    }
  }

  private func file(_ arrays: [NamedArray], _ metadata: [String: String] = [:]) throws
    -> SafetensorsFile
  {
    try SafetensorsFile(
      SafetensorsFile.encoded(arrays, metadata: metadata), file: "w.safetensors")
  }

  @Test("Width and classes follow from the shapes", arguments: ModelName.allCases)
  func sizes(name: ModelName) throws {
    let arrays = try arrays(name, image: 64, classes: 7, width: 0.5)
    let found = try WeightedNetwork(file(arrays), model: name, imageSize: 64)
    let expected = try name.network(
      input: MapShape(channels: 3, height: 64, width: 64), classes: 7, width: 0.5)
    #expect(found.network.description(batch: 1) == expected.description(batch: 1))
    #expect(found.leftOut.isEmpty)
  }

  @Test("What swpu export leaves in a file is enough; batches and biases are known, others named")
  func metadata() throws {
    let metadata = ["model": "resnet20", "image": "3x16x16", "width": "0.125"]
    let arrays = try arrays(.resnet20, image: 16, classes: 3)
    let more = ["bn1.num_batches_tracked", "fc.bias2", "conv1.bias", "head.weight"].map {
      NamedArray(name: $0, shape: [1], values: [1])
    }
    let found = try WeightedNetwork(file(arrays + more, metadata), model: nil, imageSize: nil)
    #expect(found.network.convolutions.count == 22)
    #expect(found.network.map(found.network.input).height == 16)
    #expect(found.leftOut == ["fc.bias2", "head.weight"])
  }

  @Test("what is not finite is refused wherever it is, though biases are not simulated")
  func notFinite() throws {
    for name in ["bn1.bias", "bn1.running_var", "fc.bias"] {
      let arrays = try arrays(.resnet20, image: 32, classes: 10).map { array in
        array.name == name
          ? NamedArray(
            name: name, shape: array.shape,
            values: array.values.indices.map { $0 == 1 ? .infinity : 1 }) : array
      }
      let error = #expect(throws: InputError.self) {
        try WeightedNetwork(file(arrays), model: .resnet20, imageSize: nil)
      }
      #expect(error?.description.contains("'\(name)'") == true, "\(error as Any)")
    }
  }

  @Test("Zeros are pruned: whole filters are seen as lines, single ones as elements")
  func masks() throws {
    let arrays = try arrays(.resnet20, image: 32, classes: 10, width: 1, zeros: 2 * 144)
    let network = try WeightedNetwork(file(arrays), model: .resnet20, imageSize: nil)
    let masks = try network.masks()
    let layer = try #require(masks.layers.first { $0.name == "layer1.0.conv1" })
    #expect(layer.granularity == .subStructured && layer.mask.elements == nil)
    #expect(layer.mask.keptElements == 14 * 144)
    #expect(layer.mask.linesPerFilter().prefix(3) == [0, 0, 48])
    let other = try #require(masks.layers.first { $0.name == "layer2.0.conv1" })
    #expect(other.mask.keptElements == 32 * 144 - 288)
    let workload = try Workload(
      network.network.description(batch: 4), snapshot: masks, file: "w.safetensors")
    #expect(workload.layers.count == network.network.convolutions.count)

    // 145 zeros: a filter and a single weight.
    let ragged = try self.arrays(.resnet20, image: 32, classes: 10, width: 1, zeros: 145)
    let scattered = try WeightedNetwork(file(ragged), model: .resnet20, imageSize: nil).masks()
    #expect(scattered.layers[1].granularity == .unstructured)
    #expect(scattered.layers[1].mask.keptElements == 15 * 144 - 1)
    let dense = try WeightedNetwork(
      file(self.arrays(.resnet20, image: 32, classes: 10)), model: .resnet20, imageSize: nil
    ).masks()
    #expect(dense.layers.allSatisfy { $0.granularity == .dense })
  }

  @Test("A file of another network is refused with the reason")
  func mistakes() throws {
    let right = try arrays(.resnet18, image: 32, classes: 10)
    func changed(_ name: String, _ shape: [Int]) -> [NamedArray] {
      right.map { array in
        guard array.name == name else { return array }
        return NamedArray(
          name: name, shape: shape, values: [Float](repeating: 1, count: shape.reduce(1, *)))
      }
    }
    let cases: [(arrays: [NamedArray], metadata: [String: String], word: String)] = [
      (right, [:], "__metadata__ 'model'"), (right, ["model": "resnet19"], "resnet19"),
      (right, ["model": "vgg16"], "features.0.weight"), ([], ["model": "resnet18"], "conv1.weight"),
      (
        right.filter { $0.name != "layer3.1.conv1.weight" }, ["model": "resnet18"], "layer3.1.conv1"
      ),
      (changed("conv1.weight", [8, 3, 7, 7]), ["model": "resnet18"], "images of 32x32"),
      (changed("conv1.weight", [0, 3, 3, 3]), ["model": "resnet18"], "[0, 3, 3, 3]"),
      (changed("fc.weight", [1 << 40, 0]), ["model": "resnet18"], "fc.weight"),
      (changed("conv1.weight", [2000, 3, 3, 3]), ["model": "resnet18"], "at most 16"),
      (right, ["model": "resnet18", "image": "3x9999x9999"], "'image'"),
      (right, ["model": "resnet18", "width": "nan"], "width"),
      (right, ["model": "resnet18", "width": "1e300"], "width"),
    ]
    for (arrays, metadata, word) in cases {
      let error = #expect(throws: InputError.self, "\(word)") {
        try WeightedNetwork(file(arrays, metadata), model: nil, imageSize: nil)
      }
      #expect(error?.description.contains(word) == true, "\(word): \(error as Any)")
    }
  }
}
