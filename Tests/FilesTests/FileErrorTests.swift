// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Files

@Suite("Reasons of errors") struct FileErrorTests {
  private func error(_ body: () throws -> Void) throws -> any Error {
    do { try body() } catch { return error }
    throw FileError("test", "fail", reason: "nothing was thrown")
  }

  @Test("the system's errors are reported in its words, without the library's dump")
  func system() throws {
    let missing = try error { _ = try Data(contentsOf: URL(fileURLWithPath: "/none/at/all")) }
    #expect(plainReason(missing) == "No such file or directory")
    let folder = try error {
      try FileManager.default.createDirectory(
        atPath: "/dev/null/x", withIntermediateDirectories: true)
    }
    #expect(plainReason(folder) == "Not a directory", "\(folder)")
  }

  @Test(
    "errors of JSON name the key and the required type",
    arguments: [
      ("{}", "'a' is missing"), (#"{"a":"x","b":[]}"#, "'a' is not a whole number"),
      (#"{"a":null,"b":[]}"#, "'a' is empty; a whole number is required"),
      (#"{"a":1,"b":[{"c":2}]}"#, "'b.0.c' is not text"), ("[1", "it is not JSON"),
    ])
  func json(text: String, expected: String) throws {
    struct Inner: Decodable { let c: String }
    struct Outer: Decodable {
      let a: Int
      let b: [Inner]
    }
    let found = try error { _ = try JSONDecoder().decode(Outer.self, from: Data(text.utf8)) }
    #expect(plainReason(found) == expected)
  }
}
