// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

/// The machine against the kernels that train: the same sums in other orders.
@Suite struct ValueEngineTests {
  private struct Layer {
    let engine = Engine(threads: 1)
    let geometry: ConvolutionGeometry
    let filters: PackedFilters
    let images: Int

    private func blocked(_ values: [Float], _ map: MapShape) -> Tensor {
      let tensor = Tensor(count: engine.floats(map, images: images))
      engine.blockImages(Tensor(values), into: tensor, map: map, images: images)
      return tensor
    }

    private func planar(_ tensor: Tensor, _ map: MapShape) -> [Float] {
      let values = Tensor(count: images * map.count)
      engine.unblockImages(tensor, into: values, map: map, images: images)
      return values.array()
    }

    func run(_ operands: PassOperands) -> [Float] {
      let (input, output) = (geometry.input, geometry.output)
      let weights = Tensor(count: filters.weightCount)
      func load(_ dense: [Float]) {
        weights.store(filters.pack(dense))
      }
      switch operands {
      case .forward(let values, let dense):
        load(dense)
        let result = Tensor(count: engine.floats(output, images: images))
        engine.forward(
          filters, weights, bias: nil, input: blocked(values, input), output: result,
          images: images)
        return planar(result, output)
      case .inputGradient(let values, let dense):
        load(dense)
        let result = Tensor(count: engine.floats(input, images: images))
        engine.inputGradient(
          filters, weights, outputGradient: blocked(values, output), inputGradient: result,
          accumulate: false, images: images)
        return planar(result, input)
      case .weightGradient(let values, let gradient):
        let result = Tensor(count: filters.weightCount)
        engine.weightGradient(
          filters, input: blocked(values, input), outputGradient: blocked(gradient, output),
          gradient: result,
          scratch: Tensor(count: max(1, engine.weightGradientScratch(filters))), images: images)
        return filters.expand(result)
      }
    }
  }

  /// Both sides multiply the rounded operands exactly and add n products in FP32, so each is within
  /// n·2^-24 of the exact sum, relative to the sum of magnitudes, which the engine gives for
  /// operands without signs.
  @Test(
    "results are those of the training engine, but for the order of sums",
    arguments: Pass.allCases)
  func engine(pass: Pass) {
    for seed in 200..<230 as Range<UInt64> {
      var value = ValueCase(seed: seed, values: .ordinary, isUniform: true)
      value.random.hardware.array.results = .fp32
      let geometry = value.random.geometry
      let format = value.random.hardware.array.operands
      let layer = Layer(
        geometry: geometry,
        filters: PackedFilters(
          geometry: geometry, packing: Packing(for: geometry, scattered: true),
          patterns: value.random.mask.tapPatterns()), images: value.random.images)
      func operands(_ change: (Float) -> Float) -> PassOperands {
        let (input, weights) = (value.input.map(change), value.weights.map(change))
        let outputGradient = value.outputGradient.map(change)
        return switch pass {
        case .forward: .forward(input: input, weights: weights)
        case .inputGradient: .inputGradient(outputGradient: outputGradient, weights: weights)
        case .weightGradient: .weightGradient(input: input, outputGradient: outputGradient)
        }
      }
      let found = value.run(pass).values
      let engine = layer.run(operands { format.rounded($0) })
      let magnitudes = layer.run(operands { abs(format.rounded($0)) })
      let taps = geometry.rows * geometry.columns
      let terms =
        pass == .weightGradient
        ? value.random.images * geometry.output.pixels
        : taps * (pass == .forward ? geometry.channelsPerGroup : geometry.filters)
      let wrong = found.indices.count {
        !(abs(found[$0] - engine[$0]) <= Float(terms + 1) * 0x1p-23 * magnitudes[$0])
      }
      #expect(found.count == engine.count && wrong == 0, "seed \(seed)")
    }
  }
}
