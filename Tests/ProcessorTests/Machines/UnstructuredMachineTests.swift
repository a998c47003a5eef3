// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct UnstructuredMachineTests {
  @Test("pairing moves halves of rows and loses no entry")
  func pairing() {
    for seed in 0..<100 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      for pass in Pass.allCases {
        for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: pass) {
          let paired = part.withPairedHalves
          // The halves of all rows, as sets of entries, with how often each occurs.
          func halves(_ part: LoweredPart) -> [[Int]: Int] {
            var found: [[Int]: Int] = [:]
            for row in 0..<part.rows {
              let reached = part.reachedEntries(row)
              let planes = reached.count / part.tapCount
              let middle = reached.lowerBound + planes / 2 * part.tapCount
              let needed = (0..<part.entries).filter { part.needs(row: row, entry: $0) }
              found[[0, reached.lowerBound] + needed.filter { $0 < middle }, default: 0] += 1
              found[[1, reached.lowerBound] + needed.filter { $0 >= middle }, default: 0] += 1
            }
            return found
          }
          #expect(halves(paired) == halves(part), "\(pass) seed \(seed)")
        }
      }
    }
  }

  @Test("rows that are dense in opposite halves become equal")
  func balance() throws {
    var random = RandomCase(seed: 1)
    random.hardware = .small
    random.images = 1
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 16, height: 4, width: 4), filters: 4, rows: 1, columns: 1))
    let shape = FilterShape(filters: 4, channels: 16, rows: 1, columns: 1)
    // A filter keeps as many of its first eight channels as of the others.
    let kept = [2, 6, 0, 4]
    random.mask = LayerMask(
      shape: shape, elements: Bits(count: shape.count) { $0 % 8 < kept[$0 / 16] })
    let part = LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward)[0]
    #expect((0..<4).map { part.needed(row: $0) } == [4, 12, 0, 8])
    #expect((0..<4).map { part.withPairedHalves.needed(row: $0) } == [6, 6, 6, 6])
  }

  @Test("each output of each image is added up from two halves")
  func halves() throws {
    var random = RandomCase(seed: 1)
    random.hardware = .small
    random.hardware.array.slots = 1
    random.hardware.array.adderStages = 1
    random.images = 3
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 8, height: 2, width: 3), filters: 5, rows: 1, columns: 1))
    random.mask = LayerMask(dense: FilterShape(filters: 5, channels: 8, rows: 1, columns: 1))
    // A row has one partial sum an output, so that nothing else is added.
    let forward = random.run(.unstructured, random.layer(), .forward)
    #expect(forward.activity.extraAdditions == 5 * 6 * 3)
    let backward = random.run(.unstructured, random.layer(), .inputGradient)
    #expect(backward.activity.extraAdditions == 8 * 6 * 3)
  }

  @Test("every vector taken passes all stages of the network, weight gradients twice")
  func network() {
    for seed in 0..<40 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let stages = [2: 1, 4: 3, 8: 5, 16: 7][random.hardware.array.window]!
      for pass in Pass.allCases {
        let run = random.run(.unstructured, random.layer(), pass)
        let times = pass == .weightGradient ? 2 : 1
        #expect(
          run.activity.networkMoves == run.activity.vectorsTaken * stages * times,
          "\(pass) seed \(seed)")
        #expect(run.maskBits == random.mask.shape.count)
        #expect(run.storedWeights == random.mask.keptElements)
      }
    }
  }
}
