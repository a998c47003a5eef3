// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Testing

@testable import Processor
@testable import RTL

/// Benches of `rtl/test` in tests.
enum Bench {
  typealias Outcome = RTLBench.Outcome

  /// Whether Verilator can be run.
  static let isAvailable = RTLBench.isAvailable

  /// Whether the thorough suites run too.
  static let isSlow = ProcessInfo.processInfo.environment["SWPU_SLOW_TESTS"] == "1"

  /// The folder of the hardware, next to the sources.
  static let hardware = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("rtl")

  /// Where benches are kept from one run of the tests to the next.
  static let kept = hardware.deletingLastPathComponent().appendingPathComponent(
    ".build/rtl-benches")

  /// A small machine with all that the core gains, for the benches that take streams and array together.
  static func wholeMachine(cores: Int) -> HardwareDescription {
    var machine = HardwareDescription.small
    machine.array.cores = cores
    machine.array.rows = 2
    machine.array.window = 4
    machine.array.sumBanks = 2
    machine.array.results = .bf16
    machine.techniques.reorderLines = .balanced
    machine.techniques.holdZeroLanes = true
    machine.memory.portElements = 4
    return machine
  }

  /// Builds a bench and runs it once on files of vectors.
  static func run(_ name: String, vectors: [String: String], argument: String? = nil) throws
    -> Outcome
  {
    let bench = try RTLBench(name, hardware: hardware, kept: kept)
    defer { bench.remove() }
    return try bench.run(vectors: vectors, argument: argument)
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs where Verilator is installed, and fails without it where it has to be.
  static var needsVerilator: Self {
    .enabled(
      if: Bench.isAvailable || RequiredTools.contains("verilator"),
      "Verilator is not installed; `make test` installs it")
  }
}
