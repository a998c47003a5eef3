// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// The stream units of the RTL against their definition, `StreamUnit`, `StreamSums` and `WeightPlanes`, and
/// the multiply-add in them against the processor's.
@Suite(.needsVerilator) struct StreamUnitsRTLTests {
  private static let format = HardwareDescription.OperandFormat.bf16

  /// Cases as the bench reads them, and what it compares.
  private struct Cases {
    let format = StreamUnitsRTLTests.format
    let lanes: Int
    var random: SeededRandom
    var text = ""
    var checked = 0

    init(lanes: Int, seed: UInt64) {
      self.lanes = lanes
      random = SeededRandom(seed: seed, stream: 313)
    }

    /// Mostly ordinary; else of any bits, near the smallest or largest, zero.
    mutating func number() -> Float {
      let ordinary = random.normal()
      switch random.below(12) {
      case 0: return Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      case 1: return ordinary * 0x1p-70
      case 2: return ordinary * 0x1p-126
      case 3: return ordinary * 0x1p126
      case 4: return [0, -0.0, .infinity, -.infinity, .nan, 1, -1][random.below(7)]
      default: return ordinary
      }
    }

    mutating func operand() -> UInt16 { format.encode(number()) }

    func value(_ code: UInt16) -> Float { format.decode(code) }

    func bits(_ value: Float) -> String { hex(value.isNaN ? 0x7FC0_0000 : value.bitPattern) }

    func word(_ codes: [UInt16]) -> String { HexNumber(codes.map { UInt64($0) }, width: 16).text }

    func word(_ values: [Float]) -> String {
      HexNumber(values.map { UInt64($0.isNaN ? 0x7FC0_0000 : $0.bitPattern) }, width: 32).text
    }

    mutating func flag() -> Bool { random.below(2) == 0 }

    mutating func line(_ fields: [String]) { text += fields.joined(separator: " ") + "\n" }

    func flags(_ flags: Bool...) -> [String] { flags.map { $0 ? "1" : "0" } }

    mutating func streamIn() {
      let (isGradient, hasShortcut, activates) = (flag(), flag(), flag())
      let (scale, shift, slope) = (number(), number(), number())
      let raw = (0..<lanes).map { _ in operand() }
      let other = (0..<lanes).map { _ in operand() }
      let values = (0..<lanes).map { lane in
        if !isGradient {
          return StreamUnit.value(
            value(raw[lane]), scale: scale, shift: shift,
            shortcut: hasShortcut ? value(other[lane]) : nil, activates: activates, format)
        }
        // The definition's own expression, of factors that no statistics need to give.
        return format.rounded(
          (-shift).addingProduct(scale, value(other[lane])).addingProduct(-slope, value(raw[lane])))
      }
      line(
        ["0"] + flags(isGradient, hasShortcut, activates) + [bits(scale), bits(shift), bits(slope)]
          + [word(raw), word(other), word(values.map { format.encode($0) })])
      checked += 1
    }

    mutating func streamOut() {
      let (isGradient, hasOther, activates) = (flag(), flag(), flag())
      let center = random.normal()
      let count = 1 + random.below(6 * lanes)
      let words = (count + lanes - 1) / lanes
      line(["1"] + flags(isGradient, hasOther, activates) + [bits(center), hex(words)])
      var sums = StreamSums(lanes: lanes)
      let isWild = random.below(4) == 0
      for first in stride(from: 0, to: count, by: lanes) {
        let used = min(lanes, count - first)
        let results = (0..<lanes).map { _ in isWild ? number() : random.normal() }
        let other = (0..<lanes).map { _ in isWild ? operand() : format.encode(random.normal()) }
        let values = (0..<lanes).map { _ in random.below(3) == 0 ? 0 : operand() }
        let raw = (0..<lanes).map { _ in isWild ? operand() : format.encode(random.normal()) }
        var codes = [UInt16](repeating: 0, count: lanes)
        for lane in 0..<used {
          if isGradient {
            let parts = [results[lane]] + (hasOther ? [value(other[lane])] : [])
            let gradient = StreamUnit.valueGradient(
              parts, passes: !activates || value(values[lane]) > 0, format)
            codes[lane] = format.encode(gradient)
            sums.add(gradient: gradient, raw: value(raw[lane]))
          } else {
            codes[lane] = format.encode(results[lane])
            sums.add(raw: value(codes[lane]), near: center)
          }
        }
        line(
          [hex(UInt64(1) << UInt64(used) - 1), word(results), word(other), word(values), word(raw)]
            + [word(codes)])
        checked += 1
      }
      let totals = sums.totals
      line([bits(totals.first), bits(totals.second)])
      checked += 2
    }

    mutating func update() {
      let (rate, momentum, decay) = (random.uniform(), random.uniform(), random.uniform() * 0.01)
      let planes = (0..<lanes).map { _ in
        // Some lie between two operands.
        let bits = random.normal().bitPattern
        return WeightPlanes(
          Float(bitPattern: random.below(4) == 0 ? bits & 0xFFFF_0000 | 0x8000 : bits))
      }
      let velocities = (0..<lanes).map { _ in random.normal() }
      let gradients = (0..<lanes).map { _ in random.normal() }
      var moved = velocities
      let updated = (0..<lanes).map { lane in
        WeightPlanes(
          WeightPlanes.step(
            weight: planes[lane].weight, velocity: &moved[lane], gradient: gradients[lane],
            rate: rate, momentum: momentum, decay: decay))
      }
      func rests(_ planes: [WeightPlanes]) -> String {
        word(planes.map { UInt16(bitPattern: $0.rest) })
      }
      line(
        ["2", bits(rate), bits(momentum), bits(decay), word(planes.map(\.operand)), rests(planes)]
          + [word(velocities), word(gradients), word(updated.map(\.operand)), rests(updated)]
          + [word(moved)])
      checked += 1
    }

    /// Also sums that cancel nearly or whole, and products far above or below what they are added to.
    mutating func multiplyAdd() {
      let (a, b) = (number(), number())
      var c = number()
      switch random.below(4) {
      case 0: c = -a * b
      case 1: c = Float(bitPattern: (-a * b).bitPattern ^ UInt32(1 << random.below(24)))
      case 2: c = a * b * Float(sign: .minus, exponent: random.below(120) - 60, significand: 1.5)
      default: break
      }
      line(["3", bits(a), bits(b), bits(c), bits(c.addingProduct(a, b))])
      checked += 1
    }
  }

  private func check(_ machine: HardwareDescription, cases count: Int, seed: UInt64) throws {
    var cases = Cases(lanes: machine.stream.elementsPerCycle, seed: seed)
    for _ in 0..<count {
      cases.streamIn()
      if cases.random.below(4) == 0 { cases.streamOut() }
      cases.update()
      for _ in 0..<8 { cases.multiplyAdd() }
    }
    let bench = try RTLBench(
      "tb_swpu_stream_units", hardware: Bench.hardware, package: machine.rtlPackage(),
      kept: Bench.kept)
    defer { bench.remove() }
    let outcome = try bench.run(vectors: ["streams.txt": cases.text], argument: "streams.txt")
    #expect(outcome == Bench.Outcome(checked: cases.checked, differing: 0))
    #expect(cases.checked > 10 * count)
  }

  @Test("words of all units, their sums, and 4,000 multiply-adds: every bit")
  func units() throws { try check(.small, cases: 500, seed: 1) }

  @Test("ten times as many, and on words of 32", .enabled(if: Bench.isSlow))
  func manyUnits() throws {
    try check(.small, cases: 5000, seed: 2)
    try check(.swpu, cases: 1000, seed: 3)
  }
}
