// SPDX-License-Identifier: Apache-2.0
import Foundation
import Yams

/// What a plain or quoted word of a YAML file means by the core schema of YAML 1.2: `1:30` is text
/// and `010` is ten, where YAML 1.1 had ninety and eight. Octal numbers (`0o17`) are text as well.
enum YAMLScalar: Equatable {
  case null
  case boolean(Bool)
  case integer(String)
  case float(Double)
  case text(String)

  init(_ scalar: Node.Scalar) {
    let word = scalar.string
    guard scalar.style == .plain || scalar.style == .any else {
      self = .text(word)
      return
    }
    switch word {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .boolean(true)
    case "false", "False", "FALSE": self = .boolean(false)
    case ".nan", ".NaN", ".NAN": self = .float(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .float(-.infinity)
    default: self = Self.number(word) ?? .text(word)
    }
  }

  private static func number(_ word: String) -> YAMLScalar? {
    if word.wholeMatch(of: /[-+]?[0-9]+/) != nil { return .integer(word) }
    if word.wholeMatch(of: /0x[0-9a-fA-F]+/) != nil {
      return UInt64(word.dropFirst(2), radix: 16).map { .integer("\($0)") }
    }
    let form = /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/
    if word.wholeMatch(of: form) != nil { return Double(word).map { .float($0) } }
    return nil
  }

  /// The value found, for a message.
  var found: String {
    switch self {
    case .null: "nothing"
    case .boolean(let value): "\(value)"
    case .integer(let digits): printable(digits)
    case .float(let value): "\(value)"
    case .text(let text): "the text '\(printable(text))'"
    }
  }
}
