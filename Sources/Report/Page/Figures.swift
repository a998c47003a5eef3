// SPDX-License-Identifier: Apache-2.0
/// Puts charts on a page: each with a title, a description for those who do not see it, and its
/// numbers behind it. Counts them, so that identifiers are unique on the page.
struct Figures {
  private var count = 0

  /// A chart as a figure of the page.
  mutating func add(_ chart: some Chart) -> Markup {
    count += 1
    let id = "figure-\(count)"
    let size = "0 0 \(Markup.number(Drawing.width)) \(Markup.number(chart.height))"
    let drawing = Markup(
      "svg",
      ["viewBox": size, "role": "img", "aria-labelledby": "\(id)-title \(id)-desc"],
      [
        Markup("title", ["id": "\(id)-title"], [Markup(chart.title)]),
        Markup("desc", ["id": "\(id)-desc"], [Markup(chart.summary)]),
      ] + chart.drawing)
    return Markup(
      "figure", ["id": id],
      [
        Markup(
          "figcaption", [:],
          [
            Markup("strong", [:], [Markup(chart.title)]), " ",
            Markup("span", [:], [Markup(chart.summary)]),
          ]),
        drawing,
        Markup(
          "details", ["class": "numbers"],
          [
            Markup("summary", [:], ["Numbers"]),
            chart.table.markup(caption: "Numbers: \(chart.title)"),
          ]),
      ])
  }
}
