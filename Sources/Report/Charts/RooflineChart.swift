// SPDX-License-Identifier: Apache-2.0
/// Throughput in MACs per second over MACs per byte of the DRAM, under the limits of multipliers and DRAM.
struct RooflineChart: Chart {
  /// A pass of a layer.
  struct Point {
    /// Layer and pass.
    let name: String
    /// Which of the chart's series it belongs to.
    let series: Int
    /// Effectual products a byte to or from the DRAM.
    let productsPerByte: Double
    /// Effectual MACs per second.
    let productsPerSecond: Double
  }

  let title: String
  let summary: String
  let seriesNames: [String]
  let points: [Point]
  /// Peak MACs per second of all multipliers.
  let peak: Double
  /// Bandwidth of the DRAM in bytes per second.
  let bandwidth: Double

  private let left = 58.0
  private let right = 470.0
  private let top = 28.0
  private let bottom = 270.0

  var height: Double { bottom + 46 + Drawing.legendHeight(seriesNames) + 8 }

  private var drawn: [Point] {
    points.filter { $0.productsPerByte > 0 && $0.productsPerSecond > 0 }
  }

  var drawing: [Markup] {
    let ridge = peak / bandwidth
    let xs = Scale(
      drawn.map(\.productsPerByte) + [ridge / 3, ridge * 3], from: left, to: right,
      logarithmic: true)
    let ys = Scale(
      drawn.map(\.productsPerSecond) + [peak], from: bottom, to: top, logarithmic: true)
    var pieces = [Drawing.text("MACs/s", x: 4, y: 14, style: "axis")]
    for tick in xs.ticks {
      let x = xs.place(tick)
      pieces.append(Drawing.path("M\(Markup.number(x)) \(top)V\(bottom)", style: "rule"))
      pieces.append(Drawing.text(Scale.label(tick), x: x, y: bottom + 17, anchor: "middle"))
    }
    for tick in ys.ticks {
      let y = ys.place(tick)
      pieces.append(Drawing.path("M\(left) \(Markup.number(y))H\(right)", style: "rule"))
      pieces.append(Drawing.text(Scale.label(tick), x: left - 6, y: y + 4.5, anchor: "end"))
    }
    pieces.append(
      Drawing.text(
        "MACs per byte of the DRAM", x: (left + right) / 2, y: bottom + 36, anchor: "middle",
        style: "axis"))
    let start = max(xs.low, ys.low / bandwidth)
    func at(_ x: Double, _ y: Double) -> String {
      "\(Markup.number(xs.place(x))) \(Markup.number(ys.place(y)))"
    }
    pieces.append(
      Drawing.path(
        "M\(at(start, start * bandwidth))L\(at(ridge, peak))H\(Markup.number(right))",
        style: "roof"))
    pieces.append(
      Drawing.text(
        "all multipliers busy", x: right, y: ys.place(peak) - 6, anchor: "end", style: "axis"))
    pieces.append(
      Drawing.text(
        "on the slope: DRAM busy", x: right, y: bottom - 8, anchor: "end", style: "axis"))
    for point in drawn {
      pieces.append(
        Drawing.marker(
          point.series, x: xs.place(point.productsPerByte), y: ys.place(point.productsPerSecond),
          title: "\(point.name): \(Self.rate(point.productsPerSecond)), "
            + "\(Scale.label(point.productsPerByte)) a byte"))
    }
    return pieces
      + Drawing.legend(seriesNames, y: bottom + 60) { index, x, y in
        [Drawing.marker(index, x: x + 20, y: y, title: seriesNames[index])]
      }
  }

  private static func rate(_ value: Double) -> String { Scale.label(value) + " MACs/s" }

  var table: TextTable {
    var table = TextTable(["layer and pass", "MACs/byte", "MACs/s", "of the roof"])
    for point in points {
      let roof = min(peak, point.productsPerByte * bandwidth)
      table.add([
        point.name, Scale.label(point.productsPerByte), Scale.label(point.productsPerSecond),
        roof > 0 ? Amount.percent(point.productsPerSecond / roof) : "",
      ])
    }
    return table
  }
}
