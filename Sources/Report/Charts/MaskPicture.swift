// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor

/// Which weights a layer keeps, filter by filter in the order in which a core takes them, and how long
/// the filters of a group stall on the slowest of them.
struct MaskPicture: Chart {
  let title: String
  let summary: String
  private let mask: LayerMask
  private let groups: [[Int]]
  private let kept: [Int]

  /// Filters and weights of a filter that are drawn at most.
  private static let (mostFilters, mostColumns) = (64, 180)

  /// A picture of a layer's filters in groups of rows of the forward pass; `order` names their order.
  init(_ layer: Workload.Layer, groups: [[Int]], order: String) {
    mask = layer.mask
    self.groups = groups
    let part = LoweredPart.lower(layer.geometry, mask: layer.mask, pass: .forward)[0]
    kept = (0..<part.rows).map { part.needed(row: $0) }
    title = "\(layer.name), \(order)"
    let shape = mask.shape
    let slowest = Self.slowest(groups, kept: kept)
    let mean = Double(kept.reduce(0, +)) / Double(max(1, groups.first?.count ?? 1))
    summary =
      "\(shape.filters) filters of \(shape.channels) channels, kernels of "
      + "\(shape.rows)x\(shape.columns). The slowest filters of all groups sum to \(slowest) weights; "
      + "\(Int(mean.rounded(.up))) would be without stalls."
  }

  /// Sum of the slowest rows: a group takes at least as long as its longest row.
  static func slowest(_ groups: [[Int]], kept: [Int]) -> Int {
    groups.reduce(0) { $0 + ($1.map { kept[$0] }.max() ?? 0) }
  }

  private let left = 4.0
  private let matrixWidth = 384.0
  private let top = 22.0
  private let rowHeight = 4.0
  private let groupGap = 3.0

  /// The drawn filters with the tops of their rows.
  private var rows: [(filter: Int, group: Int, y: Double)] {
    var y = top
    var result: [(Int, Int, Double)] = []
    for (index, group) in groups.enumerated() {
      for filter in group where result.count < Self.mostFilters {
        result.append((filter, index, y))
        y += rowHeight
      }
      y += groupGap
    }
    return result
  }

  private var channels: Int {
    min(
      mask.shape.channels, max(1, Self.mostColumns / (mask.shape.rows * mask.shape.columns)))
  }

  private var columns: Int {
    min(Self.mostColumns, channels * mask.shape.rows * mask.shape.columns)
  }

  var height: Double { (rows.last?.y ?? top) + rowHeight + 30 }

  var drawing: [Markup] {
    let rows = self.rows
    let bottom = (rows.last?.y ?? top) + rowHeight
    let (barLeft, barRight) = (left + matrixWidth + 10, Drawing.width - 4)
    let most = Double(max(1, kept.max() ?? 1))
    func length(_ weights: Int) -> Double { (barRight - barLeft) * Double(weights) / most }
    var pieces: [Markup] = []
    for row in rows {
      let slowest = groups[row.group].map { kept[$0] }.max() ?? 0
      let own = kept[row.filter]
      let name = "filter \(row.filter), group \(row.group + 1)"
      pieces.append(
        Drawing.rectangle(
          x: barLeft, y: row.y, width: length(own), height: rowHeight - 0.8, style: "bar s0",
          title: "\(name): \(own) weights"))
      pieces.append(
        Drawing.rectangle(
          x: barLeft + length(own), y: row.y, width: length(slowest - own),
          height: rowHeight - 0.8, style: "waiting",
          title: "\(name) stalls for \(slowest - own) weights of another"))
    }
    let scale = Markup.number(matrixWidth / Double(columns))
    pieces.append(
      Markup(
        "g", ["transform": "translate(\(Markup.number(left)) 0) scale(\(scale) 1)"],
        [
          Markup("path", ["class": "mask shapes", "d": shapeStrip]),
          Markup("path", ["class": "mask lines", "d": matrix(rows, lines: true)]),
          Markup("path", ["class": "mask kept", "d": matrix(rows, lines: false)]),
        ]))
    pieces.append(
      Drawing.text(
        "weights of \(channels) channels", x: left + matrixWidth / 2, y: bottom + 18,
        anchor: "middle", style: "axis"))
    pieces.append(
      Drawing.text(
        "work, stall", x: barRight, y: bottom + 18, anchor: "end", style: "axis"))
    return pieces
  }

  private var shapeStrip: String {
    "M0 12" + Self.runs((0..<columns).map { mask.shapes[$0] })
  }

  private func matrix(_ rows: [(filter: Int, group: Int, y: Double)], lines: Bool) -> String {
    let perRow = mask.shape.columns
    let positions = columns / perRow
    return rows.map { row in
      let cells = (0..<positions).flatMap { position -> [Bool] in
        let (channel, kernelRow) = (position / mask.shape.rows, position % mask.shape.rows)
        let taps = mask.taps(filter: row.filter, channel: channel, row: kernelRow)
        if !lines { return (0..<perRow).map { taps >> UInt64($0) & 1 != 0 } }
        let line = mask.lineIndex(filter: row.filter, channel: channel, row: kernelRow)
        return [Bool](repeating: mask.lines[line], count: perRow)
      }
      let found = Self.runs(cells)
      return found.isEmpty ? "" : "M0 \(Markup.number(row.y + 1.6))" + found
    }.joined()
  }

  /// Path commands that draw the set cells of a row and move over the others.
  private static func runs(_ cells: [Bool]) -> String {
    var result = ""
    var (gap, run) = (0, 0)
    func flush() {
      if run > 0 { result += (gap > 0 ? "m\(gap) 0" : "") + "h\(run)" }
    }
    for cell in cells {
      if cell {
        run += 1
      } else {
        if run > 0 {
          flush()
          (gap, run) = (0, 0)
        }
        gap += 1
      }
    }
    flush()
    return result
  }

  var table: TextTable {
    var table = TextTable(["filter", "group", "weights kept", "stalls for"])
    for row in rows {
      let slowest = groups[row.group].map { kept[$0] }.max() ?? 0
      table.add([
        "\(row.filter)", "\(row.group + 1)", "\(kept[row.filter])",
        "\(slowest - kept[row.filter])",
      ])
    }
    return table
  }
}
