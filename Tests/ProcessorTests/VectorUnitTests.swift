// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct VectorUnitTests {
  private func layer(_ kind: NetworkDescription.VectorLayer.Kind) -> NetworkDescription.VectorLayer
  {
    .init(name: "l", kind: kind, inputElements: 300, outputElements: 200)
  }

  @Test("work and traffic grow with the batch; cycles are the larger of the two")
  func batch() {
    let unit = VectorUnit(.swpu)
    for kind in NetworkDescription.VectorLayer.Kind.allCases {
      for run in [unit.forward, unit.backward] {
        let (one, four) = (run(layer(kind), 1), run(layer(kind), 4))
        #expect(four.operations == 4 * one.operations)
        #expect(four.dramBits == 4 * one.dramBits)
        let compute = ceilingDivision(four.operations, 32)
        let transfer = HardwareDescription.swpu.transferCycles(bits: four.dramBits)
        #expect(four.cycles == max(compute, transfer), "\(kind)")
        #expect(four.computeBound == compute)
      }
    }
  }

  @Test("operations and values of every kind of layer, counted manually")
  func kinds() {
    // A batch of three: 30 values read, 12 written by the forward pass.
    typealias Work = (operations: Int, values: Int)
    let expected: [(NetworkDescription.VectorLayer.Kind, forward: Int, backward: Work)] = [
      (.batchNorm, 6 * 12, (13 * 12, 5 * 12)), (.normalization, 6 * 12, (13 * 12, 5 * 12)),
      (.batchNormWithResidual, 7 * 12, (13 * 12, 6 * 12)), (.activation, 12, (12, 3 * 12)),
      (.add, 12, (0, 0)), (.multiply, 12, (2 * 12, 12 + 2 * 30)), (.pooling, 30, (30, 2 * 30 + 12)),
      (.dropout, 2 * 12, (12, 2 * 12)),
    ]
    #expect(Set(expected.map(\.0)) == Set(NetworkDescription.VectorLayer.Kind.allCases))
    let unit = VectorUnit(.swpu)
    for (kind, forward, backward) in expected {
      let layer = NetworkDescription.VectorLayer(
        name: "l", kind: kind, inputElements: 10, outputElements: 4)
      let (ahead, back) = (unit.forward(layer, images: 3), unit.backward(layer, images: 3))
      #expect(ahead.operations == forward && ahead.dramBits == 16 * 42, "\(kind)")
      #expect(back.operations == backward.operations, "\(kind)")
      #expect(back.dramBits == 16 * backward.values, "\(kind)")
    }
    let loss = unit.loss(classes: 10, images: 3)
    #expect(loss.operations == 300 && loss.dramBits == 16 * 60)
  }

  @Test("a step's part divides every count, the DRAM's stalls too")
  func parts() {
    let run = VectorUnit(.swpu).optimiser(storedWeights: 1000)
    let part = run.amortised(over: 7)
    #expect(part.dramWait == (run.dramWait + 6) / 7 && run.dramWait > 7)
    #expect(part.operations == (run.operations + 6) / 7)
    #expect(part.dramBits == (run.dramBits + 6) / 7)
  }

  @Test("every layer reads and writes at least its maps once")
  func compulsory() {
    let unit = VectorUnit(.swpu)
    for kind in NetworkDescription.VectorLayer.Kind.allCases {
      #expect(unit.forward(layer(kind), images: 2).dramBits == 2 * 500 * 16)
    }
  }

  @Test("the optimiser touches kept weights only: 5 FP32 words and a working copy each")
  func optimiser() {
    let run = VectorUnit(.swpu).optimiser(storedWeights: 1000)
    #expect(run.operations == 6000)
    #expect(run.dramBits == 1000 * (5 * 32 + 16))
    #expect(VectorUnit(.swpu).optimiser(storedWeights: 0).cycles == 0)
    // 176 bits at 12.8 GB/s and 675 MHz are more than 6 operations of 32 lanes.
    #expect(run.dramWait > 0)
  }

  @Test("the reorder unit takes a cycle a word, as many words as counted from the greedy order")
  func reordering() {
    for seed in 0..<30 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .inputGradient) {
        var hardware = random.hardware
        hardware.techniques.reorderLines = .none
        // The greedy order, counting: a row that joins is compared with all remaining ones.
        var words = part.rows * part.wordsPerRow
        for left in 0..<part.rows { words += left * part.wordsPerRow }
        hardware.techniques.reorder = .hamming
        let run = VectorUnit(hardware).reordering([part])
        #expect(run.reorderWords == words, "\(seed)")
        #expect(run.computeBound == words, "\(seed)")
        // The masks are read, and a number of 16 bits written for each row.
        #expect(run.dramBits == part.rows * (part.entries + 16), "\(seed)")
        hardware.techniques.reorder = .natural
        #expect(VectorUnit(hardware).reordering([part]) == VectorRun(), "\(seed)")
      }
    }
  }

  @Test("a step's part of an update is at least the update over the interval")
  func amortised() {
    var run = VectorUnit(.swpu).optimiser(storedWeights: 1001)
    run.reorderWords = 5
    let share = run.amortised(over: 100)
    #expect(share.operations == 61)
    #expect(share.reorderWords == 1)
    #expect(share.cycles * 100 >= run.cycles)
    #expect(run.amortised(over: 1) == run)
  }

  @Test("energy of the units follows their counts")
  func energy() {
    let model = EnergyModel(.swpu)
    let loss = model.energy(of: VectorUnit(.swpu).loss(classes: 10, images: 4))
    #expect(loss[.vector] > 0 && loss[.reorder] == 0 && loss[.multiply] == 0)
    #expect(loss[.dram] == 2 * 40 * 16 * 14)
    var words = VectorRun()
    words.reorderWords = 10
    let reorder = model.energy(of: words)
    #expect(reorder[.reorder] > 0 && reorder[.vector] == 0)
  }
}
