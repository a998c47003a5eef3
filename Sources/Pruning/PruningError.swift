// SPDX-License-Identifier: Apache-2.0
/// A pruning configuration that cannot be run: which field, what was found, what is allowed.
public struct PruningError: Error, Equatable, CustomStringConvertible {
  /// The field as the configuration names it.
  public let field: String
  /// What was found.
  public let value: String
  /// What would be right.
  public let allowed: String

  /// An error of one field.
  public init(field: String, value: String, allowed: String) {
    self.field = field
    self.value = value
    self.allowed = allowed
  }

  /// Field, value and what is allowed.
  public var description: String { "\(field): \(value) is not allowed; \(allowed) is" }
}
