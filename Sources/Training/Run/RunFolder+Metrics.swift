// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Where a training stood when it was saved, beside what the checkpoint holds: times, which are of
/// the clock and not of the training.
struct SaveReport: Codable {
  /// Seconds of the epoch under way.
  let seconds: Double
  /// Seconds that the computation has waited for data.
  let waitingSeconds: Double
}

/// What `metrics.jsonl` holds up to a checkpoint.
struct RecordedTimes {
  /// Seconds of each whole epoch.
  var epochs: [Double] = []
  /// Where training was saved; zeros where that was not recorded.
  var saved = SaveReport(seconds: 0, waitingSeconds: 0)
  /// What is amiss with the file.
  var problems: [String] = []
}

extension RunFolder {
  /// Keeps the lines of the metrics up to a checkpoint: what came after it is written anew. Lines that
  /// cannot be read stay where they are.
  ///
  /// - Throws: `FileError`.
  func trimMetrics(to progress: TrainingProgress) throws(FileError) -> RecordedTimes {
    var times = RecordedTimes()
    guard FileManager.default.fileExists(atPath: metrics.path) else {
      if progress.step > 0 { times.problems.append("\(metrics.path) is not there") }
      return times
    }
    struct Line: Decodable {
      let kind: String?
      let step: Int
      let epoch: Int?
      let seconds, waitingSeconds: Double?
    }
    var (kept, seen) = (Data(), Set<Int>())
    let data = try readFile(metrics)
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() where !bytes.isEmpty {
      guard let line = try? JSONDecoder().decode(Line.self, from: Data(bytes)) else {
        let isLast = index == lines.count - 1
        times.problems.append(
          "\(metrics.path): line \(index + 1) "
            + (isLast ? "was cut off; it is left out" : "is not a record of a run"))
        if !isLast { kept.append(contentsOf: bytes + [UInt8(ascii: "\n")]) }
        continue
      }
      guard line.step <= progress.step else { continue }
      if line.kind == "epoch", let epoch = line.epoch {
        // At the last step of an epoch, training may have been saved before it was tested.
        guard epoch <= progress.epoch, seen.insert(epoch).inserted else { continue }
        times.epochs.append(line.seconds ?? 0)
      }
      if line.kind == "save", line.step == progress.step {
        times.saved = SaveReport(
          seconds: line.seconds ?? 0, waitingSeconds: line.waitingSeconds ?? 0)
      }
      kept.append(contentsOf: bytes + [UInt8(ascii: "\n")])
    }
    let lost = (0..<progress.epoch).map { $0 + 1 }.filter { !seen.contains($0) }
    if !lost.isEmpty {
      times.problems.append(
        "\(metrics.path): it has no record of epoch "
          + "\(lost.map(String.init).joined(separator: ", ")), and the checkpoint has only what "
          + "training needs")
    }
    if kept != data { try writeAtomically(kept, to: metrics) }
    return times
  }
}
