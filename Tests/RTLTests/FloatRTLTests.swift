// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// The adder and the multiplier with its adder, against FP32 sums and products of the model.
@Suite(.needsVerilator) struct FloatRTLTests {
  /// BF16 codes at which something changes, of both signs: zero, subnormals, around one, the ends of
  /// the range, infinity, NaN.
  private static let corners: [UInt16] = [
    0x0000, 0x0001, 0x0003, 0x0040, 0x007F, 0x0080, 0x0081, 0x00FF, 0x1F80, 0x2000, 0x3F00, 0x3F7F,
    0x3F80, 0x3F81, 0x3FFF, 0x5F80, 0x7F00, 0x7F7F, 0x7F80, 0x7FC0,
  ].flatMap { [$0, $0 | 0x8000] }

  /// Sums at which something changes, of both signs.
  private static let cornerSums: [UInt32] = [
    0x0000_0000, 0x0000_0001, 0x007F_FFFF, 0x0080_0000, 0x3F80_0000, 0x3F80_0001, 0x7F7F_FFFF,
    0x7F80_0000, 0x7FC0_0000,
  ].flatMap { [$0, $0 | 0x8000_0000] }

  private func line(_ a: UInt16, _ b: UInt16, _ sum: UInt32, isValid: Bool = true) -> String {
    let format = HardwareDescription.OperandFormat.bf16
    let before = Float(bitPattern: sum)
    let new = (before + format.product(a, b)).canonical.bitPattern
    // As `ValuePass` gates: by the values of the operands.
    let isMade = isValid && format.decode(a) != 0 && format.decode(b) != 0
    return "\(isValid ? 1 : 0) \(hex(a)) \(hex(b)) \(hex(sum)) \(isMade ? 1 : 0) \(hex(new))"
      + " \(hex(new))\n"
  }

  private func checkMultiplyAdd(randomCases: Int) throws {
    var random = SeededRandom(seed: 1, stream: 302)
    var lines: [String] = []
    for (i, a) in Self.corners.enumerated() {
      for (j, b) in Self.corners.enumerated() {
        // A sum of -0 shows the product as it is.
        lines.append(line(a, b, 0x8000_0000))
        for k in 0..<3 {
          lines.append(line(a, b, Self.cornerSums[(i * 7 + j * 5 + k) % Self.cornerSums.count]))
        }
      }
    }
    for index in 0..<randomCases {
      let bits = random.next()
      let a = UInt16(truncatingIfNeeded: bits)
      var b = UInt16(truncatingIfNeeded: bits >> 16)
      if index % 4 == 1 {
        // Products around the smallest numbers: exponent fields that add up to 105 … 136.
        let field = 105 + Int(bits >> 32 & 31) - Int(a >> 7 & 0xFF)
        b = b & 0x807F | UInt16(max(0, min(254, field))) << 7
      }
      var sum = UInt32(truncatingIfNeeded: random.next())
      if index % 4 != 0 {
        // A sum near the product, often of the other sign: long cancellations, all alignments.
        let product = HardwareDescription.OperandFormat.bf16.product(a, b).bitPattern
        let field = Int(product >> 23 & 0xFF) + Int(bits >> 40 & 63) - 32
        sum = sum & 0x807F_FFFF | UInt32(max(0, min(255, field))) << 23
        if index % 16 == 3 { sum = product ^ 0x8000_0000 ^ (sum & 3) }
      }
      // A NaN that a sum holds is the canonical one.
      sum = Float(bitPattern: sum).canonical.bitPattern
      lines.append(line(a, b, sum, isValid: index % 8 != 5))
    }
    let outcome = try Bench.run(
      "tb_swpu_bf16_mac", vectors: ["vectors.txt": lines.joined()], argument: "vectors.txt")
    // Adders of 1, 2 and 3 stages, and one unit that does not gate zeros.
    #expect(outcome == Bench.Outcome(checked: 4 * lines.count, differing: 0))
  }

  private func checkAdder(randomCases: Int) throws {
    var random = SeededRandom(seed: 1, stream: 303)
    var lines: [String] = []
    func append(_ a: UInt32, _ b: UInt32, isValid: Bool = true) {
      let sum = (Float(bitPattern: a) + Float(bitPattern: b)).canonical.bitPattern
      lines.append("\(isValid ? 1 : 0) \(hex(a)) \(hex(b)) \(hex(sum))\n")
    }
    for a in Self.cornerSums + [0x7F80_0001, 0xFFFF_FFFF] {
      for b in Self.cornerSums + [0x7F80_0001, 0xFFFF_FFFF] { append(a, b) }
    }
    for index in 0..<randomCases {
      let bits = random.next()
      var a = UInt32(truncatingIfNeeded: bits)
      var b = UInt32(truncatingIfNeeded: bits >> 32)
      // What is taken from a power of two counts twice, however far below it is.
      if index % 8 == 6 { a &= 0xFF80_0000 }
      if index % 4 != 0 {
        // Exponents up to 32 apart; both near zero alternately.
        let around = index % 4 == 1 ? 0 : Int(a >> 23 & 0xFF)
        let field = around + Int(random.next() & 63) - 32
        b = b & 0x807F_FFFF | UInt32(max(0, min(255, field))) << 23
      }
      if index % 16 == 3 { b = a ^ 0x8000_0000 ^ (b & 7) }
      append(index % 4 == 1 ? a & 0x83FF_FFFF : a, b, isValid: index % 8 != 5)
    }
    let outcome = try Bench.run(
      "tb_swpu_fp32_add", vectors: ["vectors.txt": lines.joined()], argument: "vectors.txt")
    #expect(outcome == Bench.Outcome(checked: 3 * lines.count, differing: 0))
  }

  @Test("products and sums of all corners and 10,000 random operands")
  func multiplyAdd() throws { try checkMultiplyAdd(randomCases: 10_000) }

  @Test("sums of all corners and 10,000 random pairs")
  func adder() throws { try checkAdder(randomCases: 10_000) }

  @Test("a million random cases of each", .enabled(if: Bench.isSlow))
  func many() throws {
    try checkMultiplyAdd(randomCases: 1_000_000)
    try checkAdder(randomCases: 1_000_000)
  }
}
