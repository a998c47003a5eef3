// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Studies
import Tensor
import Training

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure layers, training steps or the processor model.",
    discussion: """
      All measurements are interleaved; figures are medians. Benchmarks/peers/compare measures PyTorch as \
      well.
      """,
    subcommands: [LayersCommand.self, StepCommand.self, SimulationBenchCommand.self])

  /// The granularities that have kernels of their own.
  enum Unit: String, CaseIterable, ExpressibleByArgument {
    case line
    case subStructured = "sub-structured"

    var granularity: Granularity { self == .line ? .line : .subStructured }
  }

  struct Common: ParsableArguments {
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Batch sizes.", valueName: "n"))
    var batch: [Int] = [32]

    @Option(
      parsing: .upToNextOption,
      help: "Densities of the weights, more than 0; 1: dense (default: 1 0.1).")
    var density: [Double] = []

    var densities: [Double] { density.isEmpty ? [1, 0.1] : density }

    @Option(
      help: ArgumentHelp(
        "Granularity of the random masks.", valueName: "unit"))
    var granularity = Unit.subStructured

    @Option(help: ArgumentHelp("Samples per figure, 1 or more.", valueName: "n"))
    var samples = 9

    @Flag(help: "Print JSON on standard output.")
    var json = false

    @OptionGroup(title: "Engine") var engineOptions: EngineOptions

    func validate() throws {
      if let bad = batch.first(where: { !(1...4096).contains($0) }) {
        throw ValidationError("--batch: \(bad) is not allowed; 1 to 4096")
      }
      if let bad = density.first(where: { $0 <= 0 || $0 > 1 }) {
        throw ValidationError("--density: \(bad) is not allowed; more than 0, at most 1")
      }
      if !(1...10_000).contains(samples) {
        throw ValidationError("--samples: \(samples) is not allowed; 1 to 10000")
      }
    }
  }
}

struct LayersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "Time the three passes of single layers.",
    usage: "swpu bench layers [<options>]",
    discussion: """
      Times the stages of ResNet-18, a layer of stride 2 and a 1x1 layer, interleaved with the peak of the \
      machine (multiply-adds in registers). Operations count kept weights whose taps lie inside the feature \
      map. Checks the results of the sparsest case against plain loops first.

      Examples:
        swpu bench layers
        swpu bench layers --batch 16 32 128 --density 1 0.2 0.1 0.05
      """)

  @OptionGroup var common: BenchCommand.Common

  func run() throws {
    let found = BenchmarkRun.layers(
      batches: common.batch, densities: common.densities,
      granularity: common.granularity.granularity,
      samples: common.samples, engine: common.engineOptions.engine
    ) { name, batch in
      if !common.json { note("\(name), batch \(batch): done") }
    }
    if common.json { return try printJSON(found) }
    print("layer               pass             batch  density  median ms   GFLOP/s  % of peak")
    for row in found.rows {
      print(
        row.layer.padding(toLength: 20, withPad: " ", startingAt: 0)
          + row.pass.padding(toLength: 16, withPad: " ", startingAt: 0)
          + String(
            format: "%6d  %7.3f  %9.3f  %8.1f  %9.1f", row.batch, row.density,
            row.medianMilliseconds, row.gflopsOnNonZeros, row.percentOfPeak))
    }
    print(
      String(
        format: "peak: %.1f GFLOP/s on %d threads (%@)", found.peakGflops,
        found.machine.threads, found.machine.kernels))
    if let error = found.largestRelativeError {
      print(String(format: "largest difference from plain loops: %.1e of the largest value", error))
    }
  }
}

struct StepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Time training steps: forward, loss, both gradients, optimiser.",
    usage: "swpu bench step [<options>]",
    discussion: """
      Uses a batch of random images in memory, and SGD with momentum and weight decay.

      Examples:
        swpu bench step
        swpu bench step --model resnet18 --batch 32 128 --density 1 0.2 0.1
        swpu bench step --batch 32 --density 0.1 --precision fp32 bf16
        swpu bench step --model resnet18 --masks runs/one/masks/step-00000200.masks
        swpu bench step --model resnet50 --image-size 224 --batch 8
        swpu bench step --density 0.1 --mask-updates   what an update adds to a step
      """)

  @Option(parsing: .upToNextOption, help: "Networks.")
  var model: [ModelName] = [.resnet18, .resnet20]

  @Option(
    parsing: .upToNextOption, help: "Precisions of activations and gradients: fp32, bf16.")
  var precision: [Precision] = [.fp32]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Snapshots of runs, whose masks take the place of random ones; --density adds those.",
      valueName: "file"))
  var masks: [String] = []

  @Option(
    help: ArgumentHelp("Rows and columns of the images in pixels, 8 to 1024.", valueName: "n"))
  var imageSize = 32

  @Flag(
    help: ArgumentHelp(
      "Time mask updates, too: what one adds to a step while units are exchanged, and while the "
        + "density falls."))
  var maskUpdates = false

  @OptionGroup var common: BenchCommand.Common

  func validate() throws {
    if !(8...1024).contains(imageSize) {
      throw ValidationError("--image-size: \(imageSize) is not allowed; 8 to 1024")
    }
  }

  func run() throws {
    let found = try BenchmarkRun.steps(
      models: model, batches: common.batch,
      densities: masks.isEmpty ? common.densities : common.density,
      granularity: common.granularity.granularity,
      masks: masks.map { ($0, try MaskSnapshot(path: $0)) },
      imageSize: imageSize,
      precisions: precision, samples: common.samples, updatesMasks: maskUpdates,
      engine: common.engineOptions.engine
    ) { name, batch in
      if !common.json { note("\(name.rawValue), batch \(batch): done") }
    }
    if common.json { return try printJSON(found) }
    print("model        batch  density  masks    precision  median ms  images/s  vs dense")
    for row in found.rows {
      let dense = found.rows.first {
        $0.model == row.model && $0.batch == row.batch && $0.precision == row.precision
          && $0.density == 1
      }
      let ratio = dense.map {
        String(format: "%8.1fx", $0.medianMilliseconds / row.medianMilliseconds)
      }
      let texts = [
        row.model.padding(toLength: 13, withPad: " ", startingAt: 0),
        String(format: "%5d  %7.3f  ", row.batch, row.density),
        row.masks.padding(toLength: 9, withPad: " ", startingAt: 0),
        row.precision.padding(toLength: 11, withPad: " ", startingAt: 0),
        String(
          format: "%9.1f  %8.0f", row.medianMilliseconds,
          Double(row.batch) / row.medianMilliseconds * 1e3), ratio ?? "",
      ]
      print(texts.joined())
      if let exchange = row.exchangeMilliseconds, let thinning = row.thinningMilliseconds {
        print(
          String(
            format: "  a mask update adds %.1f ms with an exchange, %.1f ms without", exchange,
            thinning))
      }
    }
  }
}
