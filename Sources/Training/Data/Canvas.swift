// SPDX-License-Identifier: Apache-2.0
/// A colour that varies periodically over the canvas: base + wave * triangle(direction · position + phase).
struct Paint {
  var base: SIMD3<Float>
  var wave: SIMD3<Float>
  /// Periods a pixel, along x and y.
  var direction: SIMD2<Float>
  var phase: Float

  /// The colour at a pixel; the triangle wave runs between -1 and 1.
  func colour(_ x: Float, _ y: Float) -> SIMD3<Float> {
    let turns = direction.x * x + direction.y * y + phase
    let part = turns - turns.rounded(.down)
    return base + wave * ((part * 2 - 1).magnitude * 2 - 1)
  }
}

/// A picture of square pixels, colours in 0...1 as floating-point numbers.
struct Canvas {
  let side: Int
  /// [row][column], red, green and blue in a pixel.
  private(set) var pixels: [SIMD3<Float>]

  init(side: Int, paint: Paint) {
    self.side = side
    pixels = []
    pixels.reserveCapacity(side * side)
    for y in 0..<side {
      for x in 0..<side { pixels.append(paint.colour(Float(x), Float(y))) }
    }
  }

  /// Draws lines with round ends, `points` in pixels, smooth at the edges over one pixel.
  mutating func draw(_ strokes: [[SIMD2<Float>]], halfWidth: Float, paint: Paint) {
    let segments = strokes.flatMap { points in
      zip(points, points.dropFirst()).map { Segment($0, $1) }
    }
    let corners = strokes.joined()
    let reach = halfWidth + 1
    let columns = range(corners.map(\.x), reach)
    for y in range(corners.map(\.y), reach) {
      for x in columns {
        var nearest = Float.greatestFiniteMagnitude
        for segment in segments {
          nearest = min(nearest, segment.squaredDistance(Float(x), Float(y)))
        }
        let cover = min(max(halfWidth + 0.5 - nearest.squareRoot(), 0), 1)
        if cover > 0 {
          let under = pixels[y * side + x]
          pixels[y * side + x] = under + (paint.colour(Float(x), Float(y)) - under) * cover
        }
      }
    }
  }

  /// The pixels that can be within `reach` of the coordinates `values`.
  private func range(_ values: [Float], _ reach: Float) -> Range<Int> {
    let low = ((values.min() ?? 0) - reach).rounded(.down)
    let high = ((values.max() ?? 0) + reach).rounded(.up)
    let first = min(max(Int(low), 0), side)
    return first..<min(max(Int(high) + 1, first), side)
  }

  private struct Segment {
    let (startX, startY): (Float, Float)
    let (alongX, alongY): (Float, Float)
    let inverseSquaredLength: Float

    init(_ start: SIMD2<Float>, _ end: SIMD2<Float>) {
      (startX, startY) = (start.x, start.y)
      (alongX, alongY) = (end.x - start.x, end.y - start.y)
      inverseSquaredLength = 1 / max(alongX * alongX + alongY * alongY, 1e-6)
    }

    func squaredDistance(_ x: Float, _ y: Float) -> Float {
      let (toX, toY) = (x - startX, y - startY)
      let part = min(max((toX * alongX + toY * alongY) * inverseSquaredLength, 0), 1)
      let (offX, offY) = (toX - alongX * part, toY - alongY * part)
      return offX * offX + offY * offY
    }
  }
}
