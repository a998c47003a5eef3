// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A piece of HTML or SVG that is well-formed XML too. Text becomes markup by being escaped and in no
/// other way, so that no name in a run's folder can bring markup of its own.
struct Markup: ExpressibleByStringInterpolation {
  /// The bytes of the page.
  private(set) var source = ""

  /// Nothing.
  init() {}

  /// Text, escaped.
  init(_ text: String) { source = Self.escaped(text) }

  /// Text, escaped, what was interpolated too.
  init(stringLiteral text: String) { self.init(text) }

  /// An element; attributes without a value are left out.
  init(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>,
    _ content: [Markup] = []
  ) {
    source = "<\(name)"
    for (key, value) in attributes where !value.isEmpty {
      source += " \(key)=\"\(Self.escaped(value))\""
    }
    if content.isEmpty && Self.isVoid(name) {
      source += "/>"
    } else {
      source += ">"
      for piece in content { source += piece.source }
      source += "</\(name)>"
    }
  }

  /// A style sheet of this program's own.
  init(styleSheet: StaticString) { source = "<style>\n\(styleSheet)\n</style>" }

  /// The pieces one after the other.
  init(_ pieces: [Markup]) { source = pieces.map(\.source).joined() }

  /// Appends a piece.
  static func += (left: inout Markup, right: Markup) { left.source += right.source }

  /// An HTML element that has no content is `<br/>`; all others need an end tag.
  private static func isVoid(_ name: StaticString) -> Bool {
    switch "\(name)" {
    case "br", "img", "meta", "circle", "path", "rect", "line", "use", "polyline": true
    default: false
    }
  }

  /// Text as XML has it, in elements and in quoted attributes; what XML cannot hold becomes U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{FFFE}", "\u{FFFF}",
        // Marks that turn the direction of text would let a name rewrite the text next to it.
        "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}":
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A length or place in a drawing: at most two digits after the point.
  static func number(_ value: Double) -> String {
    precondition(value.isFinite, "a drawing with the number \(value)")
    var text = String(format: "%.2f", value)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }
}
