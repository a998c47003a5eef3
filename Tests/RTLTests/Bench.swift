import Foundation
import Testing

/// A bench of `rtl/test`: built with Verilator and run on vector files of the model.
struct Bench {
  /// What a bench says at its end.
  struct Outcome: Equatable, CustomStringConvertible {
    var checked: Int
    var differing: Int
    /// All that was printed, for a failure.
    var output = ""

    static func == (a: Outcome, b: Outcome) -> Bool {
      (a.checked, a.differing) == (b.checked, b.differing)
    }

    var description: String { "checked \(checked), differing \(differing)\n\(output)" }
  }

  /// Whether Verilator can be run.
  static let isAvailable = verilator != nil

  /// Whether the thorough suites run too.
  static let isSlow = ProcessInfo.processInfo.environment["SWPU_SLOW_TESTS"] == "1"

  private static let verilator: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map { "\($0)/verilator" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// The folder of the hardware, beside the sources.
  static let hardware = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("rtl")

  /// Builds a bench and runs it on files of vectors, by name, in a folder of their own.
  ///
  /// - Parameter argument: the file that the bench is told; nil for the folder.
  static func run(_ name: String, vectors: [String: String], argument: String? = nil) throws
    -> Outcome
  {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("swpu-\(name)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (file, text) in vectors {
      try Data(text.utf8).write(to: folder.appendingPathComponent(file))
    }
    // A bench is built for one short run: one file of C++, without optimisation.
    let built = try execute(
      verilator ?? "verilator",
      [
        "--binary", "--timing", "-Wall", "-MAKEFLAGS",
        "VM_PARALLEL_BUILDS=0 OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
        "--Mdir", folder.appendingPathComponent("build").path, "--top-module", name,
        hardware.appendingPathComponent("lint/verilator.vlt").path,
        "-F", hardware.appendingPathComponent("swpu.f").path,
        hardware.appendingPathComponent("test/\(name).sv").path, "-o", "bench",
      ], output: folder.appendingPathComponent("build.log"))
    if built.status != 0 { return Outcome(checked: 0, differing: 0, output: built.output) }
    let vectors = argument.map { folder.appendingPathComponent($0).path } ?? folder.path
    let ran = try execute(
      folder.appendingPathComponent("build/bench").path, ["+vectors=\(vectors)"],
      output: folder.appendingPathComponent("run.log"))
    if ran.status != 0 { return Outcome(checked: 0, differing: 0, output: ran.output) }
    return outcome(ran.output)
  }

  /// Reads the line `checked N differing M`; a bench that does not print it has checked nothing.
  private static func outcome(_ output: String) -> Outcome {
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 4, words[0] == "checked", words[2] == "differing",
        let checked = Int(words[1]), let differing = Int(words[3])
      {
        return Outcome(checked: checked, differing: differing, output: output)
      }
    }
    return Outcome(checked: 0, differing: 0, output: output)
  }

  /// Runs a program to its end; what it prints goes through a file, as a full pipe would stop it.
  private static func execute(_ program: String, _ arguments: [String], output: URL) throws
    -> (status: Int32, output: String)
  {
    try Data().write(to: output)
    let file = try FileHandle(forWritingTo: output)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = file
    process.standardError = file
    try process.run()
    process.waitUntilExit()
    try file.close()
    let printed = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return (process.terminationStatus, printed)
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs where Verilator is installed.
  static var needsVerilator: Self {
    .enabled(if: Bench.isAvailable, "Verilator is not installed; `make test` installs it")
  }
}

/// Bits that a bench reads as one hexadecimal number: fields from the least significant on.
struct HexNumber {
  private var digits: [UInt8] = []
  private var count = 0

  /// Appends the low `width` bits of a field.
  mutating func append(_ value: UInt64, width: Int) {
    for bit in 0..<width {
      if count & 3 == 0 { digits.append(0) }
      if value >> UInt64(bit) & 1 != 0 { digits[count >> 2] |= 1 << UInt8(count & 3) }
      count += 1
    }
  }

  /// Fields of one width.
  init(_ values: some Sequence<UInt64>, width: Int) {
    for value in values { append(value, width: width) }
  }

  /// The number, most significant digit first.
  var text: String {
    String(decoding: digits.reversed().map { "0123456789abcdef".utf8Digit($0) }, as: UTF8.self)
  }
}

extension String {
  fileprivate func utf8Digit(_ index: UInt8) -> UInt8 {
    utf8[utf8.index(utf8.startIndex, offsetBy: Int(index))]
  }
}

/// A number in hexadecimal digits.
func hex(_ value: some BinaryInteger) -> String { String(value, radix: 16) }
