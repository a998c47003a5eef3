// SPDX-License-Identifier: Apache-2.0
/// Densities by row over the steps of a training run: the fuller a cell, the more is kept.
struct HeatMap: Chart {
  /// A row.
  struct Row {
    /// Its name.
    let name: String
    /// Shares, 0 to 1, one for each step.
    let shares: [Double]
  }

  let title: String
  let summary: String
  let rowTitle: String
  /// When each column begins.
  let steps: [Int]
  /// When the last column ends.
  let end: Int
  let rows: [Row]

  /// Columns at most: more than a telephone can show.
  static let mostColumns = 40
  /// Columns of the table at most.
  static let mostTableColumns = 9

  private let rowHeight = 15.0
  private let top = 26.0
  private var labelWidth: Double {
    min(160, max(104, 10 + Drawing.characterWidth * Double(rows.map(\.name.count).max() ?? 0)))
  }

  var height: Double { top + rowHeight * Double(rows.count) + 66 }

  var drawing: [Markup] {
    let (left, right) = (labelWidth, Drawing.width - 62)
    let last = Double(max(end, (steps.last ?? 0) + 1))
    func place(_ step: Double) -> Double { left + (right - left) * step / last }
    var pieces = [Drawing.text("kept at the end", x: Drawing.width - 2, y: 14, anchor: "end")]
    for (index, row) in rows.enumerated() {
      let y = top + rowHeight * Double(index)
      pieces.append(
        Drawing.label(row.name, x: left - 6, y: y + 12, width: left - 8, anchor: "end"))
      // Cells of one level are one rectangle.
      var first = 0
      while first < row.shares.count {
        let level = Self.level(row.shares[first])
        var next = first + 1
        while next < row.shares.count, Self.level(row.shares[next]) == level { next += 1 }
        let until = next < steps.count ? Double(steps[next]) : last
        let x = place(Double(steps[first]))
        pieces.append(
          Drawing.rectangle(
            x: x, y: y, width: place(until) - x, height: rowHeight - 1.5, style: "cell l\(level)",
            title: "\(row.name), from step \(steps[first]): \(Amount.percent(row.shares[first]))"))
        first = next
      }
      pieces.append(
        Drawing.text(
          Amount.percent(row.shares.last ?? 0), x: Drawing.width - 2, y: y + 12, anchor: "end"))
    }
    let bottom = top + rowHeight * Double(rows.count)
    for tick in Scale.ticks((low: 0, high: last)) {
      pieces.append(
        Drawing.text(Scale.label(tick), x: place(tick), y: bottom + 16, anchor: "middle"))
    }
    pieces.append(
      Drawing.text("step", x: (left + right) / 2, y: bottom + 32, anchor: "middle", style: "axis"))
    return pieces + key(left: left, y: bottom + 44)
  }

  /// Bounds of the levels; finer where layers are sparse.
  private static let bounds = [0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.9]

  /// 0 for the emptiest cells to 8 for full ones.
  static func level(_ share: Double) -> Int { bounds.filter { share > $0 }.count }

  private func key(left: Double, y: Double) -> [Markup] {
    let width = 32.0
    let names = ["0", "2", "5", "10", "15", "25", "40", "60", "90"]
    var pieces = [Drawing.text("kept, %, over", x: left - 6, y: y + 11, anchor: "end")]
    for (level, name) in names.enumerated() {
      let x = left + width * Double(level)
      pieces.append(
        Drawing.rectangle(
          x: x, y: y, width: width - 1.5, height: 14, style: "cell l\(level)",
          title: "more than \(name) % kept"))
      pieces.append(
        Drawing.text(
          name, x: x + width / 2, y: y + 11.5, anchor: "middle",
          style: level > 6 ? "on-full" : ""))
    }
    return pieces
  }

  var table: TextTable {
    let columns = thinned(Array(steps.indices), to: Self.mostTableColumns)
    var table = TextTable([rowTitle] + columns.map { "step \(steps[$0])" })
    for row in rows { table.add([row.name] + columns.map { Amount.percent(row.shares[$0]) }) }
    return table
  }
}
