// SPDX-License-Identifier: Apache-2.0
import Training

/// How images were classified, as tables for a terminal or a page.
public enum ClassText {
  /// Accuracy and the likeliest mistake of each class.
  public static func accuracies(_ found: Classification) -> TextTable {
    var table = TextTable(["class", "images", "correct", "most often taken for"])
    for (label, name) in found.classNames.enumerated() {
      let mistake = found.likeliestMistake(of: label)
      table.add([
        name, "\(found.images(of: label))", found.accuracy(of: label).map(Amount.percent) ?? "",
        mistake.map { "\(found.classNames[$0.predicted]) (\($0.images))" } ?? "",
      ])
    }
    return table
  }

  /// Images by class and by what the network said; the columns have the numbers of the rows. Nil where it
  /// would need more columns of text than there are.
  public static func confusion(_ found: Classification, columns: Int) -> TextTable? {
    let numbers = found.classNames.indices.map { "\($0 + 1)" }
    var table = TextTable(["class"] + numbers)
    for (label, name) in found.classNames.enumerated() {
      let cells = found.confusion[label].map { $0 == 0 ? "." : "\($0)" }
      table.add(["\(label + 1) \(name)"] + cells)
    }
    let width = table.text.prefix { $0 != "\n" }.count
    return width <= columns ? table : nil
  }
}
