// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Lines over a common axis, named at their ends and distinguished by colour, dash and marker.
struct LineChart: Chart {
  /// A line.
  struct Series {
    /// Its name.
    let name: String
    /// Its points, from left to right.
    let points: [(x: Double, y: Double)]
  }

  let title: String
  let summary: String
  let xTitle, yTitle: String
  let series: [Series]
  /// A value as the table and the pointer show it.
  let format: (Double) -> String

  /// Points of a line at most: more than the drawing can show.
  static let mostPoints = 240
  /// Rows of the table at most.
  static let mostRows = 40

  private let left = 52.0
  private let right = 352.0
  private let top = 28.0
  private let bottom = 226.0

  var height: Double { bottom + 44 + Drawing.legendHeight(series.map(\.name)) + 8 }

  var drawing: [Markup] {
    let all = series.flatMap(\.points)
    let xs = Scale(all.map(\.x), from: left, to: right)
    let ys = Scale(all.map(\.y), from: bottom, to: top)
    var pieces = axes(xs, ys)
    for (index, line) in series.enumerated() {
      let points = thinned(line.points, to: Self.mostPoints)
      let corners = points.map {
        "\(Markup.number(xs.place($0.x))) \(Markup.number(ys.place($0.y)))"
      }
      if corners.count > 1 {
        pieces.append(
          Drawing.path("M" + corners.joined(separator: "L"), style: "line s\(series(index))"))
      }
      for point in thinned(points, to: 6) {
        pieces.append(
          Drawing.marker(
            index, x: xs.place(point.x), y: ys.place(point.y),
            title: "\(line.name), \(xTitle) \(Scale.label(point.x)): \(format(point.y))"))
      }
    }
    pieces += endLabels(ys)
    return pieces
      + Drawing.legend(series.map(\.name), y: bottom + 58) { index, x, y in
        [
          Drawing.path(
            "M\(Markup.number(x)) \(Markup.number(y))h28", style: "line s\(series(index))"),
          Drawing.marker(index, x: x + 14, y: y, title: series[index].name),
        ]
      }
  }

  private func series(_ index: Int) -> Int { index % Drawing.seriesCount }

  private func axes(_ xs: Scale, _ ys: Scale) -> [Markup] {
    var pieces = [Drawing.text(yTitle, x: 4, y: 14, style: "axis")]
    for (tick, label) in zip(xs.ticks, Scale.labels(xs.ticks)) {
      let x = xs.place(tick)
      pieces.append(
        Drawing.path("M\(Markup.number(x)) \(Markup.number(top))V\(bottom)", style: "rule"))
      pieces.append(Drawing.text(label, x: x, y: bottom + 17, anchor: "middle"))
    }
    for (tick, label) in zip(ys.ticks, Scale.labels(ys.ticks)) {
      let y = ys.place(tick)
      pieces.append(
        Drawing.path("M\(left) \(Markup.number(y))H\(Markup.number(right))", style: "rule"))
      pieces.append(Drawing.text(label, x: left - 6, y: y + 4.5, anchor: "end"))
    }
    pieces.append(
      Drawing.text(xTitle, x: (left + right) / 2, y: bottom + 35, anchor: "middle", style: "axis"))
    return pieces
  }

  /// The last value of each line beside it under its marker, moved apart where they would overlap; its
  /// name too where there is room.
  private func endLabels(_ ys: Scale) -> [Markup] {
    let ends = series.enumerated().compactMap { index, line in
      line.points.last.map { (index: index, y: ys.place($0.y), value: $0.y) }
    }.sorted { ($0.y, $0.index) < ($1.y, $1.index) }
    var places = ends.map(\.y)
    for index in places.indices.dropFirst() {
      places[index] = max(places[index], places[index - 1] + 15)
    }
    var limit = bottom
    for index in places.indices.reversed() {
      places[index] = min(places[index], limit)
      limit = places[index] - 15
    }
    let room = Drawing.width - right - 26
    return zip(ends, places).flatMap { end, y in
      let value = format(end.value)
      let whole = "\(value) \(series[end.index].name)"
      let fits = Drawing.characterWidth * Double(whole.count) <= room
      return [
        Drawing.marker(end.index, x: right + 14, y: y, title: series[end.index].name),
        Drawing.text(fits ? whole : value, x: right + 24, y: y + 4.5),
      ]
    }
  }

  /// The values at evenly spaced places of the axis; a line without a value there has an empty cell.
  var table: TextTable {
    var rows = TextTable([xTitle] + series.map(\.name))
    let values = series.map { Dictionary($0.points.map { ($0.x, $0.y) }, uniquingKeysWith: { $1 }) }
    let places = thinned(Set(series.flatMap { $0.points.map(\.x) }).sorted(), to: Self.mostRows)
    for x in places {
      rows.add([Scale.exact(x)] + values.map { $0[x].map(format) ?? "" })
    }
    return rows
  }
}

/// Evenly spaced elements, the first and the last among them.
func thinned<Element>(_ all: [Element], to most: Int) -> [Element] {
  precondition(most > 1, "the first and the last element are kept")
  if all.count <= most { return all }
  return (0..<most).map { all[$0 * (all.count - 1) / (most - 1)] }
}

extension Scale {
  /// A whole number as it is, another to four digits.
  static func exact(_ value: Double) -> String {
    value.rounded() == value && abs(value) < 1e15
      ? String(Int(value)) : String(format: "%.4g", value)
  }
}
