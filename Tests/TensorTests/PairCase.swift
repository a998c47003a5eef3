// SPDX-License-Identifier: Apache-2.0
import Oracles

@testable import Tensor

/// The nearest BF16 value, ties to even: what the engine's maps hold in that precision.
func bf16(_ value: Float) -> Float {
  let bits = value.bitPattern
  if value.isNaN { return value }
  let upper = bits >> 16
  let (rest, isOdd) = (bits & 0xffff, upper & 1 == 1)
  let up = rest > 0x8000 || (rest == 0x8000 && isOdd)
  return Float(bitPattern: (up ? upper + 1 : upper) << 16)
}

/// Whether each value is the BF16 value of what is expected, which itself is known to `slack`.
func isRounded(_ found: [Float], _ expected: [Double], slack: Double) -> Bool {
  found.count == expected.count
    && zip(found, expected).allSatisfy { abs(Double($0) - $1) <= slack + abs($1) * 0.00391 }
}

extension Engine {
  /// Engines in BF16 for every table of kernels on pairs that this CPU runs.
  static func onPairs(threads: Int = 2) -> [Engine] {
    PairKernels.available.map { pairs in
      let kernels = Kernels.available.first { $0.lanes == Int(pairs.table.pointee.lanes) }!
      return Engine(
        kernels: kernels, pairs: pairs, pool: ThreadPool(threads: threads), precision: .bf16)
    }
  }

  /// An activation of plain images; lanes without an image hold what `padding` gives.
  func activation(
    _ plain: [Float], _ map: MapShape, images: Int, padding: () -> Float = { 0 }
  ) throws -> GuardedTensor {
    let layout = blockedLayout(map, images: images)
    let values = layout.blocked(plain, padding: padding)
    if !isPaired(map, images: images) { return try GuardedTensor(values) }
    // Columns 2j and 2j + 1 lie `lanes` apart among floats, and in one word here.
    let lanes = kernels.lanes
    let words = (0..<values.count / 2).map { place -> Float in
      let first = place / lanes * 2 * lanes + place % lanes
      let (low, high) = (bf16(values[first]), bf16(values[first + lanes]))
      return Float(bitPattern: low.bitPattern >> 16 | high.bitPattern & 0xffff_0000)
    }
    return try GuardedTensor(words)
  }

  /// The plain images of an activation.
  func plain(_ tensor: Tensor, _ map: MapShape, images: Int) -> [Float] {
    let layout = blockedLayout(map, images: images)
    let words = tensor.prefix(floats(map, images: images)).array()
    if !isPaired(map, images: images) { return layout.plain(words) }
    let lanes = kernels.lanes
    var values = [Float](repeating: 0, count: words.count * 2)
    for (place, word) in words.enumerated() {
      let first = place / lanes * 2 * lanes + place % lanes
      values[first] = Float(bitPattern: word.bitPattern << 16)
      values[first + lanes] = Float(bitPattern: word.bitPattern & 0xffff_0000)
    }
    return layout.plain(values)
  }
}

extension ConvolutionCase {
  /// A random layer on maps of an even width, for kernels on pairs and what replaces them. Every second
  /// batch is too small to fill the lanes with images.
  init(pairSeed seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 90)
    var geometry: ConvolutionGeometry?
    while geometry == nil {
      let groups = [1, 1, 1, 2][random.below(4)]
      let width = 2 * (1 + random.below(random.below(2) == 0 ? 4 : 17))
      let input = MapShape(
        channels: groups * (1 + random.below(9)), height: 1 + random.below(12), width: width)
      let (filters, stride) = (groups * (1 + random.below(9)), 1 + random.below(2))
      geometry =
        switch random.below(6) {
        case 0...2:
          ConvolutionGeometry(
            input: input, filters: filters, rows: 3, columns: 3, stride: stride, paddingRows: 1,
            paddingColumns: 1, groups: groups)
        case 3, 4:
          ConvolutionGeometry(
            input: input, filters: filters, rows: 1, columns: 1, stride: stride, groups: groups)
        default:
          ConvolutionGeometry(
            input: input, filters: filters, rows: 1 + random.below(5),
            columns: 1 + random.below(5), stride: stride, paddingRows: random.below(3),
            paddingColumns: random.below(3), groups: groups)
        }
    }
    let images = random.below(2) == 0 ? 1 + random.below(8) : 9 + random.below(30)
    self.init(geometry: geometry!, images: images, random: &random)
  }

  private init(geometry: ConvolutionGeometry, images: Int, random: inout SeededRandom) {
    let lineDensity: Float = [0, 0.1, 0.5, 1][random.below(4)]
    let tapDensity: Float = [0.4, 0.8, 1][random.below(3)]
    let lines = geometry.filters * geometry.channelsPerGroup * geometry.rows
    var patterns = [UInt16](repeating: 0, count: lines)
    for line in patterns.indices where random.uniform() < lineDensity {
      for column in 0..<geometry.columns where random.uniform() < tapDensity {
        patterns[line] |= 1 << column
      }
    }
    self.init(
      geometry: geometry, patterns: patterns,
      filters: PackedFilters(
        geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns),
      images: images)
  }
}
