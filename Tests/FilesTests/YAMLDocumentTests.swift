// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Files

@Suite("YAML 1.2") struct YAMLDocumentTests {
  struct Values: Decodable, Equatable {
    enum Word: String, Decodable { case some, other }
    var whole: Int?
    var small: UInt8?
    var number: Double?
    var single: Float?
    var flag: Bool?
    var text: String?
    var word: Word?
    var list: [Int]?
    var group: [String: Double]?
  }

  private func read(_ text: String) throws -> Values {
    try YAMLDocument(text, file: "f.yaml").decode(Values.self) { $0 == "whole" ? "1 to 9" : nil }
  }

  @Test(
    "values of the core schema",
    arguments: [
      ("whole: 3", Values(whole: 3)), ("whole: -3", Values(whole: -3)),
      ("whole: +3", Values(whole: 3)), ("whole: 010", Values(whole: 10)),
      ("whole: 0x1F", Values(whole: 31)), ("whole: ~", Values()), ("whole:", Values()),
      ("number: 3", Values(number: 3)), ("number: 1e-3", Values(number: 0.001)),
      ("number: .5", Values(number: 0.5)), ("number: 1.", Values(number: 1)),
      ("number: -.inf", Values(number: -.infinity)), ("single: 0.1", Values(single: 0.1)),
      ("flag: true", Values(flag: true)), ("flag: FALSE", Values(flag: false)),
      ("text: yes", Values(text: "yes")), ("text: 2024", Values(text: "2024")),
      ("text: '1:30'", Values(text: "1:30")), ("text: \"a\\tb\"", Values(text: "a\tb")),
      ("word: other", Values(word: .other)), ("list: [1, 2]", Values(list: [1, 2])),
      ("list:\n- 1\n- 2", Values(list: [1, 2])),
      ("group: {a: 1, b: .5}", Values(group: ["a": 1, "b": 0.5])),
      ("", Values()), ("# nothing\n", Values()), ("---\nwhole: 1\n...\n", Values(whole: 1)),
      ("\u{FEFF}whole: 1", Values(whole: 1)),
      ("whole: 1 # one\r\nflag: true\r\n", Values(whole: 1, flag: true)),
    ])
  func values(text: String, expected: (Values)) throws { #expect(try read(text) == expected) }

  @Test(
    "errors name the key, the value found and what is allowed",
    arguments: [
      ("whole: 1:30", ["whole", "'1:30'", "1 to 9"]), ("whole: 0o17", ["whole", "'0o17'"]),
      ("whole: '3'", ["whole", "text '3'"]), ("whole: 1.0", ["whole", "1.0"]),
      ("whole: 1_000", ["whole", "'1_000'"]), ("whole: [1]", ["whole", "a list"]),
      ("whole: 99999999999999999999", ["whole", "99999999999999999999"]),
      ("small: 256", ["small", "256", "whole number"]), ("small: -1", ["small", "-1"]),
      ("number: fast", ["number", "'fast'", "a number"]),
      ("flag: yes", ["flag", "'yes'", "true or false"]),
      ("flag: 1", ["flag", "1 is not"]), ("text: [a]", ["text", "a list"]),
      ("word: many", ["word", "'many'"]), ("word: 'a\u{1B}[31m'", ["document"]),
      ("list: 3", ["list", "a list"]), ("list: [1, x]", ["list.1", "'x'"]),
      ("group: {a: x}", ["group.a", "'x'"]), ("? [a, b]\n: 1", ["line 1", "in place of a key"]),
      ("group: {? {a: 1} : 2}", ["in place of a key"]),
      ("'': 1", ["line 1", "an empty text in place of a key"]),
      ("whole: 1\nwhole: 2", ["'whole'", "more than once"]),
      ("whole: [", ["document", "line"]), ("just text", ["document"]),
      ("whole: 1\n---\nwhole: 2", ["document"]),
    ])
  func errors(text: String, words: [String]) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    let message = error?.description ?? ""
    for word in ["f.yaml"] + words { #expect(message.contains(word), "\(message)") }
    #expect(message.unicodeScalars.allSatisfy { $0.value >= 32 }, "\(message)")
  }

  @Test("other encodings are named")
  func encodings() throws {
    let text = "whole: 1"
    for encoding in [String.Encoding.utf16, .utf16BigEndian, .utf16LittleEndian, .utf32] {
      let data = try #require(text.data(using: encoding))
      let error = #expect(throws: ConfigurationError.self) {
        try YAMLDocument(data, file: "f.yaml")
      }
      #expect(error?.problem.contains("UTF-8") == true)
    }
    let latin = Data([0x74, 0xe9, 0x3a, 0x20, 0x31])
    #expect(throws: ConfigurationError.self) { try YAMLDocument(latin, file: "f.yaml") }
  }

  @Test(
    "lists in lists without end are refused, not followed", arguments: ["[", "- ", "{a: ", "? "])
  func deep(opening: String) throws {
    let text = String(repeating: opening, count: 100_000)
    #expect(throws: ConfigurationError.self) { try YAMLDocument(text, file: "f.yaml") }
  }
}
