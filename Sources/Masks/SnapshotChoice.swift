// SPDX-License-Identifier: Apache-2.0

/// Which of the snapshots of a training run.
public enum SnapshotChoice: Sendable, Hashable, LosslessStringConvertible {
  /// The last one.
  case last
  /// Each of them.
  case all
  /// That of a step.
  case step(Int)

  /// Reads `last`, `all` or the number of a step.
  public init?(_ text: String) {
    switch text {
    case "last": self = .last
    case "all": self = .all
    default:
      guard let step = Int(text), step >= 0 else { return nil }
      self = .step(step)
    }
  }

  /// What `init` reads.
  public var description: String {
    switch self {
    case .last: "last"
    case .all: "all"
    case .step(let step): "\(step)"
    }
  }
}
