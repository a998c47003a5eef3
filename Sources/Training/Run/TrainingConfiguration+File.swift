// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Pruning

extension TrainingConfiguration {
  /// Reads a YAML file's text.
  ///
  /// - Throws: `ConfigurationError` for text that is not YAML, a key that does not exist or a value
  ///   that is not allowed.
  public init(yaml text: String, file: String) throws(ConfigurationError) {
    try self.init(yaml: Data(text.utf8), file: file)
  }

  /// Reads a YAML file's bytes.
  ///
  /// - Throws: `ConfigurationError` for bytes that are not YAML, a key that does not exist or a value
  ///   that is not allowed.
  public init(yaml bytes: Data, file: String) throws(ConfigurationError) {
    let document = try YAMLDocument(bytes, file: file)
    guard let keys = document.keys else {
      throw ConfigurationError(file, "document", "is not a list of 'key: value' lines")
    }
    let known = Self.keys.map(\.name)
    if let unknown = keys.first(where: { !known.contains($0) }) {
      throw ConfigurationError(
        file, unknown, "is not a key; the keys are \(known.joined(separator: ", "))")
    }
    self = try document.decode(
      TrainingConfiguration.self, allowed: { Self.key($0)?.allowed })
    if let modelFile, !modelFile.hasSuffix(".onnx") {
      throw ConfigurationError(
        file, "model",
        "the text '\(modelFile)' is not allowed; \(Self.key("model")?.allowed ?? "")")
    }
    try validate(file: file)
  }

  /// The configuration as YAML: every key that has a value, defaults included.
  public var yaml: String {
    Self.keys.compactMap { key in key.scalar(self).map { "\(key.name): \($0)\n" } }.joined()
  }

  /// The configuration as YAML for a person to change: above each key a comment with its meaning, what is
  /// allowed and the default; keys without a value are comments too. At most 80 columns, paths apart.
  public var commentedYAML: String {
    Self.keys.map { key in
      var words = key.help.split(separator: " ").map(String.init)
      if let choices = key.choices {
        words += "Values: \(choices.joined(separator: ", ")).".split(separator: " ").map(
          String.init)
      }
      words += "Default: \(key.defaultText).".split(separator: " ").map(String.init)
      var lines = ["#"]
      for word in words {
        if lines[lines.count - 1].count + 1 + word.count > 80 { lines.append("#") }
        lines[lines.count - 1] += " " + word
      }
      lines.append(key.scalar(self).map { "\(key.name): \($0)" } ?? "# \(key.name):")
      return lines.joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
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
      throw ConfigurationError(
        file, Self.name(ofField: error.field), "\(error.value) is not allowed; \(error.allowed)")
    }
  }

  /// The key of a field of the pruning configuration: `startDensity` is `start-density`.
  private static func name(ofField field: String) -> String {
    field.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
  }
}
