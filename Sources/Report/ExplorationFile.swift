// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Processor
import Studies
import Synchronization
import Training

/// The results of a sweep as a CSV file that grows line by line, so that a sweep can be stopped and
/// continued, and a chart of it.
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
      "dram_devices", "utilization", "command",
    ]).joined(separator: ",")
  }

  private func line(_ point: Exploration.Point) -> String {
    let settings = zip(axes, point.values).map { (key: $0.key, value: $1) }
    let numbers = [
      "\(point.multipliers)", "\(point.cycles)", "\(point.seconds)", "\(point.coreMillijoules)",
      "\(point.millijoules)", "\(point.squareMillimetres)", "\(point.dramDevices)",
      "\(point.utilization)",
    ]
    return (point.values + numbers + [csvCell(command(settings))]).joined(separator: ",")
  }

  private func point(_ line: Substring) -> Exploration.Point? {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let n = axes.count
    guard cells.count >= n + 9, let multipliers = Int(cells[n]), let cycles = Int(cells[n + 1]),
      let seconds = Double(cells[n + 2]), let core = Double(cells[n + 3]),
      let all = Double(cells[n + 4]), let area = Double(cells[n + 5]),
      let devices = Int(cells[n + 6]), let utilization = Double(cells[n + 7])
    else { return nil }
    let found = Exploration.Point(
      values: Array(cells[..<n]), multipliers: multipliers, cycles: cycles, seconds: seconds,
      coreMillijoules: core, millijoules: all, squareMillimetres: area, dramDevices: devices,
      utilization: utilization)
    // A line of another workload is another one.
    return self.line(found) == line ? found : nil
  }

  /// The content of a file of this sweep.
  ///
  /// - Throws: `FileError` for a file that is none.
  private func known(in file: String) throws(FileError) -> [Exploration.Point] {
    let text: String
    do {
      text = try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      throw foreign("it cannot be read as a table (\(plainReason(error)))")
    }
    if text.isEmpty { return [] }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines[0] == header else { throw foreign("its first line is not that of this sweep") }
    var found: [Exploration.Point] = []
    // The last one may have been cut off, and is computed again.
    for (index, line) in lines.enumerated().dropFirst().dropLast() {
      guard let point = point(line) else {
        throw foreign("line \(index + 1) is of another workload or machine, or none of ours")
      }
      found.append(point)
    }
    return found
  }

  private func foreign(_ reason: String) -> FileError {
    FileError(
      path, "add this sweep's results",
      reason: reason + "; choose another --output, or move the file away")
  }

  /// Simulates all combinations that the output lacks, several at a time, and writes the chart.
  ///
  /// A file grows line by line, so that it can be gone on with; a pipe or a device gets the whole
  /// table at the end, and no chart.
  ///
  /// - Parameters:
  ///   - shouldStop: asked before each combination.
  ///   - ranks: the processes that share the combinations; the first one writes. nil for one process.
  ///   - report: told how many of how many are done.
  /// - Returns: the results, in the order of the combinations; nil when it was stopped, and on all ranks
  ///   but the first.
  /// - Throws: `FileError` for an output that is not of this sweep, before anything is computed; the
  ///   first error of a combination, or of writing. What was finished stays in the file.
  public func run(
    _ exploration: Exploration, _ workload: Workload, threads: Int, ranks: (any Ranks)? = nil,
    shouldStop: @escaping @Sendable () -> Bool,
    report: @escaping @Sendable (Int, Int) -> Void
  ) throws -> [Exploration.Point]? {
    let combinations = exploration.combinations
    if let ranks, !ranks.isFirst {
      try help(ranks, exploration, workload, threads: threads, shouldStop: shouldStop)
      return nil
    }
    guard let growing = try GrowingFile(path) else {
      // Opened first, so that nothing is computed for an output that cannot be written.
      let stream = try OutputFile(path)
      let points = try compute(
        exploration, workload, known: [], threads: threads, ranks: ranks,
        shouldStop: shouldStop, report: report, found: { _ in })
      guard points.count == combinations.count else { return nil }
      try stream.write(Data(table(points).utf8))
      try stream.close()
      return points
    }
    let known = try known(in: growing.path)
    try checkChart(isOurs: growing.isOld)
    try growing.replace(with: table(known))
    let points = try compute(
      exploration, workload, known: known, threads: threads, ranks: ranks, shouldStop: shouldStop,
      report: report, found: { try growing.append(line($0) + "\n") })
    try growing.replace(with: table(points))
    try writeAtomically(Data(chart(points).utf8), to: URL(fileURLWithPath: chartPath))
    return points.count == combinations.count ? points : nil
  }

  /// The results, in the order of the combinations, whichever was finished first.
  private func compute(
    _ exploration: Exploration, _ workload: Workload, known: [Exploration.Point], threads: Int,
    ranks: (any Ranks)?, shouldStop: @escaping @Sendable () -> Bool,
    report: @escaping @Sendable (Int, Int) -> Void,
    found: @escaping @Sendable (Exploration.Point) throws -> Void
  ) throws -> [Exploration.Point] {
    let combinations = exploration.combinations
    var all = Dictionary(known.map { ($0.values, $0) }, uniquingKeysWith: { $1 })
    let missing = combinations.filter { all[$0] == nil }
    if let ranks {
      _ = ranks.first(try JSONEncoder().encode(missing))
      try computeTogether(
        missing, ranks, exploration, workload, threads: threads, shouldStop: shouldStop
      ) { points in
        for point in points {
          try found(point)
          all[point.values] = point
        }
        report(all.count, combinations.count)
      }
    } else {
      let done = Mutex(all.count)
      let points = try compute(
        missing, exploration, workload, threads: threads, shouldStop: shouldStop
      ) { point in
        try found(point)
        report(
          done.withLock {
            $0 += 1
            return $0
          }, combinations.count)
      }
      for point in points { all[point.values] = point }
    }
    return combinations.compactMap { all[$0] }
  }

  /// The part of a rank that is not the first.
  private func help(
    _ ranks: any Ranks, _ exploration: Exploration, _ workload: Workload, threads: Int,
    shouldStop: @escaping @Sendable () -> Bool
  ) throws {
    let missing = try JSONDecoder().decode([[String]].self, from: ranks.first(Data()))
    try computeTogether(
      missing, ranks, exploration, workload, threads: threads, shouldStop: shouldStop
    ) { _ in }
  }

  /// Simulates combinations in rounds, of each a few on every rank, so that what a round has found is in
  /// the file before the next one.
  private func computeTogether(
    _ missing: [[String]], _ ranks: any Ranks, _ exploration: Exploration, _ workload: Workload,
    threads: Int, shouldStop: @escaping @Sendable () -> Bool,
    found: ([Exploration.Point]) throws -> Void
  ) throws {
    struct Reply: Codable {
      let points: [Exploration.Point]
      let stops: Bool
    }
    // As many as threads would leave one idle at the end of a round for as long as points differ.
    let share = 4 * threads
    for start in stride(from: 0, to: missing.count, by: share * ranks.count) {
      // Neighbours take similar times: each rank gets some of them.
      let round = missing[start..<min(missing.count, start + share * ranks.count)]
      let own = round.enumerated().filter { $0.offset % ranks.count == ranks.rank }.map(\.element)
      let points = try compute(
        own, exploration, workload, threads: threads, shouldStop: shouldStop
      ) { _ in }
      let replies = try ranks.gather(
        JSONEncoder().encode(Reply(points: points, stops: shouldStop()))
      ).map { try JSONDecoder().decode(Reply.self, from: $0) }
      try found(replies.flatMap(\.points))
      if replies.contains(where: \.stops) { return }
    }
  }

  /// Simulates combinations on threads, until it should stop.
  private func compute(
    _ missing: [[String]], _ exploration: Exploration, _ workload: Workload, threads: Int,
    shouldStop: @escaping @Sendable () -> Bool,
    found: @escaping @Sendable (Exploration.Point) throws -> Void
  ) throws -> [Exploration.Point] {
    struct State {
      var next = 0
      var points: [Exploration.Point] = []
      var failure: (any Error)?
    }
    let state = Mutex(State())
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
            let point = try outcome.get()
            try found(point)
            state.points.append(point)
          } catch {
            state.failure = state.failure ?? error
          }
        }
      }
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    return state.withLock { $0.points }
  }

  private func table(_ points: [Exploration.Point]) -> String {
    ([header] + points.map(line)).joined(separator: "\n") + "\n"
  }

  private static let chartTitle = "Time and energy of a training step (modelled)"

  /// A chart next to a new table, or one of another title, belongs to the user.
  private func checkChart(isOurs: Bool) throws(FileError) {
    guard let old = FileManager.default.contents(atPath: chartPath) else { return }
    guard isOurs, String(decoding: old, as: UTF8.self).contains(Self.chartTitle) else {
      throw FileError(
        chartPath, "write the chart",
        reason: "something else is there; choose another --output, or move it away")
    }
  }

  private var isFile: Bool { (try? GrowingFile.isStream(path)) == false }

  private var chartPath: String {
    (path.hasSuffix(".csv") ? String(path.dropLast(4)) : path) + ".svg"
  }

  private func chart(_ all: [Exploration.Point]) -> String {
    ScatterChart(
      title: Self.chartTitle,
      xTitle: "milliseconds; circles: area of the chip, red: Pareto set, labelled with "
        + axes.map(\.key).joined(separator: ", "),
      yTitle: "millijoules, DRAM included",
      points: all.map { point in
        ScatterChart.Point(
          x: point.seconds * 1e3, y: point.millijoules,
          size: point.squareMillimetres,
          highlighted: point.isParetoOptimal(among: all),
          title: zip(axes, point.values).map { "\($0.key) \($1)" }.joined(separator: ", ")
            + String(format: ", %.2f mm²", point.squareMillimetres),
          label: point.values.joined(separator: ", "))
      }
    ).svg
  }

  /// The Pareto set of results as a table, fastest first.
  public func summary(_ all: [Exploration.Point]) -> String {
    let best = all.filter { $0.isParetoOptimal(among: all) }.sorted { $0.seconds < $1.seconds }
    var table = TextTable(
      axes.map(\.key) + [
        "multipliers", "time", "energy with DRAM", "core energy", "mm²", "DRAM devices",
        "utilisation",
      ])
    for point in best {
      table.add(
        point.values + [
          "\(point.multipliers)", Amount.seconds(point.seconds),
          Amount.joules(picojoules: point.millijoules * 1e9),
          Amount.joules(picojoules: point.coreMillijoules * 1e9),
          String(format: "%.2f", point.squareMillimetres), "\(point.dramDevices)",
          Amount.percent(point.utilization),
        ])
    }
    return """
      Pareto set of \(Exploration.Point.objectiveNames.joined(separator: ", ")): \(best.count) of \(all.count) (modelled)

      \(table.text)

      All combinations: \(path)\(isFile ? "; chart: \(chartPath)" : "")
      """
  }
}
