// SPDX-License-Identifier: Apache-2.0
/// A chart of the page: a drawing, what it shows in words, and its numbers as a table.
protocol Chart {
  /// What it shows, in a line.
  var title: String { get }
  /// What a reader who does not see the drawing should know: axes and outcome.
  var summary: String { get }
  /// Height of the drawing; all are `Drawing.width` wide.
  var height: Double { get }
  /// The drawing.
  var drawing: [Markup] { get }
  /// The numbers behind it.
  var table: TextTable { get }
}

/// Pieces that the drawings share. Lengths are in units of a `Drawing.width`-wide drawing, which is
/// narrow enough for a telephone to show it without losing the text.
enum Drawing {
  /// Width of every drawing.
  static let width = 480.0
  /// Width of a character of a label on the average, in the wider of common fonts.
  static let characterWidth = 7.5

  /// Text at a place.
  static func text(
    _ words: String, x: Double, y: Double, anchor: String = "start", style: String = ""
  ) -> Markup {
    Markup(
      "text",
      ["class": style, "x": Markup.number(x), "y": Markup.number(y), "text-anchor": anchor],
      [Markup(words)])
  }

  /// Text in at most `width`, with what was cut off in its title.
  static func label(
    _ words: String, x: Double, y: Double, width: Double, anchor: String = "start",
    style: String = ""
  ) -> Markup {
    let most = max(3, Int(width / characterWidth))
    guard words.count > most else { return text(words, x: x, y: y, anchor: anchor, style: style) }
    // Layers and runs differ at both ends of their names.
    let head = (most - 1) / 2
    let short = words.prefix(head) + "…" + words.suffix(most - 1 - head)
    return Markup(
      "text",
      ["class": style, "x": Markup.number(x), "y": Markup.number(y), "text-anchor": anchor],
      [Markup("title", [:], [Markup(words)]), Markup(String(short))])
  }

  /// A straight or broken line.
  static func path(_ commands: String, style: String) -> Markup {
    Markup("path", ["class": style, "d": commands])
  }

  /// A filled rectangle; one without an area is left out.
  static func rectangle(
    x: Double, y: Double, width: Double, height: Double, style: String, title: String
  ) -> Markup {
    guard width > 0.005, height > 0.005 else { return Markup() }
    return Markup(
      "rect",
      [
        "class": style, "x": Markup.number(x), "y": Markup.number(y),
        "width": Markup.number(width), "height": Markup.number(height),
      ], [Markup("title", [:], [Markup(title)])])
  }

  /// The colours, dashes, markers and hatchings that distinguish series; each by itself suffices.
  static let seriesCount = 8

  /// The marker of a series around a place.
  static func marker(_ series: Int, x: Double, y: Double, title: String) -> Markup {
    let r = 3.6
    func n(_ value: Double) -> String { Markup.number(value) }
    let shapes = [
      "M\(n(x - r)) \(n(y))a\(n(r)) \(n(r)) 0 1 0 \(n(2 * r)) 0a\(n(r)) \(n(r)) 0 1 0 \(n(-2 * r)) 0z",
      "M\(n(x - r)) \(n(y - r))h\(n(2 * r))v\(n(2 * r))h\(n(-2 * r))z",
      "M\(n(x)) \(n(y - r - 1))l\(n(r + 1)) \(n(2 * r + 1))h\(n(-2 * r - 2))z",
      "M\(n(x)) \(n(y - r - 1))l\(n(r + 1)) \(n(r + 1))l\(n(-r - 1)) \(n(r + 1))"
        + "l\(n(-r - 1)) \(n(-r - 1))z",
      "M\(n(x)) \(n(y + r + 1))l\(n(r + 1)) \(n(-2 * r - 1))h\(n(-2 * r - 2))z",
      "M\(n(x - r)) \(n(y - 1.3))h\(n(2 * r))v2.6h\(n(-2 * r))z",
      "M\(n(x - 1.3)) \(n(y - r))h2.6v\(n(2 * r))h-2.6z",
      "M\(n(x - r)) \(n(y - r))l\(n(2 * r)) \(n(2 * r))v\(n(-2 * r))l\(n(-2 * r)) \(n(2 * r))z",
    ]
    return Markup(
      "path", ["class": "marker s\(series % seriesCount)", "d": shapes[series % seriesCount]],
      [Markup("title", [:], [Markup(title)])])
  }

  /// Rows of a legend with swatches of series, from `y` on; as many names a row as fit.
  static func legend(
    _ names: [String], y: Double, swatch: (_ series: Int, _ x: Double, _ y: Double) -> [Markup]
  ) -> [Markup] {
    places(names).enumerated().flatMap { series, place in
      let line = y + 18 * Double(place.row)
      return swatch(series, place.x, line - 4) + [
        label(names[series], x: place.x + 34, y: line, width: width - 40)
      ]
    }
  }

  /// Height of the legend of such names.
  static func legendHeight(_ names: [String]) -> Double {
    18 * Double((places(names).last?.row ?? -1) + 1)
  }

  private static func places(_ names: [String]) -> [(x: Double, row: Int)] {
    var (x, row) = (4.0, 0)
    return names.map { name in
      let needed = min(34 + characterWidth * Double(name.count) + 18, width)
      if x + needed > width + 18, x > 4 { (x, row) = (4, row + 1) }
      defer { x += needed }
      return (x, row)
    }
  }
}
