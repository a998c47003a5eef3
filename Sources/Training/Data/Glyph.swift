// SPDX-License-Identifier: Apache-2.0
/// The outline of a shape as straight strokes, in coordinates -1...1 with y downwards.
///
/// Only additions, products, quotients and square roots are used, which IEEE 754 rounds alike on
/// every machine; the constants are sines and cosines of the angles in the comments.
struct Glyph: Sendable {
  let name: String
  /// The corners of each stroke, in order.
  let strokes: [[SIMD2<Float>]]

  static let all: [Glyph] = [
    Glyph(name: "ring", strokes: [arc(from: [1, 0], turn: degrees22_5, steps: 16)]),
    Glyph(name: "cross", strokes: [[[-1, 0], [1, 0]], [[0, -1], [0, 1]]]),
    Glyph(name: "triangle", strokes: [[[0, -0.95], [0.95, 0.75], [-0.95, 0.75], [0, -0.95]]]),
    Glyph(
      name: "square",
      strokes: [[[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8], [-0.8, -0.8]]]),
    Glyph(name: "star", strokes: [star]),
    Glyph(name: "crescent", strokes: [crescent]),
    Glyph(name: "spiral", strokes: [spiral]),
    Glyph(
      name: "zigzag",
      strokes: [[[-1, 0.45], [-0.5, -0.45], [0, 0.45], [0.5, -0.45], [1, 0.45]]]),
    Glyph(name: "bars", strokes: [[[-0.5, -0.9], [-0.5, 0.9]], [[0.5, -0.9], [0.5, 0.9]]]),
    Glyph(
      name: "arrow", strokes: [[[0, 1], [0, -1]], [[-0.65, -0.3], [0, -1], [0.65, -0.3]]]),
  ]

  // Cosine and sine of the angle in the name.
  private static let degrees22_5: SIMD2<Float> = [0.923_879_5, 0.382_683_4]
  private static let degrees36: SIMD2<Float> = [0.809_017, 0.587_785_2]
  private static let degrees32_5: SIMD2<Float> = [0.843_391_4, 0.537_299_6]
  private static let degreesMinus33_5: SIMD2<Float> = [0.833_885_8, -0.551_937]

  /// Five points: every second corner of a regular decagon lies further inside.
  private static let star: [SIMD2<Float>] =
    arc(from: [0, -1], turn: degrees36, steps: 10).enumerated().map { index, point in
      index % 2 == 0 ? point : point * 0.42
    }

  /// Two turns from the middle outwards.
  private static let spiral: [SIMD2<Float>] =
    arc(from: [1, 0], turn: degrees36, steps: 20).enumerated().map { index, point in
      point * (0.1 + 0.045 * Float(index))
    }

  /// The arc of the unit circle from 50 to 310 degrees, and back on a circle around (0.5, 0).
  private static let crescent: [SIMD2<Float>] =
    arc(from: [0.642_787_6, 0.766_044_4], turn: degrees32_5, steps: 8)
    + arc(from: [0.142_787_6, -0.766_044_4], turn: degreesMinus33_5, steps: 6).map {
      $0 + [0.5, 0]
    }

  /// `steps` + 1 points around the origin, each turned from the one before.
  private static func arc(from start: SIMD2<Float>, turn: SIMD2<Float>, steps: Int)
    -> [SIMD2<Float>]
  {
    var points = [start]
    for _ in 0..<steps {
      let point = points[points.count - 1]
      points.append([point.x * turn.x - point.y * turn.y, point.x * turn.y + point.y * turn.x])
    }
    return points
  }
}
