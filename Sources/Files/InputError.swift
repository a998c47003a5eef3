// SPDX-License-Identifier: Apache-2.0
/// A file of another program's format that cannot be used: which field of which file, what was found,
/// what is allowed.
public struct InputError: Error, Equatable, CustomStringConvertible {
  /// The file.
  public let file: String
  /// The field, for example `tensor 'conv1.weight' shape`.
  public let field: String
  /// What was found there.
  public let value: String
  /// What would be right.
  public let allowed: String

  /// An error of one field. What comes out of a file is cut to a line that a terminal can show.
  public init(file: String, field: String, value: String, allowed: String) {
    self.file = file
    self.field = printable(field)
    self.value = printable(value)
    self.allowed = printable(allowed)
  }

  /// File, field, value and what is allowed.
  public var description: String { "\(file): \(field): found \(value), allowed is \(allowed)" }
}

/// Without control characters, at most 400 characters.
package func printable(_ text: String) -> String {
  let scalars = text.unicodeScalars.prefix(400).map { scalar in
    let isControl =
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: true
      default: false
      }
    return isControl ? "\u{FFFD}" : Character(scalar)
  }
  return String(scalars) + (text.unicodeScalars.count > 400 ? "…" : "")
}
