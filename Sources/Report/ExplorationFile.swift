// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Studies
import Synchronization

/// The results of a sweep as a CSV file that grows line by line, so that a sweep can be stopped and
/// gone on with, and a chart of it.
public struct ExplorationFile: Sendable {
  private let path: String
  private let axes: [Exploration.Axis]
  private let command: @Sendable ([(key: String, value: String)]) -> String

  /// A file; nothing is read or written yet.
  ///
  /// - Parameter command: the command that makes one line again, from its settings.
  public init(
    path: String, axes: [Exploration.Axis],
    command: @escaping @Sendable ([(key: String, value: String)]) -> String
  ) {
    self.path = path
    self.axes = axes
    self.command = command
  }

  private var header: String {
    (axes.map(\.key) + [
      "multipliers", "cycles", "seconds", "core_millijoules", "millijoules", "square_millimetres",
      "utilization", "command",
    ]).joined(separator: ",")
  }

  private func line(_ point: Exploration.Point) -> String {
    let settings = zip(axes, point.values).map { (key: $0.key, value: $1) }
    let numbers = [
      "\(point.multipliers)", "\(point.cycles)", "\(point.seconds)", "\(point.coreMillijoules)",
      "\(point.millijoules)", "\(point.squareMillimetres)", "\(point.utilization)",
    ]
    return (point.values + numbers + [command(settings)]).joined(separator: ",")
  }

  private func point(_ line: Substring) -> Exploration.Point? {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let n = axes.count
    guard cells.count >= n + 8, let multipliers = Int(cells[n]), let cycles = Int(cells[n + 1]),
      let seconds = Double(cells[n + 2]), let core = Double(cells[n + 3]),
      let all = Double(cells[n + 4]), let area = Double(cells[n + 5]),
      let utilization = Double(cells[n + 6])
    else { return nil }
    let found = Exploration.Point(
      values: Array(cells[..<n]), multipliers: multipliers, cycles: cycles, seconds: seconds,
      coreMillijoules: core, millijoules: all, squareMillimetres: area, utilization: utilization)
    // A line of another workload, or one that was cut off, is computed anew.
    return self.line(found) == line ? found : nil
  }

  private var points: [Exploration.Point] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    let lines = text.split(separator: "\n")
    guard lines.first.map(String.init) == header else { return [] }
    return lines.dropFirst().compactMap { point($0) }
  }

  /// Simulates all combinations that the file lacks, several at a time, and writes the chart.
  ///
  /// - Parameters:
  ///   - shouldStop: asked before each combination.
  ///   - report: told how many of how many are done.
  /// - Returns: false when it was stopped.
  /// - Throws: the first error of a combination, or of writing; what was finished stays in the file.
  public func run(
    _ exploration: Exploration, _ workload: Workload, threads: Int,
    shouldStop: @escaping @Sendable () -> Bool,
    report: @escaping @Sendable (Int, Int) -> Void
  ) throws -> Bool {
    let known = points
    let combinations = exploration.combinations
    let missing = combinations.filter { values in !known.contains { $0.values == values } }
    try ([header] + known.map(line)).joined(separator: "\n").appending("\n")
      .write(toFile: path, atomically: true, encoding: .utf8)
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw ExplorationError(path: path)
    }
    try file.seekToEnd()
    struct State {
      var next = 0
      var done: Int
      var failure: (any Error)?
    }
    let state = Mutex(State(done: combinations.count - missing.count))
    DispatchQueue.concurrentPerform(iterations: min(threads, max(1, missing.count))) { _ in
      while !shouldStop() {
        let index = state.withLock { state -> Int? in
          guard state.failure == nil, state.next < missing.count else { return nil }
          state.next += 1
          return state.next - 1
        }
        guard let index else { return }
        let outcome = Result { try exploration.run(missing[index], workload) }
        state.withLock { state in
          do {
            try file.write(contentsOf: Data((line(outcome.get()) + "\n").utf8))
            state.done += 1
            report(state.done, combinations.count)
          } catch {
            state.failure = state.failure ?? error
          }
        }
      }
    }
    try file.close()
    if let failure = state.withLock({ $0.failure }) { throw failure }
    // In the order of the combinations, whichever was finished first.
    let found = Dictionary(points.map { ($0.values, $0) }, uniquingKeysWith: { $1 })
    try ([header] + combinations.compactMap { found[$0] }.map(line)).joined(separator: "\n")
      .appending("\n").write(toFile: path, atomically: true, encoding: .utf8)
    try chart.write(toFile: chartPath, atomically: true, encoding: .utf8)
    return points.count == combinations.count
  }

  private var chartPath: String {
    (path.hasSuffix(".csv") ? String(path.dropLast(4)) : path) + ".svg"
  }

  private var chart: String {
    let all = points
    return ScatterChart(
      title: "Time and energy of a training step (modelled)",
      xTitle: "milliseconds; circles: area of the chip, red: Pareto set",
      yTitle: "millijoules, core",
      points: all.map { point in
        ScatterChart.Point(
          x: point.seconds * 1e3, y: point.coreMillijoules,
          size: point.squareMillimetres,
          highlighted: point.isParetoOptimal(among: all),
          title: zip(axes, point.values).map { "\($0.key) \($1)" }.joined(separator: ", ")
            + String(format: ", %.2f mm²", point.squareMillimetres))
      }
    ).svg
  }

  /// The Pareto set as a table, fastest first.
  public var summary: String {
    let all = points
    let best = all.filter { $0.isParetoOptimal(among: all) }.sorted { $0.seconds < $1.seconds }
    var table = TextTable(
      axes.map(\.key) + ["multipliers", "time", "core energy", "mm²", "utilisation"])
    for point in best {
      table.add(
        point.values + [
          "\(point.multipliers)", Amount.seconds(point.seconds),
          Amount.joules(picojoules: point.coreMillijoules * 1e9),
          String(format: "%.2f", point.squareMillimetres), Amount.percent(point.utilization),
        ])
    }
    return """
      Pareto set of time, core energy and area: \(best.count) of \(all.count) (modelled)

      \(table.text)

      All combinations: \(path); chart: \(chartPath)
      """
  }
}

/// A file of results that could not be written.
public struct ExplorationError: Error, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The file and what was tried.
  public var description: String { "\(path): the results cannot be written there" }
}
