// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A text as a cell of a CSV file (RFC 4180): quoted where it has a comma, a quote or a line break.
public func csvCell(_ text: String) -> String {
  guard text.contains(where: { "\",".contains($0) || $0.isNewline }) else { return text }
  return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
}
