// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct ActivationOnlyMachineTests {
  @Test("zeros save time, of the operand that the pass reads")
  func operands() throws {
    var random = RandomCase(seed: 2)
    random.hardware = .small
    random.hardware.memory.portsPerCore = 64  // so that loads never hold a tile up
    random.images = 2
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 16, height: 8, width: 8), filters: 8, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    random.mask = LayerMask(dense: FilterShape(filters: 8, channels: 16, rows: 3, columns: 3))
    func issue(_ pass: Pass, _ input: Double, _ gradient: Double) -> Int {
      let layer = random.layer(inputSparsity: input, gradientSparsity: gradient)
      return random.run(.activationOnly, layer, pass).timing.issue
    }
    let dense = Pass.allCases.map { random.run(.dense, random.layer(), $0).timing.issue }
    #expect(Pass.allCases.map { issue($0, 0, 0) } == dense)
    #expect(issue(.forward, 0, 0.9) == dense[0])
    #expect(issue(.inputGradient, 0.9, 0) == dense[1])
    #expect(issue(.weightGradient, 0.9, 0.2) == issue(.weightGradient, 0.2, 0.9))
    for pass in Pass.allCases {
      let half = Double(issue(pass, 0.5, 0.5)) / Double(issue(pass, 0, 0))
      // Four lanes stall on the slowest of them.
      #expect(half > 0.5 && half < 0.65, "\(pass)")
      #expect(issue(pass, 0.9, 0.9) < issue(pass, 0.5, 0.5), "\(pass)")
    }
  }

  @Test("a cycle that is not full is a cycle")
  func rounding() throws {
    var random = RandomCase(seed: 2)
    random.hardware = .small
    random.hardware.array.slots = 2
    random.hardware.memory.portsPerCore = 64
    random.images = 1
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 1, height: 3, width: 3), filters: 1, rows: 3, columns: 3))
    random.mask = LayerMask(dense: FilterShape(filters: 1, channels: 1, rows: 3, columns: 3))
    // Nine operands, two a cycle.
    #expect(random.run(.activationOnly, random.layer(), .forward).timing.issue == 5)
  }
}
