// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor
import Testing

@testable import RTL

@Suite("Operands as stimuli") struct OperandSampleTests {
  private func layer() throws -> ConvolutionOperands {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 16, height: 6, width: 6), filters: 8, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    let shape = FilterShape(filters: 8, channels: 16, rows: 3, columns: 3)
    // Every third line is pruned; values identify their source.
    let kept = Bits(count: geometry.weights) { $0 / 3 % 3 != 0 }
    return ConvolutionOperands(
      name: "conv", geometry: geometry, mask: LayerMask(recognizing: kept, shape: shape),
      weights: (0..<geometry.weights).map { kept[$0] ? Float(1 + $0 % 100) : 0 },
      input: (0..<geometry.input.count).map { Float(200 + $0 % 50) },
      gradient: (0..<geometry.output.count).map { Float(-1 - $0 % 60) })
  }

  private func code(_ values: some Sequence<Int>) -> Set<String> {
    Set(
      values.map {
        hex(HardwareDescription.OperandFormat.bf16.encode(Float($0)), digits: 4)
      })
  }

  @Test("products of each pass are pairs of its two operands, of kept weights alone")
  func operands() throws {
    var sample = try OperandSample([layer()], seed: 1)
    let lines = sample.lines().map { $0.split(separator: " ").map(String.init) }
    let (weights, inputs, gradients) = (code(1...100), code(200..<250), code(-60 ... -1))
    #expect(Set(lines.map { $0[0] }) == ["forward", "input-gradient", "weight-gradient", "window"])
    for line in lines {
      #expect(line[1] == "conv" && line.count > 2)
      for word in line.dropFirst(2) where line[0] != "window" {
        let (first, second) = (String(word.prefix(4)), String(word.dropFirst(4)))
        switch line[0] {
        case "forward": #expect(weights.contains(first) && inputs.contains(second))
        case "input-gradient": #expect(weights.contains(first) && gradients.contains(second))
        default: #expect(gradients.contains(first) && (inputs.contains(second) || second == "0000"))
        }
      }
    }
  }

  @Test("a seed gives one sample, another seed another")
  func seeds() throws {
    var (first, again, other) = try (
      OperandSample([layer()], seed: 1), OperandSample([layer()], seed: 1),
      OperandSample([layer()], seed: 2)
    )
    let lines = first.lines()
    #expect(lines == again.lines())
    #expect(lines != other.lines())
  }
}
