// SPDX-License-Identifier: Apache-2.0
/// A table for a terminal or a page: the first column to the left, the others to the right.
public struct TextTable {
  let header: [String]
  private(set) var rows: [[String]] = []

  /// A table with these columns.
  public init(_ header: [String]) { self.header = header }

  /// Appends a row of as many cells as there are columns.
  public mutating func add(_ row: [String]) {
    precondition(row.count == header.count, "\(row.count) cells for \(header.count) columns")
    rows.append(row)
  }

  /// The table, a line a row.
  public var text: String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    return ([header] + rows).map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += (column == 0 ? "" : "  ") + (column == 0 ? cell + space : space + cell)
      }
      return line
    }.joined(separator: "\n")
  }

  /// The table in Markdown.
  public var markdown: String {
    let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
    return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
      .joined(separator: "\n")
  }
}
