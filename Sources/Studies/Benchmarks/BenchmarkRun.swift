// SPDX-License-Identifier: Apache-2.0
import Files
import Masks
import Tensor
import Training

/// Benchmarks measured interleaved, so that a drift of the machine affects all alike.
public struct BenchmarkRun<Row: Encodable & Sendable>: Encodable, Sendable {
  /// The results.
  public let rows: [Row]
  /// Where they were measured.
  public let machine: Machine
  /// Of the program.
  public let version: String
  /// Billions of operations per second with multiply-adds in registers, on all threads.
  public let peakGflops: Double
  /// Largest difference between kernels and plain loops, relative to the largest value; absent where
  /// nothing was compared.
  public let largestRelativeError: Double?

  init(rows: [Row], engine: Engine, peak: Samples, largestRelativeError: Double? = nil) {
    self.rows = rows
    machine = Machine(engine)
    version = swpuVersion
    peakGflops = peak.median
    self.largestRelativeError = largestRelativeError
  }
}

extension BenchmarkRun where Row == LayerBenchmark.Row {
  /// Measures `LayerBenchmark.layers` at every batch size and density, against the peak of the
  /// machine, which is measured interleaved with them. The sparsest masks, of a density of at most 0.2,
  /// are checked against plain loops first.
  ///
  /// - Parameters:
  ///   - samples: times of each figure.
  ///   - report: called with the name of each layer and the batch size that is done.
  public static func layers(
    batches: [Int], densities: [Double], granularity: Granularity, samples: Int, engine: Engine,
    report: (String, Int) -> Void
  ) -> BenchmarkRun {
    let sparsest = densities.indices.min { densities[$0] < densities[$1] }
      .flatMap { densities[$0] <= 0.2 ? $0 : nil }
    var error: Double?
    var rows: [Row] = []
    var peak = Samples()
    for (name, geometry) in LayerBenchmark.layers {
      for batch in batches {
        var benchmarks = densities.map {
          LayerBenchmark(
            name, geometry: geometry, batch: batch, density: $0, granularity: granularity,
            engine: engine)
        }
        if batch == batches[0], let sparsest {
          error = max(error ?? 0, benchmarks[sparsest].largestError())
        }
        var localPeak = Samples()
        for round in 0...samples {
          if round > 0 { localPeak.add(engine.measurePeak()) }
          for index in benchmarks.indices { benchmarks[index].measure(counts: round > 0) }
        }
        peak.add(localPeak.median)
        rows += benchmarks.flatMap { $0.rows(peak: localPeak.median) }
        report(name, batch)
      }
    }
    return BenchmarkRun(rows: rows, engine: engine, peak: peak, largestRelativeError: error)
  }
}

extension BenchmarkRun where Row == StepBenchmark.Row {
  /// Measures training steps of networks at every batch size, density and precision.
  ///
  /// - Parameters:
  ///   - masks: snapshots of runs; each network is pruned by those of its layers, too.
  ///   - imageSize: rows and columns of an image.
  ///   - samples: times of each figure.
  ///   - updatesMasks: whether mask updates are measured as well.
  ///   - report: called with each network and the batch size that is done.
  /// - Throws: `NetworkError`, `MemoryError`; `InputError` for masks of no network here.
  public static func steps(
    models: [ModelName], batches: [Int], densities: [Double], granularity: Granularity,
    masks: [(file: String, snapshot: MaskSnapshot)] = [], imageSize: Int = 32,
    precisions: [Precision], samples: Int, updatesMasks: Bool = false, engine: Engine,
    report: (ModelName, Int) -> Void
  ) throws -> BenchmarkRun {
    for (file, snapshot) in masks
    where !models.contains(where: { snapshot.fits($0, imageSize: imageSize) }) {
      throw InputError(
        file: file, field: "layers", value: "those of another network",
        allowed: "those of " + models.map(\.rawValue).joined(separator: ", "))
    }
    var rows: [Row] = []
    var peak = Samples()
    for name in models {
      for batch in batches {
        var benchmarks = try densities.flatMap { density in
          try precisions.map { precision in
            try StepBenchmark(
              name, batch: batch, density: density, granularity: granularity,
              engine: engine.with(precision), imageSize: imageSize)
          }
        }
        for (_, snapshot) in masks where snapshot.fits(name, imageSize: imageSize) {
          benchmarks += try precisions.map { precision in
            try StepBenchmark(
              name, batch: batch, masks: snapshot, engine: engine.with(precision),
              imageSize: imageSize)
          }
        }
        for _ in 0..<samples {
          for index in benchmarks.indices { benchmarks[index].measure() }
          peak.add(engine.measurePeak())
        }
        for _ in 0..<(updatesMasks ? samples : 0) {
          for index in benchmarks.indices { benchmarks[index].measureUpdates() }
        }
        rows += benchmarks.map(\.row)
        report(name, batch)
      }
    }
    return BenchmarkRun(rows: rows, engine: engine, peak: peak)
  }
}
