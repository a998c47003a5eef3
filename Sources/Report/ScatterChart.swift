// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A chart of points with a size each, as SVG for light and dark mode; some are highlighted.
public struct ScatterChart {
  /// A point of the chart.
  public struct Point {
    /// Place along both axes.
    public let x, y: Double
    /// Area of its circle, against the largest.
    public let size: Double
    /// Whether it is highlighted.
    public let highlighted: Bool
    /// What a pointer over it shows.
    public let title: String
    /// The label of a highlighted point.
    public let label: String

    /// A point.
    public init(
      x: Double, y: Double, size: Double, highlighted: Bool, title: String, label: String
    ) {
      self.label = label
      self.x = x
      self.y = y
      self.size = size
      self.highlighted = highlighted
      self.title = title
    }
  }

  private let title, xTitle, yTitle: String
  private let points: [Point]
  private let width = 720.0
  private let height = 440.0
  private let margin = 64.0

  /// A chart.
  public init(title: String, xTitle: String, yTitle: String, points: [Point]) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.points = points
  }

  /// The chart as an SVG document.
  public var svg: String {
    let (xs, ys) = (range(points.map(\.x)), range(points.map(\.y)))
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
      (
        margin + (x - xs.low) / (xs.high - xs.low) * (width - 2 * margin),
        height - margin - (y - ys.low) / (ys.high - ys.low) * (height - 2 * margin)
      )
    }
    var body = ""
    for value in Scale.ticks(xs) {
      let x = place(value, ys.low).x
      body += text(x, height - margin + 20, "middle", label(value))
      body += "<path class=\"grid\" d=\"M\(n(x)) \(n(margin))V\(n(height - margin))\"/>\n"
    }
    for value in Scale.ticks(ys) {
      let y = place(xs.low, value).y
      body += text(margin - 8, y + 4, "end", label(value))
      body += "<path class=\"grid\" d=\"M\(n(margin)) \(n(y))H\(n(width - margin))\"/>\n"
    }
    let largest = points.map(\.size).max() ?? 1
    // Small ones, and highlighted ones, last: on top.
    for point in points.sorted(by: {
      $0.highlighted == $1.highlighted ? $0.size > $1.size : !$0.highlighted
    }) {
      let (x, y) = place(point.x, point.y)
      let radius = 2.5 + 9 * (point.size / max(largest, 1e-12)).squareRoot()
      body +=
        "<circle class=\"\(point.highlighted ? "best" : "other")\" cx=\"\(n(x))\" cy=\"\(n(y))\" "
        + "r=\"\(n(radius))\"><title>\(escaped(point.title))</title></circle>\n"
      if point.highlighted { body += text(x + radius + 3, y - radius, "start", point.label) }
    }
    body += text(width / 2, 28, "middle", title, "title")
    body += text(width / 2, height - 12, "middle", xTitle)
    body +=
      "<text transform=\"translate(18 \(n(height / 2))) rotate(-90)\" text-anchor=\"middle\">"
      + escaped(yTitle) + "</text>\n"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" role="img">
      <title>\(escaped(title))</title>
      <style>
      text { font: 13px sans-serif; fill: #333 } .title { font-size: 16px; font-weight: 600 }
      .grid { stroke: #8884; fill: none }
      .best { fill: #d1495b; fill-opacity: .8; stroke: #fff } .other { fill: #5b8db8; fill-opacity: .45 }
      @media (prefers-color-scheme: dark) { text { fill: #ddd } }
      </style>
      \(body)</svg>

      """
  }

  private func range(_ values: [Double]) -> (low: Double, high: Double) {
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let room = max(high - low, abs(high) * 1e-6, 1e-12) * 0.06
    return (max(0, low - room), high + room)
  }

  private func text(
    _ x: Double, _ y: Double, _ anchor: String, _ words: String, _ style: String = "label"
  ) -> String {
    "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\">"
      + escaped(words) + "</text>\n"
  }

  private func n(_ value: Double) -> String { String(format: "%.1f", value) }
  private func label(_ value: Double) -> String { String(format: "%.3g", value) }

  private func escaped(_ text: String) -> String { Markup.escaped(text) }
}
