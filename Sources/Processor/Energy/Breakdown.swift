// SPDX-License-Identifier: Apache-2.0
/// A quantity whose parts are reported separately in results.
public protocol BreakdownUnit: RawRepresentable, CaseIterable, Hashable, Sendable
where RawValue == String {}

/// An amount by unit. As JSON, an object with a number for each unit and their `total`.
public struct Breakdown<Unit: BreakdownUnit>: Hashable, Sendable {
  private var parts: [Unit: Double] = [:]

  /// Nothing.
  public init() {}

  /// The part of a unit.
  public subscript(unit: Unit) -> Double {
    get { parts[unit] ?? 0 }
    set { parts[unit] = newValue }
  }

  /// The sum of all parts, added in the order of the units.
  public var total: Double { Unit.allCases.reduce(0) { $0 + self[$1] } }

  /// Part by part.
  public static func + (a: Breakdown, b: Breakdown) -> Breakdown {
    var sum = Breakdown()
    for unit in Unit.allCases { sum[unit] = a[unit] + b[unit] }
    return sum
  }

  /// Equal when all parts are.
  public static func == (a: Breakdown, b: Breakdown) -> Bool {
    Unit.allCases.allSatisfy { a[$0] == b[$0] }
  }

  /// Hashes all parts.
  public func hash(into hasher: inout Hasher) {
    for unit in Unit.allCases { hasher.combine(self[unit]) }
  }
}

extension Breakdown: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads the parts of all units, 0 where a file is older than a unit; the total follows from them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    for unit in Unit.allCases {
      self[unit] =
        try values.decodeIfPresent(Double.self, forKey: Key(stringValue: unit.rawValue)) ?? 0
    }
  }

  /// Writes the part of every unit, and `total`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    for unit in Unit.allCases {
      try values.encode(self[unit], forKey: Key(stringValue: unit.rawValue))
    }
    try values.encode(total, forKey: Key(stringValue: "total"))
  }
}
