// SPDX-License-Identifier: Apache-2.0
import Foundation
import Yams

/// A YAML 1.2 file of keys and values.
public struct YAMLDocument {
  /// The most bytes of a file: 1 MiB.
  public static let largestSize = 1 << 20

  /// The file, for errors.
  public let file: String
  /// What it holds; nil for an empty file.
  public let root: Node?

  /// Reads a file's bytes, which are UTF-8, with or without a byte-order mark.
  ///
  /// - Throws: `ConfigurationError` for another encoding, text that is not YAML, or a key that is not plain
  ///   text.
  public init(_ bytes: Data, file: String) throws(ConfigurationError) {
    func failure(_ problem: String) -> ConfigurationError {
      ConfigurationError(file, "document", problem)
    }
    guard bytes.count <= Self.largestSize else {
      throw failure("has \(bytes.count) bytes; at most \(Self.largestSize) are allowed")
    }
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) || bytes.contains(0) {
      throw failure("is not text in UTF-8 (UTF-16 or UTF-32, it seems); save it as UTF-8")
    }
    let rest = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes
    guard let text = String(data: rest, encoding: .utf8) else {
      throw failure("is not text in UTF-8; save it as UTF-8")
    }
    self.file = file
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw failure("cannot be read as YAML: \(Self.reason(error))")
    } catch {
      throw failure("cannot be read as YAML: \(printable(plainReason(error)))")
    }
    if let root { try checkKeys(of: root) }
  }

  /// Reads a file's text.
  ///
  /// - Throws: `ConfigurationError` for text that is not YAML, or a key that is no plain text.
  public init(_ text: String, file: String) throws(ConfigurationError) {
    try self.init(Data(text.utf8), file: file)
  }

  /// The keys of the outermost level; nil where it is none of keys and values.
  public var keys: [String]? {
    root == nil ? [] : root?.mapping?.keys.compactMap(\.string)
  }

  /// What the file holds as a value.
  ///
  /// - Parameter allowed: the allowed value of a key (`array.rows`), for messages; nil names the type.
  /// - Throws: `ConfigurationError` naming the key, the value found, and what is allowed.
  public func decode<Value: Decodable>(
    _ type: Value.Type, allowed: @escaping (String) -> String? = { _ in nil }
  ) throws(ConfigurationError) -> Value {
    let empty = Node.mapping(Node.Mapping([]))
    do {
      return try Value(
        from: YAMLNodeDecoder(node: root ?? empty, codingPath: [], file: file, allowed: allowed))
    } catch let error as ConfigurationError {
      throw error
    } catch let DecodingError.keyNotFound(key, context) {
      let path = (context.codingPath + [key]).map(\.stringValue).joined(separator: ".")
      throw ConfigurationError(file, path, "is missing")
    } catch let DecodingError.dataCorrupted(context) {
      // A word that is none of an enumeration's cases.
      let decoder = YAMLNodeDecoder(
        node: node(at: context.codingPath) ?? empty, codingPath: context.codingPath, file: file,
        allowed: allowed)
      throw decoder.mismatch("another word")
    } catch {
      throw ConfigurationError(file, "document", plainReason(error))
    }
  }

  private func node(at path: [any CodingKey]) -> Node? {
    path.reduce(root) { node, key in
      key.intValue.flatMap { index in
        node?.sequence.flatMap { index < $0.count ? $0[index] : nil }
      } ?? node?.mapping?[key.stringValue]
    }
  }

  private func checkKeys(of node: Node) throws(ConfigurationError) {
    if let mapping = node.mapping {
      for (key, value) in mapping {
        guard let name = key.scalar?.string, !name.isEmpty else {
          let line = (key.mark ?? node.mark).map { "line \($0.line)" } ?? "document"
          throw ConfigurationError(
            file, line,
            "\(key.scalar == nil ? "a list or a group of keys" : "an empty text") in place of a key"
          )
        }
        try checkKeys(of: value)
      }
    }
    for value in node.sequence ?? [] { try checkKeys(of: value) }
  }

  private static func reason(_ error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(printable(problem)), line \(mark.line)"
    case .reader(let problem, _, _, _): printable(problem)
    case .duplicatedKeysInMapping(let keys, _):
      "more than once, it has "
        + keys.map { "'\(printable($0))'" }.joined(separator: ", ")
    default: "it is not well formed"
    }
  }
}
