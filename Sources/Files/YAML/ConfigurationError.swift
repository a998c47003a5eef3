// SPDX-License-Identifier: Apache-2.0
/// A configuration that cannot be used, of a training run, a machine or its energies: which key of which
/// file, what was found, and what is allowed.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The file, `command line`, or the name of a preset.
  public let file: String
  /// The key with those above it (`array.rows`), or `document`.
  public let key: String
  /// The value found and what is allowed.
  public let problem: String

  /// File, key and problem.
  public var description: String { "\(file): \(key): \(problem)" }

  /// An error of one key.
  public init(_ file: String, _ key: String, _ problem: String) {
    self.file = file
    self.key = printable(key)
    self.problem = printable(problem)
  }
}
