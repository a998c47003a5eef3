// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite("Tensors that wait in memory")
struct StoredTensorsTests {
  private func names(_ network: Network, _ stored: [Bool]) -> [String] {
    zip(network.nodes, stored).filter(\.1).map(\.0.name)
  }

  @Test("What mixes values and what sums them is stored; the rest is made again where it is read")
  func residual() throws {
    var network = Network(name: "n", input: MapShape(channels: 3, height: 8, width: 8))
    var x = try network.convolution("conv1", network.input, filters: 4, kernel: 3, padding: 1)
    x = try network.batchNorm("bn1", x, activation: .relu)
    let y = try network.convolution("conv2", x, filters: 4, kernel: 3, padding: 1)
    let z = try network.batchNorm("bn2", y, adding: x, activation: .relu)
    let pooled = try network.pool("pool", z, .max, size: 2)
    let dropped = try network.dropout("drop", pooled, probability: 0.5)
    let sum = try network.add("sum", dropped, pooled)
    try network.linear("fc", sum, outputs: 5)
    let stored = StoredTensors(network)
    // The logits are the loss's.
    #expect(names(network, stored.outputs) == ["conv1", "conv2", "bn2", "pool", "sum"])
    // A convolution's gradient is made from that of the norm behind it; conv2 reads bn1, pool bn2, and
    // fc the flattened sum. The dropout's and the pool's come from the sum's, value by value.
    #expect(names(network, stored.gradients) == ["bn1", "bn2", "fc.flatten"])
  }

  @Test("A training pass rounds, an evaluation does not")
  func passes() throws {
    let map = MapShape(channels: 3, height: 8, width: 8)
    let network = try ModelName.resnet20.network(input: map, classes: 4, width: 0.25)
    let model = try Model(network, engine: Engine(threads: 2), batch: 8, seed: 1)
    var random = SeededRandom(seed: 4)
    let images = randomValues(8 * map.count, &random)
    model.stage(images)
    func logits(training: Bool) -> [Float] {
      model.forward(images: 8, training: training)
      return model.logits(images: 8)
    }
    let training = logits(training: true)
    let evaluation = logits(training: false)
    model.storage.activations = .fp8e4m3
    #expect(logits(training: false) == evaluation)
    #expect(logits(training: true) != training)
    model.storage = StorageFormats()
    #expect(logits(training: true) == training)
  }
}
