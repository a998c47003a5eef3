// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor

/// What a run came to, as `summary.json` and `swpu train --json` have it.
public struct RunSummary: Codable, Sendable {
  /// Share of the test images that are classified rightly.
  public var testAccuracy: Double
  /// Mean loss of the test images.
  public var testLoss: Double
  /// Share of the prunable weights that is pruned.
  public var sparsity: Double
  /// Multiply-accumulates of a forward pass as a fraction of the dense network's; nil in runs of older
  /// versions.
  public var macDensity: Double?
  /// Median time of a training step with the final masks.
  public var stepMilliseconds: Double
  /// Median time of a step of the same network without pruning, measured in turn with the other.
  public var denseStepMilliseconds: Double
  /// How many times as fast the pruned step is; nil in runs of older versions.
  public var speedup: Speedup?
  /// Where the time of both steps goes; nil in runs of older versions.
  public var profile: StepProfile?
  /// The run's folder.
  public var run: String
  /// Epochs and steps done.
  public var epochs, steps: Int
  /// Seconds of each epoch, tests left out.
  public var epochSeconds: [Double]
  /// Seconds that the computation waited for data.
  public var loaderWaitingSeconds: Double
  /// Bytes of all activations and gradients in their planned memory, and without sharing.
  public var arenaBytes, arenaBytesUnshared: Int
  /// Largest resident memory of the program, before the dense network was timed.
  public var peakMemoryBytes: Int
  /// Every convolution and linear layer.
  public var layers: [LayerSparsity]
  /// The network, the data set, and the seed.
  public var model, data: String
  /// Seeds every random choice.
  public var seed: UInt64
  /// Of the program.
  public var version: String
  /// Where it ran.
  public var machine: Machine
  /// The twin without pruning, when it was trained too.
  public var dense: DenseTwin?

  /// What the ranks have exchanged; nil where one process trained.
  public var exchange: ExchangeReport?

  /// A step with the final masks on the model of the SWPU processor; nil before it was simulated.
  public var processor: ProcessorStep?

  /// A training step on a modelled processor, and on its dense baseline with as many multipliers.
  public struct ProcessorStep: Codable, Sendable {
    /// Name of the machine.
    public var machine: String
    /// Milliseconds of a step.
    public var milliseconds, denseMilliseconds: Double
    /// Millijoules of a step, DRAM included.
    public var millijoules, denseMillijoules: Double

    /// A modelled step.
    public init(
      machine: String, milliseconds: Double, denseMilliseconds: Double, millijoules: Double,
      denseMillijoules: Double
    ) {
      self.machine = machine
      self.milliseconds = milliseconds
      self.denseMilliseconds = denseMilliseconds
      self.millijoules = millijoules
      self.denseMillijoules = denseMillijoules
    }
  }

  /// What the same training without pruning came to.
  public struct DenseTwin: Codable, Sendable {
    /// Share of the test images that are classified rightly.
    public var testAccuracy: Double
    /// Seconds of each epoch, tests left out.
    public var epochSeconds: [Double]
    /// The twin's folder.
    public var run: String

    /// A twin's result.
    public init(testAccuracy: Double, epochSeconds: [Double], run: String) {
      self.testAccuracy = testAccuracy
      self.epochSeconds = epochSeconds
      self.run = run
    }
  }
}

/// The machine that a run ran on.
public struct Machine: Codable, Sendable {
  /// Name of the processor.
  public var processor: String
  /// Processors online.
  public var processors: Int
  /// Threads used.
  public var threads: Int
  /// Instruction set used, and the precision where it is not FP32.
  public var kernels: String
  /// Operating system.
  public var system: String

  /// This machine, as an engine uses it.
  public init(_ engine: Engine) {
    processor = Self.processorName
    processors = ThreadPool.processors
    threads = engine.pool.threads
    kernels = engine.name
    system = ProcessInfo.processInfo.operatingSystemVersionString
  }

  private static var processorName: String {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    for line in information.split(separator: "\n") where line.hasPrefix("model name") {
      return line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)
    }
    return "unknown"
  }
}

/// The program's version, which runs record.
public let swpuVersion = "0.1.0"

/// Largest resident memory of this program so far, in bytes.
public func peakMemoryBytes() -> Int {
  var usage = rusage()
  #if os(Linux)
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #endif
}
