// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Yams

extension EnergyTable {
  /// The standard table with the entries of a YAML file in place of its own: `constants` holds any
  /// of them by name, each with all of `value`, `unit`, `kind`, `source` and (where the standard has
  /// one) `volts`; `sram` replaces the whole grid of memories.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  public init(yaml text: String, file: String) throws(ConfigurationError) {
    try self.init(yaml: Data(text.utf8), file: file)
  }

  /// Reads a YAML file's bytes, as its text is read.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  public init(yaml bytes: Data, file: String) throws(ConfigurationError) {
    let contents: Contents
    let document = try YAMLDocument(bytes, file: file)
    try Self.checkKeys(document.root, file: file)
    let choices: [String: String] = [
      "unit": Unit.allCases.map(\.rawValue).joined(separator: ", "),
      "kind": Kind.allCases.map(\.rawValue).joined(separator: ", "),
    ]
    contents = try document.decode(
      Contents.self,
      allowed: { key in
        choices[String(key.split(separator: ".").last ?? "")].map { "one of \($0)" }
      })
    self = .standard
    for name in Name.allCases {
      if let constant = contents.constants[name] { self[name] = constant }
    }
    if let sram = contents.sram { self.sram = sram }
    try validate(file: file)
  }

  /// The whole table as YAML, to start a file from.
  public var yaml: String {
    do {
      let all = Name.allCases.map { ($0, self[$0]) }
      return try YAMLText.document(
        Contents(constants: Dictionary(uniqueKeysWithValues: all), sram: sram))
    } catch {
      // Numbers and strings can always be encoded.
      preconditionFailure("an energy table that YAML cannot hold: \(error)")
    }
  }

  /// Checks every value.
  ///
  /// - Throws: `ConfigurationError` for the first key that is wrong.
  public func validate(file: String) throws(ConfigurationError) {
    for name in Name.allCases {
      let (constant, standard) = (self[name], Self.standard[name])
      let key = "constants.\(name.rawValue)."
      if !(constant.value >= 0 && constant.value < .infinity) {
        throw ConfigurationError(file, key + "value", "\(constant.value) is not allowed; 0 or more")
      }
      if name == .areaUtilisation && !(constant.value > 0 && constant.value <= 1) {
        throw ConfigurationError(
          file, key + "value", "\(constant.value) is not allowed; more than 0, at most 1")
      }
      if constant.unit != standard.unit {
        throw ConfigurationError(
          file, key + "unit", "\(constant.unit.rawValue) is not allowed; \(standard.unit.rawValue)")
      }
      if constant.source.isEmpty {
        throw ConfigurationError(file, key + "source", "is empty; name where the value comes from")
      }
      switch (constant.volts, standard.volts) {
      case (nil, nil): break
      case (nil, _): throw ConfigurationError(file, key + "volts", "is missing")
      case (_, nil):
        throw ConfigurationError(file, key + "volts", "must not be there: no supply changes it")
      case (let volts?, _):
        if !(volts >= 0.3 && volts <= 2) {
          throw ConfigurationError(file, key + "volts", "\(volts) is not allowed; 0.3 to 2")
        }
      }
    }
    if let problem = sram.problem { throw ConfigurationError(file, "sram.points", problem) }
    if sram.source.isEmpty {
      throw ConfigurationError(file, "sram.source", "is empty; name where the values come from")
    }
    if !(sram.volts >= 0.3 && sram.volts <= 2) {
      throw ConfigurationError(file, "sram.volts", "\(sram.volts) is not allowed; 0.3 to 2")
    }
  }

  private struct Contents: Codable {
    var constants: [Name: Constant] = [:]
    var sram: SRAMTable?

    enum CodingKeys: String, CodingKey, CaseIterable { case constants, sram }

    init(constants: [Name: Constant], sram: SRAMTable) {
      self.constants = constants
      self.sram = sram
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      if values.contains(.constants) {
        let named = try values.nestedContainer(keyedBy: Name.self, forKey: .constants)
        for name in named.allKeys {
          constants[name] = try named.decode(Constant.self, forKey: name)
        }
      }
      sram = try values.decodeIfPresent(SRAMTable.self, forKey: .sram)
    }

    // Written out, so that the constants are in the order of their names.
    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      var named = values.nestedContainer(keyedBy: Name.self, forKey: .constants)
      for name in Name.allCases { try named.encodeIfPresent(constants[name], forKey: name) }
      try values.encodeIfPresent(sram, forKey: .sram)
    }
  }

  private static func checkKeys(_ root: Node?, file: String) throws(ConfigurationError) {
    func check(
      _ node: Node?, _ path: String, known: [String], needed: [String]
    ) throws(ConfigurationError) {
      let choices = known.joined(separator: ", ")
      guard let found = node?.mapping?.keys.compactMap(\.string) else {
        throw ConfigurationError(
          file, path.isEmpty ? "document" : path, "must hold some of the keys \(choices)")
      }
      let prefix = path.isEmpty ? "" : path + "."
      if let unknown = found.first(where: { !known.contains($0) }) {
        throw ConfigurationError(file, prefix + unknown, "is not a key; the keys are \(choices)")
      }
      if let missing = needed.first(where: { !found.contains($0) }) {
        throw ConfigurationError(file, prefix + missing, "is missing")
      }
    }
    try check(root, "", known: Contents.CodingKeys.allCases.map(\.rawValue), needed: [])
    if let constants = root?["constants"] {
      try check(constants, "constants", known: Name.allCases.map(\.rawValue), needed: [])
      let keys = Constant.CodingKeys.allCases.map(\.rawValue)
      for name in Name.allCases {
        guard let constant = constants[name.rawValue] else { continue }
        try check(
          constant, "constants.\(name.rawValue)", known: keys,
          needed: keys.filter { $0 != "volts" })
      }
    }
    if let sram = root?["sram"] {
      let keys = SRAMTable.CodingKeys.allCases.map(\.rawValue)
      try check(sram, "sram", known: keys, needed: keys)
      let pointKeys = SRAMTable.Point.CodingKeys.allCases.map(\.rawValue)
      for (index, point) in (sram["points"]?.sequence ?? []).enumerated() {
        try check(point, "sram.points.\(index)", known: pointKeys, needed: pointKeys)
      }
    }
  }
}
