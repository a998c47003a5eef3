// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

/// A random layer, mask, batch and values, of a size that RTL simulates in a moment. The seed names
/// the case.
public struct RandomPass {
  let geometry: ConvolutionGeometry
  let mask: LayerMask
  let images: Int
  let operands: PassOperands

  /// The distribution of the values.
  private enum Values: CaseIterable {
    /// Between -1 and 1: no sum leaves the range.
    case ordinary
    /// Of all exponents, so that products overflow and underflow.
    case wide
    /// So small that products are subnormal.
    case tiny
    /// Now and then a NaN, an infinity, a subnormal or a zero of either sign.
    case special
  }

  /// A case of a pass.
  public init(seed: UInt64, pass: Pass) {
    var random = SeededRandom(seed: seed, stream: 307)
    let geometry = Self.geometry(&random)
    let mask = Self.mask(geometry, &random)
    self.init(geometry, mask: mask, images: 1 + random.below(3), pass: pass, &random)
  }

  /// Random values for a layer.
  init(
    _ geometry: ConvolutionGeometry, mask: LayerMask, images: Int, pass: Pass,
    _ random: inout SeededRandom
  ) {
    self.geometry = geometry
    self.mask = mask
    self.images = images
    let kind = Values.allCases[random.below(4)]
    let zeros = [0, 0.3, 0.9][random.below(3)] as Float
    let input = (0..<images * geometry.input.count).map { _ in
      Self.value(kind, zeros: zeros, &random)
    }
    let weights = (0..<geometry.weights).map { _ in Self.value(kind, zeros: 0.02, &random) }
    let gradient = (0..<images * geometry.output.count).map { _ in
      Self.value(kind, zeros: zeros, &random)
    }
    operands =
      switch pass {
      case .forward: .forward(input: input, weights: weights)
      case .inputGradient: .inputGradient(outputGradient: gradient, weights: weights)
      case .weightGradient: .weightGradient(input: input, outputGradient: gradient)
      }
  }

  private static func geometry(_ random: inout SeededRandom) -> ConvolutionGeometry {
    func pick<Choice>(_ choices: [Choice]) -> Choice { choices[random.below(choices.count)] }
    while true {
      let groups = pick([1, 1, 1, 1, 2])
      let rows = pick([1, 1, 3, 3, 3, 3, 5])
      let columns = pick([rows, rows, rows, 1, 2])
      let geometry = ConvolutionGeometry(
        input: MapShape(
          channels: groups * (1 + random.below(12 / groups)), height: 1 + random.below(9),
          width: 1 + random.below(9)),
        filters: groups * (1 + random.below(12 / groups)), rows: rows, columns: columns,
        stride: pick([1, 1, 2]), paddingRows: random.below(rows),
        paddingColumns: random.below(columns), groups: groups)
      if let geometry { return geometry }
    }
  }

  /// Single elements or lines and shapes, from none to all.
  private static func mask(_ geometry: ConvolutionGeometry, _ random: inout SeededRandom)
    -> LayerMask
  {
    let shape = FilterShape(
      filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
      columns: geometry.columns)
    let density = [0, 0.03, 0.1, 0.3, 0.7, 1][random.below(6)]
    func bits(_ count: Int, _ density: Double) -> Bits {
      Bits(count: count) { _ in Double(random.uniform()) < density }
    }
    if random.below(2) == 0 { return LayerMask(shape: shape, elements: bits(shape.count, density)) }
    let dense = LayerMask(dense: shape)
    return LayerMask(
      shape: shape, lines: bits(dense.lines.count, density),
      shapes: bits(dense.shapes.count, [0.5, 0.8, 1][random.below(3)]))
  }

  private static func value(_ kind: Values, zeros: Float, _ random: inout SeededRandom) -> Float {
    if random.uniform() < zeros { return random.below(2) == 0 ? 0 : -0.0 }
    let ordinary = 2 * random.uniform() - 1
    switch kind {
    case .ordinary: return ordinary
    case .wide:
      return Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0xFEFF_FFFF)
    case .tiny: return ordinary * 0x1p-66
    case .special:
      if random.below(30) != 0 { return ordinary * 1000 }
      return [.nan, .infinity, -.infinity, 0x1p-130, -0x1p-133, 0x1p-126, -0x1p-64, 3e38][
        random.below(8)]
    }
  }
}
