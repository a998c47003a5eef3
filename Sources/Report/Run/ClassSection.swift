// SPDX-License-Identifier: Apache-2.0
import Exchange
import Training

/// How the test images were classified, class by class, and the images of which a run was most wrong.
struct ClassSection {
  private let runs: [RunRecord]

  init(_ runs: [RunRecord]) { self.runs = runs }

  func section(_ figures: inout Figures) -> Page.Section {
    var content: [Markup] = []
    for run in runs {
      guard let evaluation = run.evaluation else { continue }
      if runs.count > 1 { content.append(.heading(run.name)) }
      let found = evaluation.classification
      content.append(
        .paragraph(
          "\(found.images) test images after the last epoch: \(found.correct) correct, "
            + "\(Amount.percent(found.accuracy))."))
      if found.classNames.count <= ConfusionMatrix.mostClasses {
        content.append(.grid([figures.add(ConfusionMatrix(found))]))
      }
      content.append(
        .folded(
          "Accuracy by class", [ClassText.accuracies(found).markup(caption: "Accuracy by class")],
          open: found.classNames.count <= 12))
      if !found.mistakes.isEmpty { content.append(mistakes(evaluation)) }
    }
    if content.isEmpty {
      content = [
        .paragraph("The run has not ended, or is of an older version, so there is no evaluation.")
      ]
    }
    return Page.Section(id: "classes", title: "Classes", content: content)
  }

  /// Small images with their class and the one that the network said.
  private func mistakes(_ evaluation: RunEvaluation) -> Markup {
    let names = evaluation.classification.classNames
    let cards = zip(evaluation.classification.mistakes, evaluation.thumbnails).map {
      mistake, image in
      let png = pngFile(
        width: image.width, height: image.height, channels: 3, pixels: Array(image.pixels))
      let (label, predicted) = (names[mistake.label], names[mistake.predicted])
      return Markup(
        "figure", ["class": "mistake"],
        [
          Markup(
            "img",
            [
              "src": "data:image/png;base64," + png.base64EncodedString(), "width": "64",
              "height": "64", "alt": "test image \(mistake.image), \(label) taken for \(predicted)",
            ]),
          Markup(
            "figcaption", [:],
            [
              Markup("\(label), taken for \(predicted) "),
              Markup("span", [:], [Markup(Amount.percent(mistake.predictedProbability))]),
            ]),
        ])
    }
    return .folded(
      "The \(cards.count) images of which the network was most wrong",
      [Markup("div", ["class": "mistakes"], cards)], open: true)
  }
}

/// Test images by class and by what the network said.
struct ConfusionMatrix: Chart {
  /// Larger ones would be unreadable.
  static let mostClasses = 24

  private let found: Classification

  init(_ found: Classification) { self.found = found }

  let title = "Confusion matrix"
  let summary =
    "Rows: the class of the test images. Columns: the class that the network said, in the same order. "
    + "The fuller a cell, the more of the row's images."

  private var cell: Double { min(34, (Drawing.width - left - 4) / Double(found.classNames.count)) }
  private var left: Double {
    min(150, 16 + Drawing.characterWidth * Double(found.classNames.map(\.count).max() ?? 0))
  }
  private let top = 22.0

  var height: Double { top + cell * Double(found.classNames.count) + 8 }

  var drawing: [Markup] {
    var pieces: [Markup] = []
    for (row, name) in found.classNames.enumerated() {
      let y = top + cell * Double(row)
      let total = Double(max(1, found.images(of: row)))
      pieces.append(
        Drawing.label(
          name, x: left - 6, y: y + cell / 2 + 4, width: left - 8, anchor: "end"))
      // Numbers stand for names above narrow columns.
      pieces.append(
        Drawing.text(
          "\(row + 1)", x: left + cell * (Double(row) + 0.5), y: top - 7, anchor: "middle",
          style: "axis"))
      for (column, count) in found.confusion[row].enumerated() {
        let share = Double(count) / total
        let x = left + cell * Double(column)
        let level = HeatMap.level(share)
        pieces.append(
          Drawing.rectangle(
            x: x, y: y, width: cell - 1.5, height: cell - 1.5, style: "cell l\(level)",
            title: "\(name) taken for \(found.classNames[column]): \(count) images"))
        if count > 0, cell >= 22 {
          pieces.append(
            Drawing.text(
              "\(count)", x: x + (cell - 1.5) / 2, y: y + cell / 2 + 4, anchor: "middle",
              style: level > 6 ? "on-full" : ""))
        }
      }
    }
    return pieces
  }

  var table: TextTable {
    var table = TextTable(["class"] + found.classNames)
    for (row, name) in found.classNames.enumerated() {
      table.add([name] + found.confusion[row].map(String.init))
    }
    return table
  }
}
