import Foundation

/// A chart of points, as SVG that reads in light and dark: time across, energy up, area as size; the
/// points of the Pareto set filled and joined.
public struct ScatterChart {
  /// A point of the chart.
  public struct Point {
    /// Place along both axes.
    public let x, y: Double
    /// Whether it stands out.
    public let highlighted: Bool
    /// What a pointer over it shows.
    public let title: String

    /// A point.
    public init(x: Double, y: Double, highlighted: Bool, title: String) {
      self.x = x
      self.y = y
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
    func place(_ point: Point) -> (x: Double, y: Double) {
      (
        margin + (point.x - xs.low) / (xs.high - xs.low) * (width - 2 * margin),
        height - margin - (point.y - ys.low) / (ys.high - ys.low) * (height - 2 * margin)
      )
    }
    var body = ""
    for share in [0.0, 0.25, 0.5, 0.75, 1] {
      let x = margin + share * (width - 2 * margin)
      let y = height - margin - share * (height - 2 * margin)
      body += text(x, height - margin + 20, "middle", label(xs.low + share * (xs.high - xs.low)))
      body += text(margin - 8, y + 4, "end", label(ys.low + share * (ys.high - ys.low)))
      body +=
        "<path class=\"grid\" d=\"M\(n(x)) \(n(margin))V\(n(height - margin))"
        + "M\(n(margin)) \(n(y))H\(n(width - margin))\"/>\n"
    }
    let front = points.filter(\.highlighted).sorted { $0.x < $1.x }.map(place)
    if front.count > 1 {
      body +=
        "<polyline class=\"front\" points=\""
        + front.map { "\(n($0.x)),\(n($0.y))" }.joined(separator: " ") + "\"/>\n"
    }
    for point in points.sorted(by: { !$0.highlighted && $1.highlighted }) {
      let (x, y) = place(point)
      body +=
        "<circle class=\"\(point.highlighted ? "best" : "other")\" cx=\"\(n(x))\" cy=\"\(n(y))\" "
        + "r=\"5\"><title>\(escaped(point.title))</title></circle>\n"
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
      .grid { stroke: #8884; fill: none } .front { stroke: #d1495b; fill: none; stroke-width: 1.5 }
      .best { fill: #d1495b } .other { fill: #5b8db8; fill-opacity: .45 }
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

  private func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
  }
}
