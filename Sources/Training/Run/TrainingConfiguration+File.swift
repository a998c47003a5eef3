// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Pruning
import Yams

/// A configuration that cannot be used.
public struct ConfigurationError: Error, CustomStringConvertible, Equatable {
  /// The file, or `command line`.
  public let file: String
  /// The key.
  public let key: String
  /// The value found and what is allowed.
  public let problem: String

  /// File, key and problem.
  public var description: String { "\(file): \(key): \(problem)" }

  init(_ file: String, _ key: String, _ problem: String) {
    self.file = file
    self.key = key
    self.problem = problem
  }
}

extension TrainingConfiguration {
  /// Reads a YAML file's text.
  ///
  /// - Throws: `ConfigurationError` for text that is not YAML, a key that does not exist or a value
  ///   that is not allowed.
  public init(yaml text: String, file: String) throws(ConfigurationError) {
    let keys: [String]
    do {
      let root = try Yams.compose(yaml: text)
      if let root, root.mapping == nil {
        throw ConfigurationError(file, "document", "is not a list of 'key: value' lines")
      }
      keys = root?.mapping?.keys.compactMap(\.string) ?? []
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError(file, "document", "cannot be read as YAML: \(error)")
    }
    let known = Self.keys.map(\.name)
    if let unknown = keys.first(where: { !known.contains($0) }) {
      throw ConfigurationError(
        file, unknown, "is not a key; the keys are \(known.joined(separator: ", "))")
    }
    if keys.isEmpty {
      self.init()
      return
    }
    do {
      self = try YAMLDecoder().decode(TrainingConfiguration.self, from: text)
    } catch let DecodingError.dataCorrupted(context), let DecodingError.typeMismatch(_, context),
      let DecodingError.valueNotFound(_, context)
    {
      let key = context.codingPath.last?.stringValue ?? "document"
      let choices =
        Self.key(key)?.choices.map { "; allowed: \($0.joined(separator: ", "))" } ?? ""
      throw ConfigurationError(file, key, context.debugDescription + choices)
    } catch {
      throw ConfigurationError(file, "document", "\(error)")
    }
    try validate(file: file)
  }

  /// The configuration as YAML, defaults included.
  public var yaml: String {
    do {
      return try YAMLEncoder().encode(self)
    } catch {
      // Numbers, strings and booleans can always be encoded.
      preconditionFailure("a configuration that YAML cannot hold: \(error)")
    }
  }

  /// Checks every value.
  ///
  /// - Throws: `ConfigurationError` naming the key, the value and what is allowed.
  public func validate(file: String = "command line") throws(ConfigurationError) {
    for key in Self.keys {
      if let problem = key.problem(self) { throw ConfigurationError(file, key.name, problem) }
    }
    do {
      try pruning.validate()
    } catch {
      throw ConfigurationError(file, "pruning", "\(error)")
    }
  }
}
