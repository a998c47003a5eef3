// SPDX-License-Identifier: Apache-2.0

/// Where the multiplier-cycles of a whole step went: `amounts` add up to its cycles times multipliers.
public struct StepParts: Sendable {
  /// A reason and its multiplier-cycles: those of all passes, then what runs without the array.
  public let amounts: [(reason: String, multiplierCycles: Int)]

  /// The parts of a step on the machine that ran it.
  public init(_ step: StepResult, hardware: HardwareDescription) {
    var sums: [(reason: String, multiplierCycles: Int)] = []
    for pass in step.layers {
      let parts = CycleParts(pass, hardware: hardware).amounts
      if sums.isEmpty { sums = parts.map { ($0.reason, 0) } }
      for (index, part) in parts.enumerated() {
        sums[index].multiplierCycles += part.multiplierCycles
      }
    }
    for work in step.vector {
      sums.append(("\(work.name), without the array", work.cycles * hardware.array.multipliers))
    }
    amounts = sums
  }
}
