// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

extension Trainer {
  /// Measures steps of the trained network interleaved with its dense twin, and summarises the whole run.
  ///
  /// The weights of the trained network do not change. Nothing is written: see `write`.
  public func summarize() throws -> RunSummary {
    let memory = peakMemoryBytes()
    let times = try stepTimes(rounds: 7)
    return RunSummary(
      testAccuracy: progress.testAccuracy, testLoss: progress.testLoss, sparsity: model.sparsity,
      macDensity: model.macDensity,
      stepMilliseconds: times.sparse, denseStepMilliseconds: times.dense, speedup: times.speedup,
      profile: times.profile,
      run: folder?.url.path ?? "", epochs: progress.epoch, steps: progress.step,
      epochSeconds: epochSeconds, loaderWaitingSeconds: waitingSeconds,
      arenaBytes: model.arenaBytes, arenaBytesUnshared: model.unsharedBytes,
      peakMemoryBytes: memory, layers: model.layerSparsities, model: model.network.name,
      data: data.name, seed: configuration.seed, version: swpuVersion,
      machine: Machine(model.engine), dense: nil, exchange: exchange, processor: nil)
  }

  /// Writes `summary.json`.
  public func write(_ summary: RunSummary) throws {
    guard let folder else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try writeAtomically(encoder.encode(summary), to: folder.summary)
  }

  /// Median milliseconds of a step of this network and of a dense one, on one batch, and of their
  /// parts.
  private func stepTimes(rounds: Int) throws
    -> (sparse: Double, dense: Double, speedup: Speedup, profile: StepProfile)
  {
    let sparse = model
    // In the memory of the trained network's passes, so that a training that fits also ends.
    let dense = try Model(sharingMemoryOf: model, seed: configuration.seed)
    let optimizer = configuration.optimizerSettings
    optimizer.prepare(dense.parameters)
    let batch = try firstBatch()
    dense.stage(batch.images)
    sparse.stage(batch.images)
    // A step at rate 0 computes all that a step computes and leaves the weights as they are; the
    // running statistics and the optimiser's state do change, after the last checkpoint.
    func step(_ model: Model, _ clock: StepClock?) {
      clock?.start()
      model.forward(images: batch.count, training: true, seed: 0, clock: clock)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: batch.labels, images: batch.count)
      clock?.lap(.loss)
      model.backward(
        images: batch.count, seed: 0, denseGradients: false, observes: false, clock: clock)
      optimizer.update(
        model.parameters, rate: 0, step: progress.step, gradientScale: 1, engine: model.engine)
      clock?.lap(.optimiser)
    }
    step(dense, nil)
    step(sparse, nil)
    let (sparseClock, denseClock) = (StepClock(), StepClock())
    var (sparseTimes, denseTimes) = (Samples(), Samples())
    let start = ProcessorTimes()
    for _ in 0..<rounds {
      sparseTimes.add(measureMilliseconds { step(sparse, sparseClock) })
      denseTimes.add(measureMilliseconds { step(dense, denseClock) })
    }
    let others = start.flatMap { start in ProcessorTimes().map { $0.otherPrograms(since: start) } }
    let speedup = Speedup(
      sparse: sparseTimes, dense: denseTimes, otherPrograms: others,
      processorsUsed: Double(model.engine.pool.threads) / Double(ThreadPool.processors))
    return (
      sparseTimes.median, denseTimes.median, speedup,
      StepProfile(sparseClock, dense: denseClock)
    )
  }

  private func firstBatch() throws(DatasetError) -> Batch {
    var batch = Batch()
    loader.start(epoch: 0)
    _ = try loader.next(into: &batch)
    loader.stop()
    return batch
  }

}
