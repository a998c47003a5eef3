// SPDX-License-Identifier: Apache-2.0
import Files

/// A key of a training configuration: its name in files and on the command line, where its value is,
/// what it means and what it may be.
///
/// All that reads, writes, checks or describes a key follows from its entry in `TrainingConfiguration.keys`;
/// defaults are those of the properties.
public struct ConfigurationKey: Sendable {
  /// What a key of a file or an option of a command changes.
  public struct Change: Sendable {
    /// The key.
    public let name: String
    let apply: @Sendable (inout TrainingConfiguration) -> Void
  }

  /// What is wrong with a text, and what would be right.
  public struct Problem: Error, CustomStringConvertible {
    /// In words.
    public let description: String
  }

  /// Name in files and, after two dashes, on the command line.
  public let name: String
  /// What it means, in a sentence.
  public let help: String
  /// What an option's value is called; nil for the name.
  public let valueName: String?
  /// The values of a choice; nil for numbers and texts.
  public let choices: [String]?
  /// The value of a configuration that does not name the key, as a person writes it.
  public let defaultText: String

  /// What may stand there, for errors: a kind of value and its range, or the choices.
  let allowed: String

  let decode: @Sendable (inout TrainingConfiguration, Values) throws -> Void
  /// The value as YAML; nil where there is none.
  let scalar: @Sendable (TrainingConfiguration) -> String?
  /// The value and what is allowed, where the value is not.
  let problem: @Sendable (TrainingConfiguration) -> String?
  /// The change that a text on the command line asks for.
  package let change: @Sendable (String) throws(Problem) -> Change

  typealias Values = KeyedDecodingContainer<Name>
  typealias Path<Value> = WritableKeyPath<TrainingConfiguration, Value> & Sendable

  struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// What a value may be, and in words.
  struct Rule<Value>: Sendable {
    let allowed: @Sendable (TrainingConfiguration) -> String
    let isRight: @Sendable (Value, TrainingConfiguration) -> Bool

    static var any: Self { Self(allowed: { _ in "" }, isRight: { _, _ in true }) }

    static func only(_ allowed: String, _ isRight: @escaping @Sendable (Value) -> Bool) -> Self {
      Self(allowed: { _ in allowed }, isRight: { value, _ in isRight(value) })
    }
  }

  /// A key of values that texts stand for; `store` puts one in its place, and `load` takes it from there.
  private init<Value: Decodable & Sendable>(
    _ name: String, _ help: String, valueName: String?, choices: [String]?, default words: String?,
    rule: Rule<Value>, load: @escaping @Sendable (TrainingConfiguration) -> Value?,
    store: @escaping @Sendable (inout TrainingConfiguration, Value) -> Void,
    written: @escaping @Sendable (TrainingConfiguration) -> String?,
    parse: @escaping @Sendable (String) throws(Problem) -> Value
  ) {
    self.name = name
    self.help = help
    self.valueName = valueName
    self.choices = choices
    defaultText = words ?? written(TrainingConfiguration()) ?? "none"
    allowed = Self.allowed(Value.self, choices, rule.allowed(TrainingConfiguration()))
    let key = Name(stringValue: name)
    decode = { configuration, values in
      if let value = try values.decodeIfPresent(Value.self, forKey: key) {
        store(&configuration, value)
      }
    }
    scalar = written
    problem = { configuration in
      guard let value = load(configuration), !rule.isRight(value, configuration) else { return nil }
      return "\(value) is not allowed; \(rule.allowed(configuration))"
    }
    change = { (text) throws(Problem) in
      let value = try parse(text)
      return Change(name: name) { store(&$0, value) }
    }
  }

  /// A number or a switch.
  init<Value: Codable & Sendable & LosslessStringConvertible>(
    _ name: String, _ path: Path<Value>, _ help: String, _ rule: Rule<Value> = .any
  ) {
    self.init(
      name, help, valueName: nil, choices: nil, default: nil, rule: rule,
      load: { $0[keyPath: path] }, store: { $0[keyPath: path] = $1 },
      written: { Self.text($0[keyPath: path]) },
      parse: { (text) throws(Problem) in try Self.value(text) })
  }

  /// A number or a text that may be absent.
  ///
  /// - Parameters:
  ///   - words: what its absence means.
  ///   - written: what files hold, where that is not the value itself.
  init<Value: Codable & Sendable & LosslessStringConvertible>(
    _ name: String, _ path: Path<Value?>, _ help: String, valueName: String? = nil,
    default words: String, written: (@Sendable (TrainingConfiguration) -> Value)? = nil,
    _ rule: Rule<Value> = .any
  ) {
    self.init(
      name, help, valueName: valueName, choices: nil, default: words, rule: rule,
      load: { $0[keyPath: path] }, store: { $0[keyPath: path] = $1 },
      written: { configuration in
        (written.map { $0(configuration) } ?? configuration[keyPath: path]).map(Self.text)
      },
      parse: { (text) throws(Problem) in try Self.value(text) })
  }

  /// A choice of some.
  init<Value: Codable & Sendable & CaseIterable & RawRepresentable<String>>(
    _ name: String, _ path: Path<Value>, _ help: String
  ) {
    self.init(
      name, help, valueName: nil, choices: Value.allCases.map(\.rawValue), default: nil, rule: .any,
      load: { $0[keyPath: path] }, store: { $0[keyPath: path] = $1 },
      written: { $0[keyPath: path].rawValue },
      parse: { (text) throws(Problem) in try Self.choice(text) })
  }

  /// A choice of some that may be absent.
  init<Value: Codable & Sendable & CaseIterable & RawRepresentable<String>>(
    _ name: String, _ path: Path<Value?>, _ help: String, default words: String,
    written: (@Sendable (TrainingConfiguration) -> Value)? = nil
  ) {
    self.init(
      name, help, valueName: nil, choices: Value.allCases.map(\.rawValue), default: words,
      rule: .any, load: { $0[keyPath: path] }, store: { $0[keyPath: path] = $1 },
      written: { configuration in
        (written.map { $0(configuration) } ?? configuration[keyPath: path])?.rawValue
      },
      parse: { (text) throws(Problem) in try Self.choice(text) })
  }

  /// The network: one of the engine's, or the file of one.
  init(_ name: String, _ path: Path<ModelName>, file: Path<String?>, _ help: String) {
    self.init(
      name, help, valueName: "name|file", choices: ModelName.allCases.map(\.rawValue), default: nil,
      rule: Rule<String>.any, load: { $0[keyPath: file] },
      store: { configuration, text in
        if let model = ModelName(rawValue: text) {
          configuration[keyPath: path] = model
          configuration[keyPath: file] = nil
        } else {
          configuration[keyPath: file] = text
        }
      },
      written: { configuration in
        configuration[keyPath: file].map(YAMLText.scalar) ?? configuration[keyPath: path].rawValue
      },
      parse: { (text) throws(Problem) in
        guard ModelName(rawValue: text) != nil || text.hasSuffix(".onnx") else {
          throw Problem(
            description:
              "allowed: \(ModelName.allCases.map(\.rawValue).joined(separator: ", ")), or "
              + "a file that ends in .onnx")
        }
        return text
      })
  }

  private static func allowed(_ type: Any.Type, _ choices: [String]?, _ rule: String) -> String {
    if let choices { return "one of " + choices.joined(separator: ", ") }
    let kind =
      switch type {
      case is Bool.Type: "true or false"
      case is any UnsignedInteger.Type: "a whole number, 0 or more"
      case is any BinaryInteger.Type: "a whole number"
      case is any BinaryFloatingPoint.Type: "a number"
      default: "text"
      }
    return rule.isEmpty ? kind : kind + ", " + rule
  }

  /// A value as YAML.
  private static func text(_ value: some LosslessStringConvertible) -> String {
    switch value {
    case let value as Float: YAMLText.number(value)
    case let value as Double: YAMLText.number(value)
    case let value as String: YAMLText.scalar(value)
    default: value.description
    }
  }

  private static func choice<Value: CaseIterable & RawRepresentable<String>>(_ text: String)
    throws(Problem) -> Value
  {
    guard let value = Value(rawValue: text) else {
      let choices = Value.allCases.map(\.rawValue)
      throw Problem(description: "allowed: \(choices.joined(separator: ", "))")
    }
    return value
  }

  private static func value<Value: LosslessStringConvertible>(_ text: String) throws(Problem)
    -> Value
  {
    guard let value = Value(text) else {
      throw Problem(description: "allowed: \(allowed(Value.self, nil, ""))")
    }
    return value
  }
}
