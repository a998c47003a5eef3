// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite("Networks")
struct ModelTests {
  /// Published parameter counts: torchvision's documentation for images of 224x224 in 1,000 classes
  /// (VGG-16 there has a bias in each convolution, 4,224 together, which batch norm makes useless).
  @Test(
    "Parameters of the published networks",
    arguments: [
      (ModelName.resnet18, 11_689_512), (.resnet34, 21_797_672), (.resnet50, 25_557_032),
      (.vgg16, 138_365_992 - 4_224), (.mobilenetv2, 3_504_872),
    ])
  func parameters(name: ModelName, count: Int) throws {
    let network = try name.network(
      input: MapShape(channels: 3, height: 224, width: 224), classes: 1000)
    #expect(network.parameterCount == count)
  }

  @Test("Multiply-accumulates of ResNet-18 at 224x224 are 1.81 G")
  func macs() throws {
    let network = try ModelName.resnet18.network(
      input: MapShape(channels: 3, height: 224, width: 224), classes: 1000)
    #expect(abs(Double(network.denseMACs) / 1e9 - 1.814) < 0.001)
  }

  @Test("Every network runs a step on small images", arguments: ModelName.allCases)
  func runs(name: ModelName) throws {
    let map = MapShape(channels: 3, height: 32, width: 32)
    let network = try name.network(input: map, classes: 7, width: 0.125)
    let model = try Model(network, engine: Engine(threads: 2), batch: 3, seed: 1)
    var random = SeededRandom(seed: 1)
    model.stage(randomValues(3 * map.count, &random))
    model.forward(images: 3, training: true, seed: 5)
    let result = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 3, 6], images: 3)
    #expect(result.loss.isFinite && result.loss > 0)
    model.backward(images: 3, seed: 5)
    for parameter in model.parameters {
      #expect(model.engine.squareSum(parameter.gradient).isFinite, "\(parameter.name)")
    }
    #expect(model.arenaBytes < model.unsharedBytes)
  }

  @Test(
    "The width multiplies the filters of every layer but the last; layers draw weights of their own"
  )
  func widths() throws {
    let map = MapShape(channels: 3, height: 32, width: 32)
    let network = try ModelName.resnet18.network(input: map, classes: 7, width: 0.5)
    let filters = network.convolutions.map(\.convolution.geometry.filters)
    #expect(filters.first == 32 && filters.last == 7)
    #expect(Set(filters) == [7, 32, 64, 128, 256])
    let model = try Model(
      ModelName.resnet20.network(input: map, classes: 7), engine: Engine(threads: 1), batch: 1,
      seed: 1)
    let equal = model.convolutions.filter { $0.geometry.filters == 16 && $0.geometry.rows == 3 }
      .dropFirst().map(\.denseWeights)
    #expect(equal.count == 6 && Set(equal).count == 6)
  }

  @Test("Grey images of 28x28 fit LeNet-5")
  func lenetOnGreyImages() throws {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 1, height: 28, width: 28), classes: 10)
    #expect(network.parameterCount == 61_706)
  }

  @Test("Sizes that do not fit are named")
  func misfits() throws {
    var network = Network(name: "wrong", input: MapShape(channels: 3, height: 4, width: 4))
    #expect(throws: NetworkError.self) {
      try network.convolution("big", network.input, filters: 2, kernel: 7)
    }
    let x = try network.convolution("conv", network.input, filters: 2, kernel: 3)
    #expect(throws: NetworkError.duplicateName("conv")) {
      try network.convolution("conv", x, filters: 2, kernel: 1)
    }
    let error = #expect(throws: NetworkError.self) { try network.add("sum", x, network.input) }
    #expect(error?.description.contains("sum") == true)
  }

  @Test("Padding images of a block influence nothing")
  func paddingLanes() throws {
    // The same five images alone and after a full batch has filled the memory with other values.
    let map = MapShape(channels: 3, height: 8, width: 8)
    let network = try ModelName.resnet20.network(input: map, classes: 4, width: 0.25)
    func gradients(dirty: Bool) throws -> [[Float]] {
      let model = try Model(network, engine: Engine(threads: 2), batch: 19, seed: 1)
      var random = SeededRandom(seed: 8)
      let images = randomValues(19 * map.count, &random)
      if dirty {
        model.stage(images.map { 1e3 * $0 + 7 })
        model.forward(images: 19, training: true)
        _ = model.evaluate(
          SoftmaxCrossEntropy(), labels: [Int32](repeating: 1, count: 19), images: 19)
        model.backward(images: 19)
      }
      model.stage(images)
      model.forward(images: 5, training: true)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 1, 2, 3, 0], images: 5)
      model.backward(images: 5)
      return model.parameters.map { $0.gradient.array() }
    }
    #expect(try gradients(dirty: false) == gradients(dirty: true))
  }

  @Test("Layers of one shape start with different weights, equal ones for equal seeds")
  func initialWeights() throws {
    var network = Network(name: "equal", input: MapShape(channels: 4, height: 4, width: 4))
    let first = try network.convolution("a", network.input, filters: 4, kernel: 3, padding: 1)
    try network.convolution("b", first, filters: 4, kernel: 3, padding: 1)
    func weights(seed: UInt64) throws -> [[Float]] {
      try Model(network, engine: Engine(threads: 1), batch: 1, seed: seed).parameters.map {
        $0.values.array()
      }
    }
    let weights1 = try weights(seed: 1)
    #expect(weights1.count == 2 && weights1[0] != weights1[1])
    #expect(try weights(seed: 1) == weights1)
    #expect(try weights(seed: 2)[0] != weights1[0])
  }

  @Test("A batch's images are read where they are, an array's are copied")
  func staging() throws {
    let map = MapShape(channels: 3, height: 8, width: 8)
    let network = try ModelName.resnet20.network(input: map, classes: 4, width: 0.25)
    let model = try Model(network, engine: Engine(threads: 1), batch: 2, seed: 1)
    var random = SeededRandom(seed: 9)
    var values = randomValues(2 * map.count, &random)
    func logits() -> [Float] {
      model.forward(images: 2, training: false)
      return model.logits(images: 2)
    }
    model.stage(values)
    let first = logits()
    let images = Tensor(values)
    values[0] += 1
    #expect(logits() == first)
    model.stage(images)
    #expect(logits() == first)
    images.store(values)
    #expect(logits() != first)
  }
}

@Suite("Arena")
struct ArenaPlanTests {
  @Test("Buffers that live at the same time do not overlap", arguments: ModelName.allCases)
  func noOverlap(name: ModelName) throws {
    let network = try name.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10, width: 0.5)
    let plan = ArenaPlan(network) { $0.count * 64 }
    #expect(plan.overlaps().isEmpty)
    #expect(plan.byteCount <= plan.unsharedByteCount)
  }
}

extension ArenaPlan {
  /// Pairs of buffers that share bytes while both live.
  func overlaps() -> [(Int, Int)] {
    var found: [(Int, Int)] = []
    for (first, a) in lives.enumerated() {
      for (second, b) in lives.enumerated() where first < second {
        if a.time.overlaps(b.time) && a.bytes.overlaps(b.bytes) { found.append((first, second)) }
      }
    }
    return found
  }
}
