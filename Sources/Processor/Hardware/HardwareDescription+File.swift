// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Yams

extension HardwareDescription {
  /// Reads a YAML file's text. Every key must be there and no other.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  public init(yaml text: String, file: String) throws(ConfigurationError) {
    try self.init(yaml: Data(text.utf8), file: file)
  }

  /// Reads a YAML file's bytes, as its text is read.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  public init(yaml bytes: Data, file: String) throws(ConfigurationError) {
    let document = try YAMLDocument(bytes, file: file)
    try Self.checkKeys(document.root, file: file)
    self = try document.decode(
      HardwareDescription.self, allowed: { Self.choices[$0].map { "one of \($0)" } })
    try validate(file: file)
  }

  /// The description as YAML.
  public var yaml: String {
    do {
      return try YAMLText.document(self)
    } catch {
      // Numbers, strings and booleans can always be encoded.
      preconditionFailure("a hardware description that YAML cannot hold: \(error)")
    }
  }

  private static let sections: [(name: String, keys: [String])] = [
    ("array", Array.CodingKeys.allCases.map(\.rawValue)),
    ("techniques", Techniques.CodingKeys.allCases.map(\.rawValue)),
    ("memory", Memory.CodingKeys.allCases.map(\.rawValue)),
    ("schedule", Schedule.CodingKeys.allCases.map(\.rawValue)),
    ("stream", Stream.CodingKeys.allCases.map(\.rawValue)),
    ("vector-unit", VectorUnit.CodingKeys.allCases.map(\.rawValue)),
    ("supply", Supply.CodingKeys.allCases.map(\.rawValue)),
  ]

  private static let choices: [String: String] = [
    "machine": Machine.allCases.map(\.rawValue).joined(separator: ", "),
    "array.operands": OperandFormat.allCases.map(\.rawValue).joined(separator: ", "),
    "array.results": ResultFormat.allCases.map(\.rawValue).joined(separator: ", "),
    "techniques.reorder": Reorder.allCases.map(\.rawValue).joined(separator: ", "),
    "memory.dram": DRAM.allCases.map(\.rawValue).joined(separator: ", "),
    "memory.stash-format": OperandFormat.allCases.map(\.rawValue).joined(separator: ", "),
    "memory.gradient-format": OperandFormat.allCases.map(\.rawValue).joined(separator: ", "),
    "techniques.reorder-lines": LineReorder.allCases.map(\.rawValue).joined(separator: ", "),
  ]

  private static func checkKeys(_ root: Node?, file: String) throws(ConfigurationError) {
    func check(_ node: Node?, _ section: String, _ known: [String]) throws(ConfigurationError) {
      guard let found = node?.mapping?.keys.compactMap(\.string) else {
        throw ConfigurationError(
          file, section, "must hold the keys \(known.joined(separator: ", "))")
      }
      let prefix = section == "document" ? "" : section + "."
      if let unknown = found.first(where: { !known.contains($0) }) {
        throw ConfigurationError(
          file, prefix + unknown, "is not a key; the keys are \(known.joined(separator: ", "))")
      }
      if let missing = known.first(where: { !found.contains($0) }) {
        throw ConfigurationError(file, prefix + missing, "is missing")
      }
    }
    try check(root, "document", CodingKeys.allCases.map(\.rawValue))
    for section in sections { try check(root?[section.name], section.name, section.keys) }
  }

  /// Checks every value.
  ///
  /// - Throws: `ConfigurationError` for the first key that is wrong.
  public func validate(file: String) throws(ConfigurationError) {
    func check(
      _ isRight: Bool, _ key: String, _ value: some CustomStringConvertible, _ allowed: String
    ) throws(ConfigurationError) {
      if !isRight { throw ConfigurationError(file, key, "\(value) is not allowed; \(allowed)") }
    }
    func check(_ value: Int, _ range: ClosedRange<Int>, _ key: String) throws(ConfigurationError) {
      try check(
        range.contains(value), key, value, "\(range.lowerBound) to \(range.upperBound)")
    }
    func check(_ value: Double, _ range: ClosedRange<Double>, _ key: String)
      throws(ConfigurationError)
    {
      try check(
        range.contains(value), key, value, "\(range.lowerBound) to \(range.upperBound)")
    }
    try check(!name.isEmpty, "name", "an empty name", "some name")
    try check(array.cores, 1...1024, "array.cores")
    try check(array.rows, 1...256, "array.rows")
    try check(array.lanes, 1...256, "array.lanes")
    try check(array.slots, 1...8, "array.slots")
    try check(array.window, 2...64, "array.window")
    try check(
      array.window & (array.window - 1) == 0, "array.window", array.window,
      "a power of two: the network has log2(window) stages")
    try check(
      array.slots <= array.window, "array.slots", array.slots, "at most the window")
    try check(array.windowsInFlight, 1...64, "array.windows-in-flight")
    try check(array.adderStages, 1...8, "array.adder-stages")
    try check(array.sumBanks, 1...2, "array.sum-banks")
    try check(memory.activationKibibytes, 1...1 << 20, "memory.activation-kibibytes")
    try check(memory.weightKibibytes, 1...1 << 20, "memory.weight-kibibytes")
    try check(memory.outputKibibytes, 1...1 << 20, "memory.output-kibibytes")
    try check(memory.maskKibibytes, 1...1 << 20, "memory.mask-kibibytes")
    try check(memory.portsPerCore, 1...256, "memory.ports-per-core")
    try check(memory.portElements, 1...1024, "memory.port-elements")
    try check(
      memory.dramGigabytesPerSecond, 0.001...10_000, "memory.dram-gigabytes-per-second")
    try check(memory.poolKibibytes, 0...1 << 20, "memory.pool-kibibytes")
    try check(stream.elementsPerCycle, 1...4096, "stream.elements-per-cycle")
    // What moves layer by layer has one format and stays nowhere.
    for (isUsed, key) in [
      (schedule.fuseBackward, "schedule.fuse-backward"),
      (schedule.fuseUpdate, "schedule.fuse-update"),
      (memory.compressZeros, "memory.compress-zeros"),
      (techniques.maskOutputs, "techniques.mask-outputs"),
      (memory.poolKibibytes > 0, "memory.pool-kibibytes"),
      (memory.stashFormat != array.operands, "memory.stash-format"),
      (memory.gradientFormat != array.operands, "memory.gradient-format"),
    ] where isUsed && !schedule.fuseNormalisation {
      throw ConfigurationError(
        file, key,
        "needs schedule.fuse-normalisation; without it use false, 0 or the format of array.operands"
      )
    }
    for (format, key) in [
      (memory.stashFormat, "memory.stash-format"),
      (memory.gradientFormat, "memory.gradient-format"),
    ] {
      try check(
        format.bits <= array.operands.bits, key, format.rawValue,
        "at most the bits of array.operands, \(array.operands.bits)")
    }
    try check(vectorUnit.lanes, 1...4096, "vector-unit.lanes")
    try check(supply.thresholdVolts, 0.05...2, "supply.threshold-volts")
    try check(supply.alpha, 1...2, "supply.alpha")
    try check(supply.nominalMegahertz, 1...10_000, "supply.nominal-megahertz")
    let least = supply.thresholdVolts + 0.02
    try check(
      supply.nominalVolts >= least && supply.nominalVolts <= 2, "supply.nominal-volts",
      supply.nominalVolts, "0.02 V above the threshold to 2 V")
    try check(
      supply.volts >= least && supply.volts <= supply.nominalVolts, "supply.volts", supply.volts,
      "0.02 V above the threshold to the nominal voltage")
    try check(
      supply.memoryMinimumVolts >= 0 && supply.memoryMinimumVolts <= supply.nominalVolts,
      "supply.memory-minimum-volts", supply.memoryMinimumVolts, "0 to the nominal voltage")
  }
}
