// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Report

@Suite("Markup") struct MarkupTests {
  @Test("text is escaped everywhere")
  func escaping() {
    let hostile = "<script>alert('1')</script> & \"x\""
    let safe = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;"
    #expect(Markup(hostile).source == safe)
    #expect(("\(hostile)" as Markup).source == safe)
    #expect(
      Markup("p", ["title": hostile], [Markup(hostile)]).source
        == "<p title=\"\(safe)\">\(safe)</p>")
    #expect(Markup.paragraph(hostile).source == "<p>\(safe)</p>")
  }

  @Test("what XML cannot hold, or turns text around, is replaced")
  func controls() {
    #expect(Markup("a\u{0}b\u{1B}c\u{202E}d").source == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d")
    #expect(Markup("a\n\tb").source == "a\n\tb")
  }

  @Test("only void elements have no closing tag")
  func endTags() {
    #expect(Markup("path", ["d": "M0 0"]).source == "<path d=\"M0 0\"/>")
    #expect(Markup("div", ["class": ""]).source == "<div></div>")
  }

  @Test("numbers are short and never in another notation")
  func numbers() {
    let expected: [(Double, String)] = [
      (0, "0"), (-0.001, "0"), (1, "1"), (10, "10"), (2.5, "2.5"), (1 / 3, "0.33"),
    ]
    for (value, text) in expected { #expect(Markup.number(value) == text) }
    #expect(Markup.number(1e9) == "1000000000")
  }
}
