// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor
import Testing

@testable import Exchange

@Suite("Messages of Protocol Buffers")
struct WireTests {
  private func reader(_ bytes: [UInt8]) -> WireReader {
    WireReader(bytes[...], file: "test", place: "message")
  }

  @Test("The examples of the specification")
  func examples() throws {
    var writer = WireWriter()
    writer.number(1, 150)
    #expect([UInt8](writer.data) == [0x08, 0x96, 0x01])
    writer = WireWriter()
    writer.text(2, "testing")
    #expect([UInt8](writer.data) == [0x12, 0x07] + Array("testing".utf8))
    writer = WireWriter()
    writer.message(3) { $0.number(1, 150) }
    #expect([UInt8](writer.data) == [0x1a, 0x03, 0x08, 0x96, 0x01])
    writer = WireWriter()
    writer.packed(6, [3, 270, 86942])
    #expect([UInt8](writer.data) == [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05])
    writer = WireWriter()
    writer.number(1, -2)
    #expect([UInt8](writer.data) == [0x08, 0xfe] + [UInt8](repeating: 0xff, count: 8) + [0x01])
  }

  @Test("What is written is read")
  func roundTrip() throws {
    var random = SeededRandom(seed: 1)
    for _ in 0..<200 {
      let number = Int(truncatingIfNeeded: random.next() >> (random.next() % 64))
      let field = Int(random.next() % (1 << 29 - 1)) + 1
      var writer = WireWriter()
      writer.number(field, number)
      writer.float(2, 1.5)
      writer.double(3, -0.1)
      writer.packed(4, [number, 1])
      writer.text(5, "é")
      var reader = reader([UInt8](writer.data))
      let first = try #require(try reader.next())
      #expect(try first.number == field && reader.number(first, "a") == number)
      let float = try #require(try reader.next())
      #expect(try reader.float(float, "b") == 1.5)
      let double = try #require(try reader.next())
      guard case .fixed64(let bits) = double.content else {
        Issue.record("no fixed64")
        return
      }
      #expect(Double(bitPattern: bits) == -0.1)
      let packed = try #require(try reader.next())
      #expect(try reader.numbers(packed, "c") == [number, 1])
      let text = try #require(try reader.next())
      #expect(try reader.text(text, "d") == "é")
      #expect(throws: InputError.self) { try reader.number(text, "d") }
      #expect(throws: InputError.self) { try reader.slice(first, "a") }
      #expect(try reader.next() == nil && reader.isAtEnd)
    }
  }

  @Test("Overlong numbers, unknown wire types, field 0 and lengths beyond the end are refused")
  func mistakes() {
    let ones = [UInt8](repeating: 0xff, count: 9)
    let cases: [(bytes: [UInt8], word: String)] = [
      ([0x08], "cut off"), ([0x08, 0x80], "cut off"), ([0x08] + ones + [0x02], "64 bits"),
      ([0x08] + ones + [0x80, 0x00], "64 bits"),
      ([0x08] + [UInt8](repeating: 0x80, count: 30), "64 bits"), ([0x00, 0x00], "number 0"),
      ([0x0b], "wire type 3"), ([0x0c], "wire type 4"), ([0x0f], "wire type 7"),
      ([0x0a, 0x05, 0x01], "5 bytes"), ([0x0a] + ones + [0x01], "bytes"),
      ([0x0d, 0, 0, 0], "cut off"), ([0x09, 0, 0, 0, 0], "cut off"),
      (ones + [0x01, 0x00], "number"),
    ]
    for (bytes, word) in cases {
      let error = #expect(throws: InputError.self, "\(bytes)") {
        var reader = reader(bytes)
        while try reader.next() != nil {}
      }
      #expect(error?.value.contains(word) == true, "\(bytes): \(error as Any)")
      #expect(error?.field.hasPrefix("message") == true)
    }
    // The largest number, and a small one with zeros before it, are whole numbers.
    for (bytes, number) in [([0x08] + ones + [0x01], -1), ([0x08, 0x81, 0x80, 0x00], 1)] {
      var reader = reader(bytes)
      #expect(throws: Never.self) {
        let field = try #require(try reader.next())
        #expect(try reader.number(field, "a") == number)
      }
    }
  }
}
