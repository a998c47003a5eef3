// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Training

@main
enum Main {
  static func main() {
    StandardStreams.prepare()
    do {
      var command = try command(Array(CommandLine.arguments.dropFirst()))
      try command.run()
      World.finish()
    } catch {
      World.exit(withError: error)
    }
  }

  /// The command that the words of a command line ask for.
  private static func command(_ words: [String]) throws -> any ParsableCommand {
    let words = try Arguments.prepared(words)
    do {
      return try SWPU.parseAsRoot(words)
    } catch {
      if SWPU.exitCode(for: error) != .success,
        let unknown = UnknownOption(in: words, of: SWPU.self)
      {
        throw ValidationError(unknown.message)
      }
      throw error
    }
  }
}

struct SWPU: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swpu",
    abstract: "Prune while you train, and actually get faster.",
    discussion: """
      Trains convolutional networks on CPUs and prunes them during training in sub-structures: whole shapes \
      and single kernel rows (lines). The forward pass and both gradients skip what is pruned, so a step gets \
      faster as the network gets sparser. An exact model of the SWPU processor simulates what was trained: \
      cycles, energy, baselines.

      Start here: swpu train, then swpu report RUN
      """,
    version: swpuVersion,
    subcommands: [
      TrainCommand.self, PredictCommand.self, EvaluateCommand.self, DataCommand.self,
      ExportCommand.self,
      BenchCommand.self, SimulateCommand.self, ExplainCommand.self, CompareCommand.self,
      ExploreCommand.self, PaperCommand.self, ReportCommand.self, HardwareCommand.self,
      RTLCommand.self,
    ])
}

/// Prints one JSON document on standard output.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Prints a line on standard error.
func note(_ text: String) { StandardStreams.note(text + "\n") }
