// SPDX-License-Identifier: Apache-2.0

import Tensor
import Testing

@testable import Processor

@Suite struct StreamUnitTests {
  private func normals(_ count: Int, seed: UInt64, mean: Float = 0) -> [Float] {
    var random = SeededRandom(seed: seed, stream: 11)
    return (0..<count).map { _ in mean + random.normal() }
  }

  @Test("sums are those of a plain loop over lanes and a tree, in every bit")
  func sums() {
    for (lanes, count) in [(32, 1000), (4, 7), (1, 5), (32, 3)] {
      let raw = normals(count, seed: UInt64(count), mean: 3)
      let gradient = normals(count, seed: 99)
      var outgoing = StreamSums(lanes: lanes)
      var incoming = StreamSums(lanes: lanes)
      for (value, slope) in zip(raw, gradient) {
        outgoing.add(raw: value, near: 2.5)
        incoming.add(gradient: slope, raw: value)
      }
      func expected(_ term: (Int, Float) -> Float) -> Float {
        var level = (0..<lanes).map { lane in
          stride(from: lane, to: count, by: lanes).reduce(Float(0)) { term($1, $0) }
        }
        while level.count > 1 {
          level = stride(from: 0, to: level.count, by: 2).map {
            $0 + 1 < level.count ? level[$0] + level[$0 + 1] : level[$0]
          }
        }
        return level[0]
      }
      #expect(outgoing.totals.first == expected { $1 + (raw[$0] - 2.5) })
      #expect(
        outgoing.totals.second == expected { $1.addingProduct(raw[$0] - 2.5, raw[$0] - 2.5) })
      #expect(incoming.totals.first == expected { $1 + gradient[$0] })
      #expect(incoming.totals.second == expected { $1.addingProduct(gradient[$0], raw[$0]) })
    }
  }

  @Test("the gradient of a raw output is that of batch normalisation")
  func normalisation() {
    let count = 4096
    let raw = normals(count, seed: 1, mean: 5)
    let gradient = normals(count, seed: 2)
    let gamma: Float = 1.5
    let wide = raw.map { Double($0) }
    let mean = wide.reduce(0, +) / Double(count)
    let variance = wide.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    let deviation = variance.squareRoot()
    // By the definition, in double precision.
    let normal = wide.map { ($0 - mean) / deviation }
    let m1 = gradient.reduce(0) { $0 + Double($1) } / Double(count)
    let m2 = zip(gradient, normal).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(count)
    // By the sums of the stream unit.
    var sums = StreamSums(lanes: 32)
    for (slope, value) in zip(gradient, raw) { sums.add(gradient: slope, raw: value) }
    let (total, products) = sums.totals
    let first = total / Float(count)
    let second = (products / Float(count) - first * Float(mean)) / Float(deviation)
    let factors = StreamUnit.BackwardFactors(
      gamma: gamma, mean: Float(mean), deviation: Float(deviation), gradient: first,
      product: second)
    for index in 0..<count {
      let expected =
        Double(gamma) / deviation * (Double(gradient[index]) - m1 - normal[index] * m2)
      let found = StreamUnit.rawGradient(gradient[index], raw: raw[index], factors, .fp16)
      #expect(abs(Double(found) - expected) < 2e-3 * max(1, abs(expected)), "\(index)")
    }
  }

  @Test("a difference to a value near the mean keeps the variance of values far from zero")
  func cancellation() {
    let raw = normals(10_000, seed: 4, mean: 1000)
    var sums = StreamSums(lanes: 32)
    for value in raw { sums.add(raw: value, near: 999.5) }
    let mean = sums.totals.first / 10_000
    let variance = sums.totals.second / 10_000 - mean * mean
    #expect(abs(variance - 1) < 0.05)
  }

  @Test("packed zeros are restored, and values take a bit and a code each")
  func packing() {
    for seed in 0..<50 as Range<UInt64> {
      var random = SeededRandom(seed: seed, stream: 1)
      let values = (0..<random.below(300)).map { _ -> UInt16 in
        random.below(2) == 0 ? 0 : UInt16(random.below(1 << 16))
      }
      let packed = PackedZeros(values)
      #expect(packed.unpacked == values)
      #expect(packed.codes.count == values.count { $0 != 0 })
      #expect(packed.bitmap.count == (values.count + 63) / 64)
    }
    #expect(PackedZeros([0x8000]).codes == [0x8000])
  }

  @Test("a weight is its BF16 operand and a rest, and is restored bit-identically")
  func planes() {
    var random = SeededRandom(seed: 7, stream: 7)
    for _ in 0..<5000 {
      let bits = UInt32(random.below(1 << 16)) << 16 | UInt32(random.below(1 << 16))
      let weight = Float(bitPattern: bits)
      if !weight.isFinite || abs(weight) > 3e38 { continue }
      let planes = WeightPlanes(weight)
      #expect(planes.weight.bitPattern == bits)
      if bits & 0xFFFF != 0x8000 {
        #expect(planes.operand == HardwareDescription.OperandFormat.bf16.encode(weight))
      }
    }
  }

  @Test("the rest of a weight between two operands fits its plane", arguments: [0x3F80, 0x3F81])
  func tie(upper: UInt32) {
    for sign in [0, 0x8000_0000] as [UInt32] {
      let bits = sign | upper << 16 | 0x8000
      let planes = WeightPlanes(Float(bitPattern: bits))
      #expect(planes.operand == UInt16((sign >> 16) + upper + 1))
      #expect(planes.rest == .min && planes.weight.bitPattern == bits)
    }
  }

  @Test("a value is shifted, added to its shortcut and cut off below zero, then rounded")
  func value() {
    let format = HardwareDescription.OperandFormat.bf16
    #expect(
      StreamUnit.value(3, scale: 2, shift: -1, shortcut: 0.5, activates: true, format) == 5.5)
    #expect(StreamUnit.value(-3, scale: 2, shift: -1, activates: true, format) == 0)
    #expect(StreamUnit.value(-3, scale: 2, shift: -1, activates: false, format) == -7)
    #expect(StreamUnit.valueGradient([1, 2, 4], passes: true, format) == 7)
    #expect(StreamUnit.valueGradient([1, 2, 4], passes: false, format) == 0)
  }
}
