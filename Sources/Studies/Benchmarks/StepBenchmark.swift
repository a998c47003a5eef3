// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Pruning
import Tensor
import Training

/// Whole training steps, everything included: forward, loss, backward, optimiser, on a batch that is
/// there already.
public struct StepBenchmark {
  /// A result of the benchmark.
  public struct Row: Codable, Sendable {
    /// The network.
    public let model: String
    /// Always `step`.
    public let pass: String
    /// Images a step.
    public let batch: Int
    /// Threads.
    public let threads: Int
    /// Density of the prunable weights.
    public let density: Double
    /// How they were pruned.
    public let granularity: String
    /// What activations and gradients were held in.
    public let precision: String
    /// Instruction set.
    public let kernels: String
    /// Median time of a step.
    public let medianMilliseconds: Double
    /// All times.
    public let samples: [Double]
    /// Weights of the dense network.
    public let parameters: Int
    /// Multiply-accumulates of a dense forward pass of one image.
    public let macs: Int
    /// Bytes of all activations and gradients.
    public let arenaBytes: Int
  }

  private let model: Model
  private let density: Double
  private let granularity: Granularity
  private let batch: Int
  private let labels: [Int32]
  private let optimizer = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 5e-4)
  private let loss = SoftmaxCrossEntropy()
  private var samples = Samples()

  /// Lays out a network for images of 32x32 in ten classes
  /// and prunes it by the magnitude of its first weights.
  ///
  /// - Throws: `NetworkError`, `MemoryError`.
  public init(
    _ name: ModelName, batch: Int, density: Double, granularity: Granularity, engine: Engine
  ) throws {
    let input = MapShape(channels: 3, height: 32, width: 32)
    let network = try name.network(input: input, classes: 10)
    model = try Model(network, engine: engine, batch: batch, seed: 1)
    self.density = density
    self.granularity = density < 1 ? granularity : .dense
    self.batch = batch
    optimizer.prepare(model.parameters)
    if density < 1 {
      var pruning = PruningConfiguration()
      pruning.granularity = granularity
      pruning.sparsity = 1 - density
      for layer in model.convolutions where layer.isPrunable {
        let pruner = LayerPruner(shape: layer.filterShape, configuration: pruning)
        layer.apply(pruner.initialMask(weights: layer.denseWeights, density: density))
      }
    }
    var random = SeededRandom(seed: 1)
    model.stage((0..<batch * input.count).map { _ in random.normal() })
    labels = (0..<batch).map { Int32($0 % 10) }
    runStep()
  }

  /// Times one more step.
  public mutating func measure() {
    samples.add(measureMilliseconds(runStep))
  }

  private func runStep() {
    model.forward(images: batch, training: true)
    _ = model.evaluate(loss, labels: labels, images: batch)
    model.backward(images: batch)
    // A rate that hardly moves the weights: thousands of steps on one batch must not end in numbers
    // that the machine computes at another speed.
    optimizer.update(
      model.parameters, rate: 1e-6, step: 1, gradientScale: 1, engine: model.engine)
  }

  /// What has been measured so far.
  public var row: Row {
    Row(
      model: model.network.name, pass: "step", batch: batch, threads: model.engine.pool.threads,
      density: density, granularity: granularity.rawValue,
      precision: model.engine.precision.rawValue, kernels: model.engine.kernels.name,
      medianMilliseconds: samples.median, samples: samples.milliseconds,
      parameters: model.network.parameterCount, macs: model.network.denseMACs,
      arenaBytes: model.arenaBytes)
  }
}
