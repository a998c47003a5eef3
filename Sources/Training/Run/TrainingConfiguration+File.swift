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
    let known = CodingKeys.allCases.map(\.rawValue)
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
      let choices = Self.choices(key).map { "; allowed: \($0)" } ?? ""
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

  private static func choices(_ key: String) -> String? {
    func list<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> String {
      type.allCases.map(\.rawValue).joined(separator: ", ")
    }
    return switch key {
    case "model": list(ModelName.self)
    case "data": list(DatasetSource.self)
    case "optimizer": list(OptimizerName.self)
    case "learning-rate-decay": list(LearningRate.Decay.self)
    case "granularity": list(Granularity.self)
    case "schedule": list(PruningConfiguration.Schedule.self)
    case "budget": list(PruningConfiguration.Budget.self)
    case "balanced": list(PruningConfiguration.Balance.self)
    default: nil
    }
  }

  /// Checks every value.
  ///
  /// - Throws: `ConfigurationError` naming the key, the value and what is allowed.
  public func validate(file: String = "command line") throws(ConfigurationError) {
    func check(_ condition: Bool, _ key: CodingKeys, _ value: Any, _ allowed: String)
      throws(ConfigurationError)
    {
      if !condition {
        throw ConfigurationError(file, key.rawValue, "\(value) is not allowed; \(allowed)")
      }
    }
    try check(width > 0 && width <= 16, .width, width, "more than 0, at most 16")
    try check((8...1024).contains(imageSize), .imageSize, imageSize, "8 to 1024")
    try check((1...100_000).contains(epochs), .epochs, epochs, "1 to 100000")
    try check((1...4096).contains(batch), .batch, batch, "1 to 4096")
    try check(
      (trainImages ?? batch) >= batch, .trainImages, trainImages ?? 0,
      "at least one batch of \(batch)")
    try check(
      peakLearningRate > 0 && peakLearningRate.isFinite, .learningRate, peakLearningRate,
      "more than 0")
    try check(
      warmUpEpochs >= 0 && warmUpEpochs <= Double(epochs), .warmUpEpochs, warmUpEpochs,
      "0 to the number of epochs")
    try check((0..<1).contains(momentum), .momentum, momentum, "0 to less than 1")
    try check(weightDecay >= 0 && weightDecay.isFinite, .weightDecay, weightDecay, "0 or more")
    try check(
      (0..<1).contains(labelSmoothing), .labelSmoothing, labelSmoothing, "0 to less than 1")
    try check((clip ?? 1) > 0, .clip, clip ?? 1, "more than 0")
    do {
      try pruning.validate()
    } catch {
      throw ConfigurationError(file, "pruning", "\(error)")
    }
  }
}
