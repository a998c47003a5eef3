// SPDX-License-Identifier: Apache-2.0
extension TextTable {
  /// The table for a page, in a box that scrolls by itself where the page is narrow.
  func markup(caption: String) -> Markup {
    let head = Markup(
      "thead", [:],
      [Markup("tr", [:], header.map { Markup("th", ["scope": "col"], [Markup($0)]) })])
    let body = Markup(
      "tbody", [:],
      rows.map { row in
        Markup(
          "tr", [:],
          row.enumerated().map { column, cell in
            column == 0
              ? Markup("th", ["scope": "row"], [Markup(cell)]) : Markup("td", [:], [Markup(cell)])
          })
      })
    return Markup(
      "div",
      ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
      [Markup("table", [:], [Markup("caption", [:], [Markup(caption)]), head, body])])
  }
}
