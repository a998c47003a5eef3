// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Tensor

/// Threads and instruction set.
struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number of threads, 1 to 1024; results are bit-identical for any.", valueName: "n"))
  var threads = max(1, ThreadPool.processors / World.countHere)

  @Option(
    help: ArgumentHelp(
      "Instruction set of the kernels: \(Kernels.available.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var kernels = Kernels.best.name

  func validate() throws {
    if !(1...1024).contains(threads) {
      throw ValidationError("--threads: \(threads) is not allowed; 1 to 1024")
    }
    if !Kernels.available.contains(where: { $0.name == kernels }) {
      let names = Kernels.available.map(\.name).joined(separator: ", ")
      throw ValidationError("--kernels: '\(kernels)' is not one this CPU runs: \(names)")
    }
  }

  var engine: Engine {
    let chosen = Kernels.available.first { $0.name == kernels } ?? Kernels.best
    let engine = Engine(kernels: chosen, threads: threads)
    if let shortage = engine.pool.shortage {
      note(
        "Only \(engine.pool.threads) of \(threads) threads compute, half of those that could be started: "
          + "\(shortage). Results are the same."
      )
    }
    return engine
  }
}

extension Precision: ExpressibleByArgument {}
