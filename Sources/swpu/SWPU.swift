// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Training

@main
struct SWPU: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swpu",
    abstract: "Prune while you train, and actually get faster.",
    discussion: """
      Trains convolutional networks on CPUs while pruning them in sub-structures: whole shapes and \
      single kernel rows (lines). What is pruned is skipped in the forward pass and in both \
      gradients, so a step gets faster as the network gets sparser.

      A model of the SWPU processor runs what was trained: cycles, energy, baselines.

      Start here: swpu train, then swpu report RUN
      """,
    version: swpuVersion,
    subcommands: [
      TrainCommand.self, EvaluateCommand.self, DataCommand.self, ExportCommand.self,
      BenchCommand.self, SimulateCommand.self, ExplainCommand.self, CompareCommand.self,
      ExploreCommand.self, PaperCommand.self, ReportCommand.self, HardwareCommand.self,
      RTLCommand.self,
    ])
}

/// Prints one JSON document on standard output.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  let data = try encoder.encode(value)
  FileHandle.standardOutput.write(data + Data("\n".utf8))
}

/// Prints a line on standard error.
func note(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
