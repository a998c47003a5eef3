// SPDX-License-Identifier: Apache-2.0
/// Bars from the left, each of segments that add up, with their sums at their ends.
struct BarChart: Chart {
  /// A bar.
  struct Row {
    /// Its name.
    let name: String
    /// Lengths of the segments, in the order of the chart's names.
    let segments: [Double]
    /// Whether it belongs to the bar before it.
    var continues = false
    /// The label at its end; nil for the sum.
    var note: String?
  }

  let title: String
  let summary: String
  /// What the first column of the table names.
  let rowTitle: String
  /// What the lengths are, with their unit.
  let xTitle: String
  /// Names of the segments.
  let segmentNames: [String]
  let rows: [Row]
  /// A length as the table and the bar's end show it.
  let format: (Double) -> String

  private let barHeight = 17.0
  private var labelWidth: Double {
    min(188, 10 + Drawing.characterWidth * Double(rows.map(\.name.count).max() ?? 0))
  }
  private var hasLegend: Bool { segmentNames.count > 1 }
  private var legendHeight: Double {
    hasLegend ? Drawing.legendHeight(segmentNames) + 8 : 0
  }

  private var places: [Double] {
    var y = legendHeight + 22
    return rows.map { row in
      y += row.continues ? 1 : 8
      defer { y += barHeight }
      return y
    }
  }

  var height: Double { (places.last ?? 22) + barHeight + 26 }

  var drawing: [Markup] {
    let sums = rows.map { $0.segments.reduce(0, +) }
    let ends = zip(rows, sums).map { $0.note ?? format($1) }
    let room = 10 + Drawing.characterWidth * Double(ends.map(\.count).max() ?? 0)
    let scale = Scale(
      sums, from: labelWidth, to: Drawing.width - min(room, 150), fromZero: true)
    let bottom = height - 26
    var pieces =
      hasLegend
      ? Drawing.legend(segmentNames, y: 16) { index, x, y in
        bar(x: x, y: y - 7, width: 26, height: 14, index, title: segmentNames[index])
      } : []
    pieces.append(
      Drawing.text(
        xTitle, x: Drawing.width - 4, y: legendHeight + 16, anchor: "end", style: "axis"))
    for tick in scale.ticks where tick >= 0 {
      let x = Markup.number(scale.place(tick))
      pieces.append(
        Drawing.path(
          "M\(x) \(Markup.number(legendHeight + 24))V\(Markup.number(bottom))", style: "rule"))
      pieces.append(
        Drawing.text(Scale.label(tick), x: scale.place(tick), y: bottom + 16, anchor: "middle"))
    }
    for (index, row) in rows.enumerated() {
      let y = places[index]
      pieces.append(
        Drawing.label(
          row.name, x: labelWidth - 6, y: y + 13, width: labelWidth - 8, anchor: "end"))
      var sum = 0.0
      for (segment, value) in row.segments.enumerated() {
        let x = scale.place(sum)
        sum += value
        pieces += bar(
          x: x, y: y, width: scale.place(sum) - x, height: barHeight, segment,
          title: "\(row.name), \(segmentNames[segment]): \(format(value))")
      }
      pieces.append(
        Drawing.label(
          ends[index], x: scale.place(sum) + 5, y: y + 13, width: min(room, 150)))
    }
    return pieces
  }

  /// A segment in its colour under its hatching, which identifies it in print without colours.
  private func bar(
    x: Double, y: Double, width: Double, height: Double, _ segment: Int, title: String
  ) -> [Markup] {
    let series = segment % Drawing.seriesCount
    let fill = Drawing.rectangle(
      x: x, y: y, width: width, height: height, style: "bar s\(series)", title: title)
    if series == 0 { return [fill] }
    return [
      fill,
      Drawing.rectangle(
        x: x, y: y, width: width, height: height, style: "hatch h\(series)", title: title),
    ]
  }

  var table: TextTable {
    var table = TextTable(
      [rowTitle] + segmentNames + (hasLegend ? ["sum"] : [])
        + (rows.contains { $0.note != nil } ? ["note"] : []))
    for row in rows {
      table.add(
        [row.name] + row.segments.map(format)
          + (hasLegend ? [format(row.segments.reduce(0, +))] : [])
          + (rows.contains { $0.note != nil } ? [row.note ?? ""] : []))
    }
    return table
  }
}
