// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How many times as fast pruning makes a training step, from interleaved pairs of pruned and dense steps,
/// with what else the machine did meanwhile.
public struct Speedup: Codable, Sendable, Equatable {
  /// The median of the pairs' ratios, the least and the largest.
  public let median, lowest, highest: Double
  /// Fraction of all processors' time that other programs took; nil where the system does not tell.
  public let otherPrograms: Double?
  /// Fraction of the processors that the steps ran on.
  public let processorsUsed: Double

  /// The speedup of pairs, which are as many on both sides.
  init(sparse: Samples, dense: Samples, otherPrograms: Double?, processorsUsed: Double) {
    var ratios = Samples()
    for (sparse, dense) in zip(sparse.milliseconds, dense.milliseconds) {
      ratios.add(dense / max(sparse, 1e-9))
    }
    median = ratios.median
    lowest = ratios.milliseconds.min() ?? 0
    highest = ratios.milliseconds.max() ?? 0
    self.otherPrograms = otherPrograms
    self.processorsUsed = processorsUsed
  }

  /// What makes the figure of no use, as a sentence without its full stop; nil for a good measurement.
  public var fault: String? {
    if let otherPrograms, 1 - otherPrograms < processorsUsed - 0.1 {
      return String(
        format: "Other programs took %.0f%% of the processor meanwhile", 100 * otherPrograms)
    }
    if highest > 2 * lowest {
      return String(format: "Single pairs of steps gave %.1f to %.1f times", lowest, highest)
    }
    return nil
  }
}

/// What the processors of this machine, and this program, have done since they started.
struct ProcessorTimes {
  private let busy, total, own: Double

  /// Now; nil where the system does not tell.
  init?() {
    #if os(Linux)
      // The time of all processors in ticks: user, nice, system, idle, iowait, irq, softirq, steal.
      guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
        let line = text.split(separator: "\n").first, line.hasPrefix("cpu ")
      else { return nil }
      let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
      guard ticks.count == 8 else { return nil }
      var usage = rusage()
      getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
      func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
      own =
        (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * Double(sysconf(Int32(_SC_CLK_TCK)))
      total = ticks.reduce(0, +)
      busy = total - ticks[3] - ticks[4]
    #else
      return nil
    #endif
  }

  /// The fraction of all processors' time that other programs took since `start`.
  func otherPrograms(since start: ProcessorTimes) -> Double {
    let elapsed = max(total - start.total, 1)
    return min(1, max(0, (busy - start.busy - (own - start.own)) / elapsed))
  }
}
