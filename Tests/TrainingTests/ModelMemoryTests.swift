// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite("Memory of a model")
struct ModelMemoryTests {
  private let images = MapShape(channels: 3, height: 32, width: 32)

  @Test("A network that no machine holds is an error that names what would need less")
  func tooLarge() throws {
    let network = try ModelName.resnet50.network(input: images, classes: 10, width: 16)
    let error = #expect(throws: MemoryError.self) {
      _ = try Model(network, engine: Engine(threads: 1), batch: 4096, seed: 1)
    }
    let message = try #require(error?.description)
    for word in ["resnet50", "4096", "3@32x32", "GiB", "smaller batch, width or image size"] {
      #expect(message.contains(word), "\(message)")
    }
    #expect(!message.contains("\n"))
  }

  @Test("The limit is what the arena, the images and the weights take together")
  func limit() throws {
    let network = try ModelName.lenet5.network(input: images, classes: 10)
    let arena = 1 << 20
    let memory = ModelMemory(network, batch: 8, arenaBytes: arena)
    // Five values for each weight, one for each value of an image.
    let needed = arena + 20 * network.parameterCount + 4 * 8 * images.count
    #expect(try memory.arena(machineBytes: UInt64(needed)).byteCount >= arena)
    let error = #expect(throws: MemoryError.self) {
      _ = try memory.arena(machineBytes: UInt64(needed - 1))
    }
    #expect(error?.activationBytes == arena + 4 * 8 * images.count)
    #expect(error?.weightBytes == 20 * network.parameterCount)
  }

  @Test("A model takes no more than was checked")
  func arenaIsChecked() throws {
    let network = try ModelName.lenet5.network(input: images, classes: 10)
    let model = try Model(network, engine: Engine(threads: 1), batch: 8, seed: 1)
    let memory = ModelMemory(network, batch: 8, arenaBytes: model.arenaBytes)
    let values = model.parameters.reduce(0) { $0 + $1.values.count + $1.gradient.count }
    #expect(4 * values <= memory.weightBytes)
  }

  @Test("Two models in the same memory compute what each computes in its own")
  func sharedMemory() throws {
    let network = try ModelName.lenet5.network(input: images, classes: 10)
    let engine = Engine(threads: 2)
    let first = try Model(network, engine: engine, batch: 8, seed: 1)
    let second = try Model(sharingMemoryOf: first, seed: 2)
    let alone = try Model(network, engine: engine, batch: 8, seed: 2)
    var random = SeededRandom(seed: 3)
    let batch = (0..<8 * images.count).map { _ in random.uniform() }
    func pass(_ model: Model) -> [[Float]] {
      model.forward(images: 8, training: true, seed: 4)
      let logits = model.logits(images: 8)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: Array(0..<8), images: 8)
      model.backward(images: 8, seed: 4, denseGradients: false)
      return [logits] + model.parameters.map { $0.gradient.array() }
    }
    for model in [first, second, alone] { model.stage(batch) }
    let expected = pass(first)
    #expect(pass(second) == pass(alone) && pass(second) != expected)
    #expect(pass(first) == expected)
  }
}
