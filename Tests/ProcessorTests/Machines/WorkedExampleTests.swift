// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor
import Testing

@testable import Processor

extension LayerPass {
  /// Skips whole kernels `W[k,c,:,:]`: one with any kept weight is computed whole.
  func onKernelMachine() -> PassRun {
    let shape = layer.mask.shape
    let area = shape.rows * shape.columns
    var kernels = Bits(count: shape.filters * shape.channels)
    for element in layer.mask.elementBits.setBits { kernels[element / area] = true }
    let whole = LayerMask(
      shape: shape, elements: Bits(count: shape.count) { kernels[$0 / area] })

    let packing = hardware(detects: true, compresses: true)
    let schedule = PassSchedule(
      layer.geometry, mask: whole, pass: pass, images: images, hardware: packing)
    let products = schedule.parts.reduce(0) { $0 + $1.products(images: images) }
    var activity = activity(
      schedule, packing, notPruned: pass == .weightGradient ? products : effectualMACs)
    // A bit represents a kernel, not an entry.
    activity.maskBits = ceilingDivision(activity.maskBits, area)
    return PassRun(
      timing: schedule.fastTiming(packing), activity: activity, maskBits: kernels.count,
      storedWeights: whole.keptElements)
  }
}

/// The machine that docs/processor/add-a-baseline.md adds.
@Suite struct WorkedExampleTests {
  @Test("the guide shows this file's machine")
  func guide() throws {
    let here = URL(filePath: #filePath)
    let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
    let guide = try String(
      contentsOf: root.appending(path: "docs/processor/add-a-baseline.md"), encoding: .utf8)
    let source = try String(contentsOf: here, encoding: .utf8)
    let start = try #require(source.range(of: "extension LayerPass {"))
    let end = try #require(source.range(of: "\n}\n"))
    #expect(guide.contains(source[start.lowerBound..<end.upperBound]))
  }

  @Test("the machine keeps within the bounds of every machine")
  func bounds() {
    for seed in 0..<30 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      for pass in Pass.allCases {
        let work = LayerPass(
          layer: random.layer(), pass: pass, images: random.images, hardware: random.hardware)
        let run = work.onKernelMachine()
        #expect(run.activity.executedMACs >= work.effectualMACs, "\(pass) seed \(seed)")
        let ideal = work.onIdealMachine().timing.cycles
        #expect(run.timing.cycles >= ideal, "\(pass) seed \(seed)")
      }
    }
  }
}
