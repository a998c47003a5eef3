// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// What `metrics.jsonl` holds of a run, checked.
public struct RunMetrics: Sendable {
  /// A line of kind `step`.
  public struct Step: Sendable {
    /// Steps done.
    public let step: Int
    /// Means over the epoch so far.
    public let loss, accuracy: Double
  }

  /// A line of kind `epoch`.
  public struct Epoch: Sendable {
    /// Steps done.
    public let step: Int
    /// What the epoch came to.
    public let report: EpochReport
  }

  /// A line of kind `masks`.
  public struct MaskUpdate: Sendable {
    /// Steps done.
    public let step: Int
    /// Share of the prunable weights that is pruned from here on.
    public let sparsity: Double
  }

  /// Every 50th step, oldest first.
  public private(set) var steps: [Step] = []
  /// The epochs, oldest first.
  public private(set) var epochs: [Epoch] = []
  /// The updates of masks, oldest first.
  public private(set) var maskUpdates: [MaskUpdate] = []

  /// The lines that cannot be used, and why; what stands behind them is there.
  public private(set) var problems: [String] = []

  /// Larger numbers are errors: nothing that a training measures reaches them.
  static let largest = 1e15

  private struct Line: Decodable {
    let kind: String
    let step: Int
  }

  /// Reads the lines of a file. A last line without its end is one that is being written, and left
  /// out; lines of kinds that this version does not know are left out as well. A line that cannot be
  /// read is named in `problems`.
  public init(_ data: Data, file: String) {
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.dropLast().enumerated() where !bytes.isEmpty {
      do throws(FileError) {
        try add(bytes, file, "line \(index + 1)")
      } catch {
        problems.append(error.description)
      }
    }
  }

  private mutating func add(_ bytes: Data, _ file: String, _ place: String) throws(FileError) {
    let line: Line = try Self.decode(bytes, file, place)
    func check(_ value: Double, _ field: String, most: Double) throws(FileError) {
      guard value >= 0, value <= most else {
        throw FileError(
          file, "read \(place)", reason: "\(field) is \(value); 0 to \(most) is allowed")
      }
    }
    try check(Double(line.step), "step", most: Self.largest)
    switch line.kind {
    case "step":
      let found: StepMetrics = try Self.decode(bytes, file, place)
      try check(found.loss, "loss", most: Self.largest)
      try check(found.accuracy, "accuracy", most: 1)
      steps.append(Step(step: line.step, loss: found.loss, accuracy: found.accuracy))
    case "epoch":
      let found: EpochReport = try Self.decode(bytes, file, place)
      try check(found.trainLoss, "trainLoss", most: Self.largest)
      try check(found.testLoss, "testLoss", most: Self.largest)
      try check(found.trainAccuracy, "trainAccuracy", most: 1)
      try check(found.testAccuracy, "testAccuracy", most: 1)
      try check(found.sparsity, "sparsity", most: 1)
      try check(found.macDensity ?? 0, "macDensity", most: 1)
      try check(found.seconds, "seconds", most: Self.largest)
      epochs.append(Epoch(step: line.step, report: found))
    case "masks":
      let found: MaskReport = try Self.decode(bytes, file, place)
      try check(found.sparsity, "sparsity", most: 1)
      maskUpdates.append(MaskUpdate(step: line.step, sparsity: found.sparsity))
    default: break
    }
  }

  private static func decode<Record: Decodable>(_ bytes: Data, _ file: String, _ place: String)
    throws(FileError) -> Record
  {
    do {
      return try JSONDecoder().decode(Record.self, from: Data(bytes))
    } catch {
      throw FileError(
        file, "read \(place)", reason: "it is not a record of a run: \(plainReason(error))")
    }
  }
}

extension RunFolder {
  /// Reads `metrics.jsonl`.
  ///
  /// - Throws: `FileError` where it is not there.
  public func readMetrics() throws(FileError) -> RunMetrics {
    guard let data = try readFileIfThere(metrics) else {
      throw FileError(
        metrics.path, "read the run's metrics",
        reason: "the file is not there; is '\(url.path)' the folder of a run?")
    }
    return RunMetrics(data, file: metrics.path)
  }

  /// Reads `summary.json`; nil for a run that has not ended.
  ///
  /// - Throws: `FileError` naming the field and what is allowed.
  public func readSummary() throws(FileError) -> RunSummary? {
    guard let data = try readFileIfThere(summary) else { return nil }
    let found: RunSummary
    do {
      found = try JSONDecoder().decode(RunSummary.self, from: data)
    } catch {
      throw FileError(summary.path, "read the run's summary", reason: plainReason(error))
    }
    let profile = found.profile?.entries ?? []
    let times: [(String, [Double])] = [
      ("stepMilliseconds", [found.stepMilliseconds]),
      ("denseStepMilliseconds", [found.denseStepMilliseconds]),
      ("epochSeconds", found.epochSeconds),
      ("profile", profile.flatMap { [$0.milliseconds, $0.denseMilliseconds] }),
    ]
    for (field, values) in times {
      if let bad = values.first(where: { $0 < 0 || $0 > RunMetrics.largest }) {
        throw FileError(
          summary.path, "read the run's summary",
          reason: "\(field) is \(bad); 0 to \(RunMetrics.largest) is allowed")
      }
    }
    for (field, value) in [
      ("testAccuracy", found.testAccuracy), ("sparsity", found.sparsity),
      ("macDensity", found.macDensity ?? 0),
    ]
    where !(0...1).contains(value) {
      throw FileError(
        summary.path, "read the run's summary", reason: "\(field) is \(value); 0 to 1 is allowed")
    }
    return found
  }
}
