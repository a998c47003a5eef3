// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@Suite("Text for YAML files") struct YAMLTextTests {
  private struct Values: Codable, Equatable {
    var some, small, large, whole: Double
    var count: Int
    var flag: Bool
    var name: String
    var list: [Double]
  }

  @Test("Numbers are those that a person would write, and are read as they were")
  func document() throws {
    let values = Values(
      some: 12.8, small: 3e-9, large: 6.75e20, whole: 2, count: 7, flag: true, name: "1e3",
      list: [0.1, -7.25e-5])
    let text = try YAMLText.document(values)
    let lines = text.split(separator: "\n")
    for line in ["some: 12.8", "whole: 2", "small: 3e-09", "- 0.1", "- -7.25e-05"] {
      #expect(lines.contains { $0 == line }, "\(text)")
    }
    #expect(try YAMLDocument(text, file: "v.yaml").decode(Values.self) == values)
  }

  @Test(
    "A text is read as the text that it was",
    arguments: [
      "plain", "/a/b-c.d", "", " ", "true", "No", "null", "~", "1.5", "0x1f", "1:30", "a: b",
      "a #b",
      "- a", "'", "\"\\", "two\nlines\t\u{1}", "{x}", "\u{e9}\u{1f600}", "../x", "~/x", "*a", "&a",
      "!t",
      "...",
    ])
  func scalar(text: String) throws {
    struct Value: Decodable { let key: String }
    let line = "key: \(YAMLText.scalar(text))\n"
    #expect(try YAMLDocument(line, file: "v.yaml").decode(Value.self).key == text, "\(line)")
  }
}
