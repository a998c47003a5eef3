// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Pruning
import Tensor
import Training

/// Whole training steps, everything included: forward, loss, backward, optimiser, on a batch that is
/// there already; and mask updates.
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
    /// What chose the masks: chance, or a training whose snapshot was given.
    public let masks: String
    /// What activations and gradients were held in.
    public let precision: String
    /// Instruction set.
    public let kernels: String
    /// Median time of a step.
    public let medianMilliseconds: Double
    /// All times.
    public let samples: [Double]
    /// Median time that an update of the masks adds to a step while units are exchanged, which takes the
    /// gradients of pruned weights, and while the density falls, which takes none; absent unless asked for.
    public let exchangeMilliseconds, thinningMilliseconds: Double?
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
  private let isTrained: Bool
  private let batch: Int
  private let labels: [Int32]
  private let optimizer = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 5e-4)
  private let loss = SoftmaxCrossEntropy()
  private var samples = Samples()
  private var exchanges = Samples()
  private var thinnings = Samples()

  /// Lays out a network for images of `imageSize` rows and columns in ten classes
  /// and prunes it by the magnitude of its first weights.
  ///
  /// - Throws: `NetworkError`, `MemoryError`.
  public init(
    _ name: ModelName, batch: Int, density: Double, granularity: Granularity, engine: Engine,
    imageSize: Int = 32
  ) throws {
    try self.init(
      name, batch: batch, density: density, granularity: density < 1 ? granularity : .dense,
      isTrained: false, engine: engine, imageSize: imageSize)
    if density < 1 {
      var pruning = PruningConfiguration()
      pruning.granularity = granularity
      pruning.sparsity = 1 - density
      for layer in model.convolutions where layer.isPrunable {
        let pruner = LayerPruner(shape: layer.filterShape, configuration: pruning)
        layer.apply(pruner.initialMask(weights: layer.denseWeights, density: density))
      }
    }
    runStep()
  }

  /// Lays out a network and prunes it as a training run of it did.
  ///
  /// - Precondition: the snapshot fits the network (`MaskSnapshot.fits`).
  /// - Throws: `NetworkError`, `MemoryError`.
  public init(
    _ name: ModelName, batch: Int, masks snapshot: MaskSnapshot, engine: Engine,
    imageSize: Int = 32
  ) throws {
    precondition(snapshot.fits(name, imageSize: imageSize), "a snapshot of another network")
    let pruned = snapshot.layers.filter { $0.granularity != .dense }.map(\.mask)
    let all = pruned.reduce(0) { $0 + $1.shape.count }
    let kept = pruned.reduce(0) { $0 + $1.keptElements }
    try self.init(
      name, batch: batch, density: all == 0 ? 1 : Double(kept) / Double(all),
      granularity: snapshot.layers.map(\.granularity).first { $0 != .dense } ?? .dense,
      isTrained: true, engine: engine, imageSize: imageSize)
    for (layer, pruned) in zip(model.convolutions, snapshot.layers) where layer.isPrunable {
      layer.apply(pruned.mask)
    }
    runStep()
  }

  private init(
    _ name: ModelName, batch: Int, density: Double, granularity: Granularity, isTrained: Bool,
    engine: Engine, imageSize: Int
  ) throws {
    let input = MapShape(channels: 3, height: imageSize, width: imageSize)
    let network = try name.network(input: input, classes: 10)
    model = try Model(network, engine: engine, batch: batch, seed: 1)
    self.density = density
    self.granularity = granularity
    self.isTrained = isTrained
    self.batch = batch
    optimizer.prepare(model.parameters)
    var random = SeededRandom(seed: 1)
    model.stage((0..<batch * input.count).map { _ in random.normal() })
    labels = (0..<batch).map { Int32($0 % 10) }
  }

  /// Times one more step.
  public mutating func measure() {
    samples.add(measureMilliseconds(runStep))
  }

  /// Times a step with a mask update of each kind; the masks are others afterwards.
  ///
  /// A run updates its masks every 100 steps or so: of 1,000 steps the first 500 only thin, those up to 750
  /// exchange.
  public mutating func measureUpdates() {
    var pruning = PruningConfiguration()
    pruning.granularity = granularity
    pruning.sparsity = 1 - density
    guard
      let pruner = NetworkPruner(
        pruning, model: model, totalSteps: 1000, stepsPerEpoch: 1000, seed: 1)
    else { return }
    let plain = samples.median
    exchanges.add(measureMilliseconds { runStep(updating: pruner, at: 600) } - plain)
    thinnings.add(measureMilliseconds { runStep(updating: pruner, at: 400) } - plain)
  }

  private func runStep() { runStep(updating: nil, at: 1) }

  private func runStep(updating pruner: NetworkPruner?, at step: Int) {
    model.forward(images: batch, training: true)
    _ = model.evaluate(loss, labels: labels, images: batch)
    model.backward(
      images: batch, denseGradients: pruner?.needsGradients(at: step) ?? false)
    // A rate that hardly moves the weights: thousands of steps on one batch must not end in numbers
    // that the machine computes at another speed.
    optimizer.update(
      model.parameters, rate: 1e-6, step: 1, gradientScale: 1, engine: model.engine)
    if let pruner {
      pruner.update(at: step, on: model.engine)
      model.dropObservations()
    }
  }

  /// What has been measured so far.
  public var row: Row {
    Row(
      model: model.network.name, pass: "step", batch: batch, threads: model.engine.pool.threads,
      density: density, granularity: granularity.rawValue,
      masks: granularity == .dense ? "none" : isTrained ? "trained" : "random",
      precision: model.engine.precision.rawValue, kernels: model.engine.kernels.name,
      medianMilliseconds: samples.median, samples: samples.milliseconds,
      exchangeMilliseconds: exchanges.milliseconds.isEmpty ? nil : exchanges.median,
      thinningMilliseconds: thinnings.milliseconds.isEmpty ? nil : thinnings.median,
      parameters: model.network.parameterCount, macs: model.network.denseMACs,
      arenaBytes: model.arenaBytes)
  }
}
