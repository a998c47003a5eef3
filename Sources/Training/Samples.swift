// SPDX-License-Identifier: Apache-2.0
/// Times of one piece of work, interleaved with others so that a drift of the machine affects all alike.
public struct Samples: Sendable {
  /// Milliseconds, in the order of measurement.
  public private(set) var milliseconds: [Double] = []

  /// No samples yet.
  public init() {}

  /// Adds a time.
  public mutating func add(_ milliseconds: Double) { self.milliseconds.append(milliseconds) }

  /// The median; 0 without samples.
  public var median: Double {
    if milliseconds.isEmpty { return 0 }
    let sorted = milliseconds.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// The time that a piece of work takes.
public func measureMilliseconds(_ work: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try work()
  return (clock.now - start) / .milliseconds(1)
}
