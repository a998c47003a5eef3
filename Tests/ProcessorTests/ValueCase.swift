// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

@testable import Processor

/// A random layer and machine with values to run on it. The seed names the case.
struct ValueCase {
  var random: RandomCase
  var input: [Float]
  var weights: [Float]
  var outputGradient: [Float]

  /// What the values are like.
  enum Values: CaseIterable {
    /// Between -1 and 1, some of them zero: no sum leaves the range.
    case ordinary
    /// Of all exponents, so that products overflow and underflow.
    case wide
    /// So small that products in BF16 are subnormal.
    case tiny
    /// Now and then a NaN, an infinity, a subnormal or a zero of either sign.
    case special
  }

  init(
    seed: UInt64, values: Values? = nil, largestMap: Int = 5, largestPlanes: Int = 6,
    isUniform: Bool = false
  ) {
    random = RandomCase(
      seed: seed, largestMap: largestMap, largestPlanes: largestPlanes, isUniform: isUniform)
    var stream = SeededRandom(seed: seed, stream: 78)
    random.images = min(random.images, 3)
    random.hardware.array.operands = Format.allCases[stream.below(4)]
    random.hardware.techniques.gateZeroOperands = stream.below(5) != 0
    let kind = values ?? Values.allCases[stream.below(4)]
    let zeros = [0, 0.3, 0.9][stream.below(3)] as Float
    func draw(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        if stream.uniform() < zeros { return stream.below(2) == 0 ? 0 : -0.0 }
        let ordinary = 2 * stream.uniform() - 1
        switch kind {
        case .ordinary: return ordinary
        case .wide:
          return Float(bitPattern: UInt32(truncatingIfNeeded: stream.next()) & 0xFEFF_FFFF)
        case .tiny: return ordinary * 0x1p-66
        case .special:
          if stream.below(30) != 0 { return ordinary * 1000 }
          return [.nan, .infinity, -.infinity, 0x1p-140, -0x1p-130, 0x1p-15, 0x1p-24, 3e38][
            stream.below(8)]
        }
      }
    }
    let geometry = random.geometry
    input = draw(random.images * geometry.input.count)
    weights = draw(geometry.weights)
    outputGradient = draw(random.images * geometry.output.count)
  }

  typealias Format = HardwareDescription.OperandFormat

  func operands(_ pass: Pass) -> PassOperands {
    switch pass {
    case .forward: .forward(input: input, weights: weights)
    case .inputGradient: .inputGradient(outputGradient: outputGradient, weights: weights)
    case .weightGradient: .weightGradient(input: input, outputGradient: outputGradient)
    }
  }

  func run(_ pass: Pass) -> ValueRun {
    ValuePass.run(
      random.geometry, mask: random.mask, images: random.images, hardware: random.hardware,
      operands: operands(pass))
  }

  func reference(_ pass: Pass) -> [Float] {
    ReferencePass.run(
      random.geometry, mask: random.mask, images: random.images, hardware: random.hardware,
      operands: operands(pass))
  }
}
