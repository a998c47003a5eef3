import ArgumentParser
import Foundation
import Sparsity
import Tensor
import Training

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure this machine: single layers, or whole training steps.",
    discussion: """
      Everything is measured in turn, so that a drift of the machine meets all alike; figures are \
      medians. Benchmarks/peers/compare measures PyTorch beside it.
      """,
    subcommands: [LayersCommand.self, StepCommand.self])

  struct Common: ParsableArguments {
    @Option(parsing: .upToNextOption, help: "Images a step.")
    var batch: [Int] = [32]

    @Option(parsing: .upToNextOption, help: "Shares of the weights that are kept, 1 for dense.")
    var density: [Double] = [1, 0.1]

    @Option(help: "How masks are drawn: line or sub-structured.")
    var granularity = Granularity.subStructured

    @Option(help: "Samples of each figure.")
    var samples = 9

    @Flag(help: "Print one JSON document on standard output.")
    var json = false

    @OptionGroup(title: "Where to compute") var engineOptions: EngineOptions

    func validate() throws {
      if let bad = batch.first(where: { !(1...4096).contains($0) }) {
        throw ValidationError("--batch: \(bad) is not allowed; 1 to 4096")
      }
      if let bad = density.first(where: { $0 <= 0 || $0 > 1 }) {
        throw ValidationError("--density: \(bad) is not allowed; more than 0, at most 1")
      }
      if granularity != .line && granularity != .subStructured {
        throw ValidationError("--granularity: \(granularity.rawValue); line or sub-structured")
      }
      if !(1...10_000).contains(samples) {
        throw ValidationError("--samples: \(samples) is not allowed; 1 to 10000")
      }
    }
  }

  struct Document<Row: Encodable>: Encodable {
    let rows: [Row]
    let machine: Machine
    let version: String
    /// Billions of operations a second with multiply-adds in registers, on all threads.
    let peakGflops: Double
    /// Largest difference between kernels and plain loops, relative to the largest value.
    let largestRelativeError: Double?
  }
}

struct LayersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "Forward, input gradient and weight gradient of single layers.",
    discussion: """
      The stages of ResNet-18, a layer of stride 2 and a 1x1 layer, against the peak of the machine: \
      multiply-adds in registers, measured in turn with the layers. Operations count kept weights \
      whose taps lie inside the map. The results of the sparsest case are checked against plain \
      loops first.

      Examples:
        swpu bench layers
        swpu bench layers --batch 16 32 128 --density 1 0.2 0.1 0.05 --granularity line
      """)

  @OptionGroup var common: BenchCommand.Common

  func run() throws {
    let engine = common.engineOptions.engine
    let sparsest = common.density.min() ?? 1
    var error = 0.0
    var rows: [LayerBenchmark.Row] = []
    var peak = Samples()
    for (name, geometry) in LayerBenchmark.layers {
      for batch in common.batch {
        var benchmarks = common.density.map {
          LayerBenchmark(
            name, geometry: geometry, batch: batch, density: $0, granularity: common.granularity,
            engine: engine)
        }
        if batch == common.batch[0], sparsest <= 0.2,
          let place = common.density.firstIndex(of: sparsest)
        {
          error = max(error, benchmarks[place].largestError())
        }
        var localPeak = Samples()
        for round in 0...common.samples {
          if round > 0 { localPeak.add(engine.measurePeak()) }
          for index in benchmarks.indices { benchmarks[index].measure(counts: round > 0) }
        }
        peak.add(localPeak.median)
        rows += benchmarks.flatMap { $0.rows(peak: localPeak.median) }
        if !common.json { note("\(name), batch \(batch): done") }
      }
    }
    if common.json {
      try printJSON(
        BenchCommand.Document(
          rows: rows, machine: Machine(engine), version: swpuVersion, peakGflops: peak.median,
          largestRelativeError: sparsest <= 0.2 ? error : nil))
      return
    }
    print("layer               pass             batch  density  median ms   GFLOP/s  % of peak")
    for row in rows {
      print(
        row.layer.padding(toLength: 20, withPad: " ", startingAt: 0)
          + row.pass.padding(toLength: 16, withPad: " ", startingAt: 0)
          + String(
            format: "%6d  %7.3f  %9.3f  %8.1f  %9.1f", row.batch, row.density,
            row.medianMilliseconds, row.gflopsOnNonZeros, row.percentOfPeak))
    }
    print(
      String(
        format: "peak: %.1f GFLOP/s on %d threads (%@)", peak.median,
        engine.pool.threads, engine.kernels.name))
    if sparsest <= 0.2 {
      print(String(format: "largest difference from plain loops: %.1e of the largest value", error))
    }
  }
}

struct StepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Whole training steps: forward, loss, both gradients, optimiser.",
    discussion: """
      On a batch of random 32x32 images that is there already, with SGD, momentum and weight decay.

      Examples:
        swpu bench step
        swpu bench step --model resnet18 --batch 32 128 --density 1 0.2 0.1 0.05
      """)

  @Option(parsing: .upToNextOption, help: "Networks.")
  var model: [ModelName] = [.resnet18, .resnet20]

  @OptionGroup var common: BenchCommand.Common

  func run() throws {
    let engine = common.engineOptions.engine
    var rows: [StepBenchmark.Row] = []
    var peak = Samples()
    for name in model {
      for batch in common.batch {
        var benchmarks: [StepBenchmark] = []
        for density in common.density {
          benchmarks.append(
            try StepBenchmark(
              name, batch: batch, density: density, granularity: common.granularity,
              engine: engine))
        }
        for _ in 0..<common.samples {
          for index in benchmarks.indices { benchmarks[index].measure() }
          peak.add(engine.measurePeak())
        }
        rows += benchmarks.map(\.row)
        if !common.json { note("\(name.rawValue), batch \(batch): done") }
      }
    }
    if common.json {
      try printJSON(
        BenchCommand.Document(
          rows: rows, machine: Machine(engine), version: swpuVersion, peakGflops: peak.median,
          largestRelativeError: nil))
      return
    }
    print("model        batch  density  granularity     median ms  images/s  against dense")
    for row in rows {
      let dense = rows.first { $0.model == row.model && $0.batch == row.batch && $0.density == 1 }
      let ratio = dense.map {
        String(format: "%12.1fx", $0.medianMilliseconds / row.medianMilliseconds)
      }
      print(
        row.model.padding(toLength: 13, withPad: " ", startingAt: 0)
          + String(format: "%5d  %7.3f  ", row.batch, row.density)
          + row.granularity.padding(toLength: 16, withPad: " ", startingAt: 0)
          + String(
            format: "%9.1f  %8.0f", row.medianMilliseconds,
            Double(row.batch) / row.medianMilliseconds * 1e3) + (ratio ?? ""))
    }
  }
}
