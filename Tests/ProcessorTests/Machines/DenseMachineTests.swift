// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct DenseMachineTests {
  @Test("the SWPU without techniques takes the dense machine's cycles, and with them too")
  func equalsSWPU() {
    for seed in 0..<80 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      random.mask = LayerMask(dense: random.mask.shape)
      for pass in Pass.allCases {
        let dense = random.run(.dense, random.layer(), pass).timing
        var off = random
        off.hardware.techniques.reorder = .natural
        off.hardware.techniques.detectBeforeLoad = false
        off.hardware.techniques.compress = false
        #expect(off.run(.swpu, off.layer(), pass).timing == dense, "\(pass) seed \(seed)")
        var on = random
        on.hardware.techniques.detectBeforeLoad = true
        on.hardware.techniques.compress = true
        let swpu = on.run(.swpu, on.layer(), pass).timing
        // Rows of several groups of a convolution need different planes, which compression skips.
        if random.geometry.groups == 1 {
          #expect(swpu == dense, "\(pass) seed \(seed)")
        } else {
          #expect(swpu.cycles <= dense.cycles, "\(pass) seed \(seed)")
        }
      }
    }
  }

  @Test("the mask changes nothing but what is called effectual")
  func ignoresMask() {
    for seed in 0..<40 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      var unpruned = random
      unpruned.mask = LayerMask(dense: random.mask.shape)
      for pass in Pass.allCases {
        let run = random.run(.dense, random.layer(), pass)
        let dense = unpruned.run(.dense, unpruned.layer(), pass)
        #expect(run.timing == dense.timing, "\(pass) seed \(seed)")
        #expect(run.activity.executedMACs == dense.activity.executedMACs, "\(pass) seed \(seed)")
        #expect(run.storedWeights == random.mask.shape.count && run.maskBits == 0)
        #expect(run.activity.maskBits == 0, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("planes of other groups of a convolution are not stepped through")
  func depthwise() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 64, height: 1, width: 1), filters: 64, rows: 1, columns: 1,
        groups: 64))
    var random = RandomCase(seed: 0)
    random.geometry = geometry
    random.mask = LayerMask(dense: FilterShape(filters: 64, channels: 1, rows: 1, columns: 1))
    random.images = 1
    random.hardware = .small
    let run = random.run(.dense, random.layer(), .forward)
    // 16 groups of 4 rows, each with the entries of its own 4 planes only.
    #expect(run.activity.vectorsLoaded == 64)
  }
}
