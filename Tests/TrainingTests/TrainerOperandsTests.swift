// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Training

@Suite("Operands of a step")
struct TrainerOperandsTests {
  @Test("input times output gradient, summed over pixels, is the gradient of the weights")
  func weightGradient() throws {
    var network = Network(name: "two", input: MapShape(channels: 3, height: 6, width: 5))
    let first = try network.convolution("first", network.input, filters: 4, kernel: 3, padding: 1)
    let active = try network.activation("relu", first, .relu)
    let second = try network.convolution(
      "second", active, filters: 2, kernel: 3, stride: 2, padding: 1)
    _ = try network.globalAveragePool("pool", second)
    let model = try Model(network, engine: Engine(threads: 1), batch: 1, seed: 3)
    var random = SeededRandom(seed: 9)
    model.stage(randomValues(90, &random))
    model.forward(images: 1, training: true)
    _ = model.evaluate(SoftmaxCrossEntropy(), labels: [1], images: 1)
    let operands = model.backwardWithOperands(images: 1)
    #expect(operands.map(\.name) == ["first", "second"])
    for (layer, operands) in zip(model.convolutions, operands) {
      #expect(operands.weights == layer.denseWeights)
      let found = layer.filters.expand(layer.weight.gradient)
      let expected = productSums(operands)
      #expect(expected.contains { abs($0) > 1e-3 }, "nothing to compare")
      for (index, (a, b)) in zip(found, expected).enumerated() {
        #expect(abs(a - b) < 1e-5, "\(operands.name) \(index)")
      }
    }
  }

  private func productSums(_ operands: ConvolutionOperands) -> [Float] {
    let geometry = operands.geometry
    let (input, output) = (geometry.input, geometry.output)
    var sums: [Float] = []
    for k in 0..<geometry.filters {
      for c in 0..<geometry.channelsPerGroup {
        for r in 0..<geometry.rows {
          for s in 0..<geometry.columns {
            var sum: Float = 0
            for p in 0..<output.height {
              for q in 0..<output.width {
                let y = p * geometry.stride + r - geometry.paddingRows
                let x = q * geometry.stride + s - geometry.paddingColumns
                guard (0..<input.height).contains(y), (0..<input.width).contains(x) else {
                  continue
                }
                sum +=
                  operands.input[(c * input.height + y) * input.width + x]
                  * operands.gradient[(k * output.height + p) * output.width + q]
              }
            }
            sums.append(sum)
          }
        }
      }
    }
    return sums
  }
}
