// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

extension PassOperands {
  /// Random operands of a pass of a layer, from a seed: normal values with the layer's sparsity, weights
  /// of Kaiming's standard deviation.
  init(_ layer: Workload.Layer, pass: Pass, images: Int, seed: UInt64) {
    let geometry = layer.geometry
    var random = SeededRandom(seed: seed, stream: UInt64(Pass.allCases.firstIndex(of: pass) ?? 0))
    func map(_ count: Int, zeros: Double) -> [Float] {
      (0..<count * images).map { _ in
        Double(random.uniform()) < zeros ? 0 : random.normal()
      }
    }
    let input = { map(geometry.input.count, zeros: layer.inputSparsity) }
    let gradient = { map(geometry.output.count, zeros: layer.gradientSparsity) }
    let fanIn = Float(geometry.channelsPerGroup * geometry.rows * geometry.columns)
    let deviation = (2 / fanIn).squareRoot()
    let weights = { (0..<geometry.weights).map { _ in deviation * random.normal() } }
    switch pass {
    case .forward: self = .forward(input: input(), weights: weights())
    case .inputGradient: self = .inputGradient(outputGradient: gradient(), weights: weights())
    case .weightGradient: self = .weightGradient(input: input(), outputGradient: gradient())
    }
  }
}
