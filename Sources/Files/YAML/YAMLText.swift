// SPDX-License-Identifier: Apache-2.0
import Foundation
import Yams

/// What a program writes into a YAML file: numbers as people write them, text that stays text.
public enum YAMLText {
  /// A value as a YAML document, its floating-point numbers without needless exponents: 12.8 and not
  /// 1.28e+1.
  ///
  /// - Throws: what Yams throws for a value that it cannot encode.
  public static func document(_ value: some Encodable) throws -> String {
    let text = try YAMLEncoder().encode(value)
    guard let node = try Yams.compose(yaml: text) else { return text }
    return try Yams.serialize(node: plain(node))
  }

  /// The shortest digits that are read as this number: `0.9`, `5`, `1e-05`.
  public static func number(_ value: some BinaryFloatingPoint & LosslessStringConvertible) -> String
  {
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A text as a scalar, in quotes where it would otherwise be read as something else.
  public static func scalar(_ text: String) -> String {
    let isPlain =
      text.wholeMatch(of: /[A-Za-z_.\/~][A-Za-z0-9_.\/~-]*/) != nil && !text.hasPrefix("..")
      && YAMLScalar(Node.Scalar(text)) == .text(text)
      && !["yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    if isPlain { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\" + String(scalar)
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _
      where scalar.value < 0x20 || (0x7f...0xa0).contains(scalar.value)
        || [0x2028, 0x2029, 0xfeff].contains(scalar.value):
        quoted += String(format: "\\u%04x", scalar.value)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private static func plain(_ node: Node) -> Node {
    switch node {
    case .scalar(let scalar):
      guard case .float(let value) = YAMLScalar(scalar), value.isFinite else { return node }
      return .scalar(Node.Scalar(number(value), node.tag, scalar.style))
    case .mapping(let mapping):
      return .mapping(
        Node.Mapping(mapping.map { ($0.key, plain($0.value)) }, mapping.tag, mapping.style))
    case .sequence(let sequence):
      return .sequence(Node.Sequence(sequence.map(plain), sequence.tag, sequence.style))
    case .alias: return node
    }
  }
}
