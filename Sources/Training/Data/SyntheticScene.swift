// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The random choices of one synthetic image.
struct SyntheticScene {
  private var random: SeededRandom

  init(_ random: SeededRandom) { self.random = random }

  /// Appends an image of `glyph`, [channel][row][column], to `bytes`.
  mutating func draw(_ glyph: Glyph, into bytes: inout [UInt8]) {
    let side = SyntheticImages.side
    let ground = paint(base: colour(), waveSize: 0.2)
    var canvas = Canvas(side: side, paint: ground)
    for _ in 0..<2 + random.below(3) { drawPiece(on: &canvas) }
    canvas.draw(
      placed(glyph, side: Float(side)), halfWidth: between(0.6, 1.3),
      paint: paint(base: colour(apartFrom: ground.base), waveSize: 0.12))
    if random.below(2) == 0 { drawPiece(on: &canvas) }
    append(canvas, noise: between(0.03, 0.15), to: &bytes)
  }

  /// A short stroke or a blob that belongs to no shape.
  private mutating func drawPiece(on canvas: inout Canvas) {
    let side = Float(canvas.side)
    let start = SIMD2(between(0, side), between(0, side))
    let length = random.below(3) == 0 ? Float(1) : 9
    let corner = start + SIMD2(between(-length, length), between(-length, length))
    let end = corner + SIMD2(between(-length, length), between(-length, length))
    let halfWidth = length == 1 ? between(1.5, 3) : between(0.5, 1.2)
    canvas.draw(
      [[start, corner, end]], halfWidth: halfWidth, paint: paint(base: colour(), waveSize: 0.1))
  }

  /// The strokes of a glyph in pixels: mirrored half of the time, so that a mirror image has the
  /// same class and the same chance; slanted, stretched, turned by up to 33 degrees, and each corner
  /// moved a little.
  private mutating func placed(_ glyph: Glyph, side: Float) -> [[SIMD2<Float>]] {
    let size = between(6.5, 12)
    let margin = size * 0.9
    let centre = SIMD2(between(margin, side - 1 - margin), between(margin, side - 1 - margin))
    let stretch = SIMD2(between(0.8, 1.2) * (random.below(2) == 0 ? 1 : -1), between(0.8, 1.2))
    let slant = between(-0.25, 0.25)
    // The point of the unit circle whose half angle has the tangent `half`.
    let half = between(-0.3, 0.3)
    let (cosine, sine) = ((1 - half * half) / (1 + half * half), 2 * half / (1 + half * half))
    var strokes = glyph.strokes
    for stroke in strokes.indices {
      for index in strokes[stroke].indices {
        let point = strokes[stroke][index] * stretch
        let slanted = SIMD2(point.x + slant * point.y, point.y)
        let turned = SIMD2(
          cosine * slanted.x - sine * slanted.y, sine * slanted.x + cosine * slanted.y)
        let shake = SIMD2(between(-0.06, 0.06), between(-0.06, 0.06))
        strokes[stroke][index] = centre + (turned + shake) * size
      }
    }
    return strokes
  }

  private mutating func colour() -> SIMD3<Float> {
    SIMD3(between(0.1, 0.9), between(0.1, 0.9), between(0.1, 0.9))
  }

  /// A colour that is distinguishable from `other`.
  private mutating func colour(apartFrom other: SIMD3<Float>) -> SIMD3<Float> {
    while true {
      let candidate = colour()
      let difference = candidate - other
      if (difference * difference).sum() > 0.12 { return candidate }
    }
  }

  /// A texture of waves from 4 to 20 pixels long, in any direction.
  private mutating func paint(base: SIMD3<Float>, waveSize: Float) -> Paint {
    let wave = SIMD3(
      between(-waveSize, waveSize), between(-waveSize, waveSize), between(-waveSize, waveSize))
    let direction = SIMD2(between(-0.18, 0.18), between(-0.18, 0.18))
    return Paint(base: base, wave: wave, direction: direction, phase: random.uniform())
  }

  private mutating func between(_ low: Float, _ high: Float) -> Float {
    low + (high - low) * random.uniform()
  }

  /// Adds noise of up to ±`noise`, small values being the likeliest, and rounds to bytes.
  private mutating func append(_ canvas: Canvas, noise: Float, to bytes: inout [UInt8]) {
    let scale = noise / 1023
    var noisy = canvas.pixels
    for index in noisy.indices {
      let bits = random.next()
      for channel in 0..<3 {
        let first = bits >> (20 * UInt64(channel)) & 1023
        let second = bits >> (20 * UInt64(channel) + 10) & 1023
        noisy[index][channel] += (Float(first) - Float(second)) * scale
      }
    }
    for channel in 0..<3 {
      for pixel in noisy { bytes.append(UInt8(min(max(pixel[channel], 0), 1) * 255 + 0.5)) }
    }
  }
}
