// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor

/// Random passes of layers through the RTL and through the model: every result and the cycles of every
/// item have to be equal.
public struct RTLVerification: Encodable, Sendable, Equatable {
  /// What is simulated.
  public enum Unit: String, CaseIterable, Sendable {
    /// A core, whose environment the bench models; the runs that it reads are compared too.
    case core
    /// The whole machine, from loaded memories; which core takes which item is compared too.
    case top
  }

  /// Passes of a layer.
  public private(set) var passes = 0
  /// Items: groups of rows on tiles, or on windows of the weight gradient.
  public private(set) var items = 0
  /// Results that were compared.
  public private(set) var results = 0
  /// Cycles of all items.
  public private(set) var cycles = 0
  /// Where the cycles of the top went; nil for a core.
  public private(set) var top: TopCycles?

  /// Cycles of all passes of the top, which does one after the other but for the loads of masks and
  /// weights behind the cores' work.
  public struct TopCycles: Encodable, Sendable, Equatable {
    /// Lowering and the reorder unit.
    public internal(set) var reorder = 0
    /// Making the items.
    public internal(set) var plan = 0
    /// Dealing and working through them.
    public internal(set) var run = 0
    /// Of `run`, the busy cycles of the core that works longest, which the model counts.
    public internal(set) var work = 0

    /// Adds the cycles that the bench reports for its passes: `reorder N plan N run N work N`.
    mutating func add(_ output: String) throws(RTLError) {
      let words = output.split(whereSeparator: \.isWhitespace)
      func number(_ name: Substring) throws(RTLError) -> Int {
        guard let place = words.firstIndex(of: name), place + 1 < words.count,
          let number = Int(words[place + 1])
        else { throw RTLError("the bench does not report \(name) cycles:\n\(output)") }
        return number
      }
      reorder += try number("reorder")
      plan += try number("plan")
      run += try number("run")
      work += try number("work")
    }
  }

  /// Passes that one file of vectors holds, and from which on a faster bench pays for its building.
  private static let passesPerFile = 60
  private static let longRun = 200

  /// Builds the bench for a description and runs passes of all three kinds alternately.
  ///
  /// - Parameters:
  ///   - hardware: a machine that the RTL can be; for a core, its cores are simulated one after another.
  ///   - rtl: the folder `rtl`.
  ///   - unit: what is simulated.
  ///   - seeds: each names a pass.
  ///   - kept: a folder that keeps built benches for the next call; nil to keep none.
  ///   - willBuild: called before the bench is built, which takes minutes, with its name.
  /// - Throws: `RTLError` if anything differs, or the bench did not compare exactly what it was given.
  public init(
    _ hardware: HardwareDescription, rtl: URL, unit: Unit = .core, seeds: Range<UInt64>,
    kept: URL? = nil,
    willBuild: (String) -> Void = { _ in }
  ) throws {
    let name = "tb_swpu_\(unit.rawValue)"
    let bench = try RTLBench(
      name, hardware: rtl, package: hardware.rtlPackage(), isLong: seeds.count >= Self.longRun,
      kept: kept, willBuild: { willBuild(name) })
    defer { bench.remove() }
    for first in stride(from: seeds.lowerBound, to: seeds.upperBound, by: Self.passesPerFile) {
      var text = ""
      var expected = 0
      var work = 0
      let batch = first..<min(seeds.upperBound, first + UInt64(Self.passesPerFile))
      for seed in batch {
        let pass = RandomPass(seed: seed, pass: Pass.allCases[Int(seed % 3)])
        let checks: (text: String, items: Int, results: Int, cycles: Int)
        switch unit {
        case .core:
          let vectors = try PassVectors(pass, hardware: hardware)
          checks = (vectors.text, vectors.items, vectors.results, vectors.cycles)
        case .top:
          let vectors = try TopVectors(pass, hardware: hardware)
          checks = (vectors.text, vectors.items, vectors.results, vectors.cycles)
          work += vectors.longest
        }
        text += checks.text
        passes += 1
        items += checks.items
        results += checks.results
        cycles += checks.cycles
        expected += checks.items + checks.results
      }
      let outcome = try bench.run(vectors: ["passes.txt": text], argument: "passes.txt")
      // Every result and every item has to be looked at, once.
      if outcome.checked != expected {
        throw RTLError(
          "the bench compared \(outcome.checked) of \(expected):\n\(outcome.output)")
      }
      if outcome.differing > 0 {
        throw RTLError("passes of seeds \(batch) differ:\n\(outcome.output)")
      }
      guard unit == .top else { continue }
      var sum = top ?? TopCycles()
      let before = sum.work
      try sum.add(outcome.output)
      if sum.work - before != work {
        throw RTLError("the cores work \(sum.work - before) cycles, not \(work)")
      }
      top = sum
    }
  }
}
