// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Report

@Suite("Charts") struct ChartTests {
  private let line = LineChart(
    title: "T <1>", summary: "S & s", xTitle: "x", yTitle: "y",
    series: (0..<10).map { series in
      LineChart.Series(
        name: "run \(series) with a name that is long",
        points: (0..<500).map { (Double($0), Double($0 * series)) })
    }, format: { Scale.label($0) })
  private let bars = BarChart(
    title: "Bars", summary: "Of parts", rowTitle: "row", xTitle: "ms", segmentNames: ["a", "b"],
    rows: [
      BarChart.Row(name: "one", segments: [1, 2]),
      BarChart.Row(name: "two", segments: [0, 6], continues: true),
    ], format: { Scale.label($0) })
  private let map = HeatMap(
    title: "Map", summary: "Of layers", rowTitle: "layer", steps: [0, 10, 20], end: 30,
    rows: [HeatMap.Row(name: "l", shares: [1, 0.5, 0.1])])
  private let roof = RooflineChart(
    title: "Roof", summary: "Of passes", seriesNames: ["a"],
    points: [
      RooflineChart.Point(name: "p", series: 0, productsPerByte: 2, productsPerSecond: 1e9),
      RooflineChart.Point(name: "none", series: 0, productsPerByte: 0, productsPerSecond: 0),
    ], peak: 1e11, bandwidth: 1e10)

  private func layer(_ granularity: Granularity) throws -> Workload.Layer {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 24, height: 6, width: 6), filters: 20, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    let layer = NetworkDescription.Convolution(
      name: "only", geometry: geometry, needsInputGradient: true, prunable: true)
    return Workload(
      NetworkDescription(name: "tiny", batch: 1, convolutions: [layer], vectorLayers: []),
      pruning: PruningConfiguration(granularity: granularity, sparsity: 0.7), seed: 1
    ).layers[0]
  }

  @Test("a figure has a title, a description that names itself, and a table, and is well-formed")
  func figures() throws {
    var figures = Figures()
    let groups = [Array(0..<8), Array(8..<16), Array(16..<20)]
    let pictures = try Granularity.allCases.map {
      figures.add(MaskPicture(try layer($0), groups: groups, order: "as they are"))
    }
    let all =
      [figures.add(line), figures.add(bars), figures.add(map), figures.add(roof)] + pictures
    for figure in all {
      let parsed = try ParsedMarkup(figure.source)
      #expect(parsed.count("svg") == 1 && parsed.count("table") == 1)
      #expect(parsed.count("figcaption") == 1 && parsed.count("desc") == 1)
      let svg = try #require(parsed.elements.first { $0.name == "svg" })
      #expect(svg.attributes["role"] == "img")
      let named = svg.attributes["aria-labelledby"]?.split(separator: " ").map(String.init) ?? []
      #expect(named.count == 2 && named.allSatisfy { parsed.ids.contains($0) })
      #expect(
        parsed.elements.filter { $0.name == "th" }.allSatisfy { $0.attributes["scope"] != nil })
    }
    let ids = try all.flatMap { try ParsedMarkup($0.source).ids }
    #expect(Set(ids).count == ids.count)
  }

  @Test("everything drawn lies inside the drawing")
  func bounds() throws {
    for (pieces, height) in [
      (line.drawing, line.height), (bars.drawing, bars.height), (map.drawing, map.height),
      (roof.drawing, roof.height),
    ] {
      let parsed = try ParsedMarkup("<g>" + pieces.map(\.source).joined() + "</g>")
      for element in parsed.elements {
        let value = { (name: String) in element.attributes[name].flatMap(Double.init) }
        if let x = value("x"), let y = value("y") {
          #expect(x >= 0 && y >= 0 && y <= height, "\(element)")
          #expect(x + (value("width") ?? 0) <= Drawing.width + 0.01, "\(element)")
        }
      }
    }
  }

  @Test("a bar's segments lie end to end, as long as their values")
  func segments() throws {
    let parsed = try ParsedMarkup("<g>" + bars.drawing.map(\.source).joined() + "</g>")
    let drawn = parsed.elements.filter {
      $0.name == "rect" && $0.attributes["class"]?.hasPrefix("bar") == true
    }.suffix(3).map { element in
      (
        x: Double(element.attributes["x"] ?? "") ?? 0,
        width: Double(element.attributes["width"] ?? "") ?? 0
      )
    }
    #expect(drawn.count == 3)
    #expect(abs(drawn[0].x + drawn[0].width - drawn[1].x) < 0.02)
    #expect(abs(drawn[1].width / drawn[0].width - 2) < 0.01)
    #expect(abs(drawn[2].width / drawn[0].width - 6) < 0.01)
    #expect(drawn[2].x == drawn[0].x)
  }

  @Test("tables hold the numbers, and are cut where a line has too many")
  func tables() {
    #expect(bars.table.rows == [["one", "1", "2", "3"], ["two", "0", "6", "6"]])
    #expect(map.table.rows == [["l", "100.0 %", "50.0 %", "10.0 %"]])
    #expect(line.table.rows.count == LineChart.mostRows)
    #expect(line.table.rows.last?.first == "499")
    #expect(roof.table.rows[0].last == "5.0 %")
  }

  @Test("fuller cells are darker")
  func levels() {
    let levels = stride(from: 0, through: 1, by: 0.01).map(HeatMap.level)
    #expect(levels == levels.sorted() && levels.first == 0 && levels.last == 8)
  }

  @Test("a mask drawing shows exactly the kept weights")
  func mask() throws {
    for granularity in Granularity.allCases {
      let layer = try layer(granularity)
      let picture = MaskPicture(layer, groups: [Array(0..<20)], order: "as they are")
      let parsed = try ParsedMarkup("<g>" + picture.drawing.map(\.source).joined() + "</g>")
      let path = try #require(parsed.elements.first { $0.attributes["class"] == "mask kept" })
      var drawn = 0
      for part in (path.attributes["d"] ?? "").split(separator: "h").dropFirst() {
        drawn += Int(part.prefix { $0.isNumber }) ?? 0
      }
      // 20 of 24 channels fit.
      var kept = 0
      for filter in 0..<20 {
        for channel in 0..<20 {
          for row in 0..<3 {
            kept += layer.mask.taps(filter: filter, channel: channel, row: row).nonzeroBitCount
          }
        }
      }
      #expect(drawn == kept, "\(granularity)")
    }
  }

  @Test("the slowest filter of each group counts")
  func waiting() {
    #expect(MaskPicture.slowest([[0, 1], [2]], kept: [3, 5, 2]) == 7)
    #expect(MaskPicture.slowest([[0, 2], [1]], kept: [3, 5, 2]) == 8)
  }
}
