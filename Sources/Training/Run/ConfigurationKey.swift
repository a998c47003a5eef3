// SPDX-License-Identifier: Apache-2.0

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

  /// What may stand there, for errors: a kind of value and its range, or the choices.
  let allowed: String

  let decode: @Sendable (inout TrainingConfiguration, Values) throws -> Void
  let encode: @Sendable (TrainingConfiguration, inout Written) throws -> Void
  /// The value and what is allowed, where the value is not.
  let problem: @Sendable (TrainingConfiguration) -> String?
  /// The change that a text on the command line asks for.
  package let change: @Sendable (String) throws(Problem) -> Change

  typealias Values = KeyedDecodingContainer<Name>
  typealias Written = KeyedEncodingContainer<Name>
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

  private init<Value: Codable & Sendable>(
    _ name: String, _ path: Path<Value>, _ help: String, valueName: String?, choices: [String]?,
    rule: Rule<Value>, parse: @escaping @Sendable (String) throws(Problem) -> Value
  ) {
    self.name = name
    self.help = help
    self.valueName = valueName
    self.choices = choices
    allowed = Self.allowed(Value.self, choices, rule.allowed(TrainingConfiguration()))
    let key = Name(stringValue: name)
    decode = { configuration, values in
      if let value = try values.decodeIfPresent(Value.self, forKey: key) {
        configuration[keyPath: path] = value
      }
    }
    encode = { try $1.encode($0[keyPath: path], forKey: key) }
    problem = { configuration in
      let value = configuration[keyPath: path]
      return rule.isRight(value, configuration)
        ? nil : "\(value) is not allowed; \(rule.allowed(configuration))"
    }
    change = { (text) throws(Problem) in
      let value = try parse(text)
      return Change(name: name) { $0[keyPath: path] = value }
    }
  }

  /// A number or a switch.
  init<Value: Codable & Sendable & LosslessStringConvertible>(
    _ name: String, _ path: Path<Value>, _ help: String, _ rule: Rule<Value> = .any
  ) {
    self.init(name, path, help, valueName: nil, choices: nil, rule: rule) {
      (text) throws(Problem) in try Self.value(text)
    }
  }

  /// A choice of some.
  init<Value: Codable & Sendable & CaseIterable & RawRepresentable<String>>(
    _ name: String, _ path: Path<Value>, _ help: String
  ) {
    let choices = Value.allCases.map(\.rawValue)
    self.init(name, path, help, valueName: nil, choices: choices, rule: .any) {
      (text) throws(Problem) in
      guard let value = Value(rawValue: text) else {
        throw Problem(description: "allowed: \(choices.joined(separator: ", "))")
      }
      return value
    }
  }

  /// A choice of some that may be absent.
  init<Value: Codable & Sendable & CaseIterable & RawRepresentable<String>>(
    _ name: String, _ path: Path<Value?>, _ help: String
  ) {
    self.name = name
    self.help = help
    valueName = nil
    let choices = Value.allCases.map(\.rawValue)
    self.choices = choices
    allowed = Self.allowed(Value.self, choices, "")
    let key = Name(stringValue: name)
    decode = { configuration, values in
      if let value = try values.decodeIfPresent(Value.self, forKey: key) {
        configuration[keyPath: path] = value
      }
    }
    encode = { try $1.encodeIfPresent($0[keyPath: path], forKey: key) }
    problem = { _ in nil }
    change = { (text) throws(Problem) in
      guard let value = Value(rawValue: text) else {
        throw Problem(description: "allowed: \(choices.joined(separator: ", "))")
      }
      return Change(name: name) { $0[keyPath: path] = value }
    }
  }

  /// A number or a text that may be absent.
  ///
  /// - Parameter written: what files hold, where that is not the value itself.
  init<Value: Codable & Sendable & LosslessStringConvertible>(
    _ name: String, _ path: Path<Value?>, _ help: String, valueName: String? = nil,
    written: (@Sendable (TrainingConfiguration) -> Value)? = nil, _ rule: Rule<Value> = .any
  ) {
    self.name = name
    self.help = help
    self.valueName = valueName
    choices = nil
    allowed = Self.allowed(Value.self, nil, rule.allowed(TrainingConfiguration()))
    let key = Name(stringValue: name)
    decode = { configuration, values in
      if let value = try values.decodeIfPresent(Value.self, forKey: key) {
        configuration[keyPath: path] = value
      }
    }
    encode = { configuration, values in
      try values.encodeIfPresent(
        written.map { $0(configuration) } ?? configuration[keyPath: path], forKey: key)
    }
    problem = { configuration in
      guard let value = configuration[keyPath: path], !rule.isRight(value, configuration) else {
        return nil
      }
      return "\(value) is not allowed; \(rule.allowed(configuration))"
    }
    change = { (text) throws(Problem) in
      let value: Value = try Self.value(text)
      return Change(name: name) { $0[keyPath: path] = value }
    }
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

  private static func value<Value: LosslessStringConvertible>(_ text: String) throws(Problem)
    -> Value
  {
    guard let value = Value(text) else {
      throw Problem(
        description: "allowed: \(Value.self == Int.self ? "a whole number" : "a number")")
    }
    return value
  }
}
