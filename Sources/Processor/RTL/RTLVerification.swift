import Foundation

/// Random passes of layers through the RTL of a core and through the model: every result, the cycles
/// of every item, and the runs that it reads have to be equal.
public struct RTLVerification: Encodable, Sendable, Equatable {
  /// Passes of a layer.
  public private(set) var passes = 0
  /// Items: groups of rows on tiles, or on windows of the weight gradient.
  public private(set) var items = 0
  /// Results that were compared.
  public private(set) var results = 0
  /// Cycles of all items.
  public private(set) var cycles = 0
  /// Results, items and reads that differ.
  public private(set) var differing = 0

  /// Passes that one file of vectors holds.
  private static let passesPerFile = 60

  /// Builds the bench for a description and runs passes of all three kinds in turn.
  ///
  /// - Parameters:
  ///   - hardware: a machine that the RTL can be; its cores are simulated one after another.
  ///   - rtl: the folder `rtl`.
  ///   - seeds: each names a pass.
  /// - Throws: `RTLError` if the bench did not compare exactly what it was given.
  public init(_ hardware: HardwareDescription, rtl: URL, seeds: Range<UInt64>) throws {
    let bench = try RTLBench(
      "tb_swpu_core", hardware: rtl, package: hardware.rtlPackage(), isLong: true)
    defer { bench.remove() }
    for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: Self.passesPerFile) {
      var text = ""
      var expected = 0
      let batch = first..<min(seeds.upperBound, first + UInt64(Self.passesPerFile))
      for seed in batch {
        let pass = Pass.allCases[Int(seed % 3)]
        let vectors = try PassVectors(RandomPass(seed: seed, pass: pass), hardware: hardware)
        text += vectors.text
        passes += 1
        items += vectors.items
        results += vectors.results
        cycles += vectors.cycles
        expected += vectors.items + vectors.results
      }
      let outcome = try bench.run(vectors: ["passes.txt": text], argument: "passes.txt")
      differing += outcome.differing
      // Every result and every item is looked at once, and the cycles were those of the hardware.
      if outcome.checked != expected
        || outcome.differing == 0 && !outcome.output.contains("items ")
      {
        throw RTLError(
          "the bench compared \(outcome.checked) of \(expected):\n\(outcome.output)")
      }
      if outcome.differing > 0 {
        throw RTLError("passes of seeds \(batch) differ:\n\(outcome.output)")
      }
    }
  }
}
