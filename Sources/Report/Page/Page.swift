// SPDX-License-Identifier: Apache-2.0
/// One HTML file that needs nothing else: no script, no network. The same content gives the same
/// bytes.
struct Page {
  /// A part of the page with its heading.
  struct Section {
    /// Unique on the page; letters and dashes.
    let id: StaticString
    /// Its heading.
    let title: String
    /// What follows.
    let content: [Markup]
  }

  /// Its title.
  let title: String
  /// The text under the title.
  let subtitle: String
  /// Its parts.
  let sections: [Section]

  /// The file.
  var html: String {
    let head = Markup(
      "head", [:],
      [
        Markup("meta", ["charset": "utf-8"]),
        Markup(
          "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        // A browser then refuses every external resource and every script.
        Markup(
          "meta",
          [
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
          ]),
        Markup("meta", ["name": "color-scheme", "content": "light dark"]),
        Markup("title", [:], [Markup(title)]),
        PageStyle.sheet,
      ])
    let contents = Markup(
      "nav", ["aria-label": "Contents"],
      [
        Markup(
          "ul", [:],
          sections.map { section in
            Markup(
              "li", [:], [Markup("a", ["href": "#\(section.id)"], [Markup(section.title)])])
          })
      ])
    let body = Markup(
      "body", [:],
      [
        PageStyle.hatchings,
        Markup(
          "header", [:],
          [Markup("h1", [:], [Markup(title)]), Markup("p", [:], [Markup(subtitle)]), contents]),
        Markup(
          "main", [:],
          sections.map { section in
            Markup(
              "section", ["id": "\(section.id)", "aria-labelledby": "\(section.id)-heading"],
              [Markup("h2", ["id": "\(section.id)-heading"], [Markup(section.title)])]
                + section.content)
          }),
      ])
    return "<!DOCTYPE html>\n" + Markup("html", ["lang": "en"], [head, body]).source + "\n"
  }
}

/// Pieces of running text.
extension Markup {
  /// A paragraph.
  static func paragraph(_ text: String) -> Markup { Markup("p", [:], [Markup(text)]) }
  /// A heading of a part of a section.
  static func heading(_ text: String) -> Markup { Markup("h3", [:], [Markup(text)]) }
  /// Charts side by side where there is room.
  static func grid(_ figures: [Markup]) -> Markup { Markup("div", ["class": "grid"], figures) }
  /// Charts of unequal height, column by column.
  static func flow(_ figures: [Markup]) -> Markup { Markup("div", ["class": "flow"], figures) }
  /// Content that is there when asked for.
  static func folded(_ title: String, _ content: [Markup], open: Bool = false) -> Markup {
    let summary = Markup("summary", [:], [Markup(title)])
    return open
      ? Markup("details", ["class": "part", "open": "open"], [summary] + content)
      : Markup("details", ["class": "part"], [summary] + content)
  }
  /// Text as it is, line by line.
  static func preformatted(_ text: String, label: String) -> Markup {
    Markup(
      "pre", ["tabindex": "0", "role": "region", "aria-label": label],
      [Markup("code", [:], [Markup(text)])])
  }
}
