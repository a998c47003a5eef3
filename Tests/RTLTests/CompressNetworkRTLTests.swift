// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

@Suite(.needsVerilator) struct CompressNetworkRTLTests {
  private static let width = 16

  /// A line of the bench: what `CompressNetwork` does with random data in the lanes of a mask.
  private func line(_ network: CompressNetwork, _ mask: UInt64, _ random: inout SeededRandom)
    -> String
  {
    let (lanes, stages) = (network.lanes, network.stages)
    let settings = network.settings(needed: mask)
    let data: [UInt64?] = (0..<lanes).map { _ in random.next() >> 48 }
    let packed = network.compress(data, settings)
    let rubbish = packed.map { $0 ?? random.next() >> 48 }
    let returned = network.expand(rubbish, settings)
    let fields = [
      HexNumber([mask], width: lanes),
      HexNumber(settings.occupied[..<stages], width: lanes),
      HexNumber(settings.moving, width: lanes),
      HexNumber(data.map { $0 ?? 0 }, width: Self.width),
      HexNumber(packed.map { $0 ?? 0 }, width: Self.width),
      HexNumber(rubbish, width: Self.width),
      HexNumber(returned.map { $0 ?? 0 }, width: Self.width),
    ]
    return fields.map(\.text).joined(separator: " ") + "\n"
  }

  private func check(masksOf32: Int) throws {
    var random = SeededRandom(seed: 1, stream: 301)
    let eight = CompressNetwork(lanes: 8)
    let all = (0..<UInt64(256)).map { line(eight, $0, &random) }
    let wide = CompressNetwork(lanes: 32)
    var some = [line(wide, 0, &random), line(wide, 0xFFFF_FFFF, &random)]
    for index in 2..<masksOf32 {
      // Dense and sparse masks alternate.
      let bits = random.next()
      let others = random.next()
      let mask = index % 3 == 0 ? bits : index % 3 == 1 ? bits & others : bits | others
      some.append(line(wide, mask & 0xFFFF_FFFF, &random))
    }
    let outcome = try Bench.run(
      "tb_swpu_compress_network",
      vectors: ["compress8.txt": all.joined(), "compress32.txt": some.joined()])
    #expect(outcome == Bench.Outcome(checked: 256 + masksOf32, differing: 0))
  }

  @Test("all masks of 8 lanes and 1,000 of 32: settings, packed and returned data")
  func settingsAndData() throws { try check(masksOf32: 1000) }

  @Test("50,000 masks of 32 lanes", .enabled(if: Bench.isSlow))
  func manyMasks() throws { try check(masksOf32: 50_000) }
}
