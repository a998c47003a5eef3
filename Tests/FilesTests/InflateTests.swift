// SPDX-License-Identifier: Apache-2.0
import Foundation
import HostileFiles
import Tensor
import Testing

@testable import Files

@Suite("Deflate")
struct InflateTests {
  @Test("Blocks with fixed codes and stored blocks of zlib")
  func zlib() throws {
    // The text of FixtureScripts/make_corpus.py.
    let text =
      [UInt8](String(repeating: "kept lines, pruned lines, kept shapes; ", count: 9).utf8)
      + (0...255).map { UInt8($0) }
    for name in ["fixed", "plain"] {
      let packed = [UInt8](try corpus(name + ".deflate"))
      #expect(try Inflate.bytes(packed[...], count: text.count) == text, "\(name)")
      // The reader knows the length; another is an error, as is what follows the end.
      for count in [0, 1, text.count - 1, text.count + 1] {
        #expect(throws: Inflate.Fault.self) { try Inflate.bytes(packed[...], count: count) }
      }
      for length in 0..<packed.count {
        #expect(throws: Inflate.Fault.self, "\(name), \(length) bytes") {
          try Inflate.bytes(packed[..<length], count: text.count)
        }
      }
      #expect(throws: Inflate.Fault.self) { try Inflate.bytes(packed + [0], count: text.count) }
    }
  }

  @Test("What no encoder writes is refused")
  func mistakes() {
    let cases: [(bytes: [UInt8], word: String)] = [
      ([0b111], "reserved"), ([0b001, 1, 0, 0, 0], "two lengths"),
      // Fixed codes: length 3 at distance 1 before any byte; the symbol 286.
      ([0b0000_0011, 0b0000_0010], "reference"), ([0b0001_1011, 0b0000_0011], "length code"),
      // Dynamic codes: all code lengths 1.
      ([0b0000_0101, 0, 0b0010_0100, 0b1001_0010, 0x49, 0x92, 0x24, 0x49], "codes"),
      ([], "ends"), ([0b010], "ends"),
    ]
    for (bytes, word) in cases {
      do throws(Inflate.Fault) {
        _ = try Inflate.bytes(bytes[...], count: 100)
        Issue.record("accepted: \(bytes)")
      } catch {
        #expect(error.found.contains(word), "\(bytes): \(error.found)")
      }
    }
  }

  @Test("The checksum is that of IEEE 802.3")
  func checksum() {
    // The check value that the catalogues of CRCs give for these nine digits.
    #expect(crc32(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(crc32([]) == 0)
  }
}
