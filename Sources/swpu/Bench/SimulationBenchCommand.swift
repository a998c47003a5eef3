// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Processor
import Report
import Studies

struct SimulationBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulation",
    abstract: "Measure the speed of the processor model on one core.",
    discussion: """
      Simulates a training step of ResNet-18 on one 224x224 image, sub-structured to 90 %, at the fast and \
      at the cycle-accurate level: from masks to cycles and counts.

      Example:
        swpu bench simulation --samples 5
      """)

  @Option(help: ArgumentHelp("Samples per figure, 1 or more.", valueName: "n"))
  var samples = 3

  @Flag(help: "Print JSON on standard output.")
  var json = false

  func validate() throws {
    if !(1...1000).contains(samples) {
      throw ValidationError("--samples: \(samples) is not allowed; 1 to 1000")
    }
  }

  private struct Row: Encodable {
    let level: Level
    let medianSeconds: Double
    let denseMACs, cycles: Int
    let denseMACsPerSecond: Double
  }

  func run() throws {
    let levels = [Level.fast, .cycle]
    var runs = [[SimulationBenchmark.Measurement]](repeating: [], count: levels.count)
    var seconds = [[Double]](repeating: [], count: levels.count)
    for _ in 0..<samples {
      for (index, level) in levels.enumerated() {
        runs[index] = SimulationBenchmark.run(level)
        seconds[index].append(runs[index].reduce(0) { $0 + $1.seconds })
      }
    }
    let rows = levels.indices.map { index in
      let median = seconds[index].sorted()[samples / 2]
      let products = runs[index].reduce(0) { $0 + $1.denseMACs }
      return Row(
        level: levels[index], medianSeconds: median, denseMACs: products,
        cycles: runs[index].reduce(0) { $0 + $1.cycles },
        denseMACsPerSecond: Double(products) / median)
    }
    if json { return try printJSON(rows) }
    var table = TextTable(["level", "median time", "dense MACs", "cycles", "dense MACs a second"])
    for row in rows {
      table.add([
        row.level.rawValue, Amount.seconds(row.medianSeconds), Amount.count(row.denseMACs),
        "\(row.cycles)", Amount.count(Int(row.denseMACsPerSecond)),
      ])
    }
    print(table.text)
  }
}
