// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Testing

@testable import Exchange

@Suite("safetensors")
struct SafetensorsTests {
  /// A file with this header and as many bytes after it.
  private func file(_ header: String, bytes: [UInt8] = []) -> Data {
    Data((0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) })
      + Data(header.utf8) + Data(bytes)
  }

  private func read(_ data: Data) throws(InputError) {
    let file = try SafetensorsFile(data, file: "test")
    for entry in file.entries { _ = try file.array(entry) }
  }

  private let arrays = [
    NamedArray(
      name: "conv.weight", shape: [2, 1, 1, 3], values: [1, -2, 0.5, 0, .infinity, 0x1p-149]),
    NamedArray(name: "a \"name\" \\ of\nmany é", shape: [], values: [7]),
    NamedArray(name: "empty", shape: [0, 5], values: []),
  ]

  @Test("What is written is read: names, shapes, values, text")
  func roundTrip() throws {
    let data = SafetensorsFile.encoded(arrays, metadata: ["format": "pt", "note": "a\tb \u{1}"])
    let file = try SafetensorsFile(data, file: "test")
    #expect(try file.entries.map(file.array) == arrays)
    #expect(file.metadata == ["format": "pt", "note": "a\tb \u{1}"])
    #expect((data.count - 7 * 4) % 8 == 0)
    // A slice of other data is read as well.
    let slice = (Data([9, 9, 9]) + data).dropFirst(3)
    #expect(try SafetensorsFile(slice, file: "test").entries.count == 3)
  }

  @Test("Empty tensors stand where others start or end")
  func empty() throws {
    let arrays = [
      NamedArray(name: "z", shape: [0, 3], values: []),
      NamedArray(name: "b", shape: [2], values: [1, 2]),
      NamedArray(name: "a", shape: [2, 0], values: []),
    ]
    let found = try SafetensorsFile(SafetensorsFile.encoded(arrays), file: "test")
    #expect(try found.entries.map { entry throws(InputError) in try found.array(entry) } == arrays)
  }

  @Test("16-bit floats: every half and bfloat16 has its value")
  func halves() throws {
    // Worked by hand from IEEE 754: sign, exponent minus 15, fraction of 1024.
    let halves: [(UInt16, Float)] = [
      (0x3c00, 1), (0xc000, -2), (0x3555, 0.333_251_95), (0x7bff, 65504), (0x0001, 5.960_464_5e-8),
      (0x0400, 6.103_515_6e-5), (0x8000, -0.0), (0x7c00, .infinity), (0xfc00, -.infinity),
      (0x03ff, 6.097_555_2e-5),
    ]
    let header =
      #"{"h":{"dtype":"F16","shape":[10],"data_offsets":[0,20]},"#
      + #""b":{"dtype":"BF16","shape":[2],"data_offsets":[20,24]}}"#
    var bytes: [UInt8] = []
    for (half, _) in halves { bytes += [UInt8(half & 0xff), UInt8(half >> 8)] }
    bytes += [0x80, 0x3f, 0x49, 0xc0]
    let file = try SafetensorsFile(file(header, bytes: bytes), file: "test")
    let values = try file.array(file.entries[0]).values
    for (value, (bits, expected)) in zip(values, halves) {
      #expect(value == expected && value.sign == expected.sign, "\(bits)")
    }
    #expect(float(half: 0x7e00).isNaN)
    let double = #"{"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#
    let one = try SafetensorsFile(
      self.file(double, bytes: [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), file: "test")
    #expect(try one.array(one.entries[0]).values == [1.5])
    #expect(try file.array(file.entries[1]).values == [1, -3.140_625])
  }

  @Test("A file that another program wrote is read")
  func foreign() throws {
    // By safetensors 0.8 for Python from arange(6) as F32, F16 and BF16, and a counter.
    let file = try SafetensorsFile(corpus("python.safetensors"), file: "test")
    let floats = file.entries.filter { $0.element != .int64 }
    #expect(Set(floats.map(\.name)) == ["single", "half", "brain"])
    for entry in floats {
      let array = try file.array(entry)
      #expect(array.shape == [2, 3] && array.values == [0, 1, 2, 3, 4, 5], "\(entry.name)")
    }
    let counter = try #require(file.entries.first { $0.element == .int64 })
    #expect(throws: InputError.self) { try file.array(counter) }
  }

  @Test("What is wrong is named")
  func mistakes() {
    func entry(_ text: String) -> String { #"{"w":{"# + text + "}}" }
    let cases: [(header: String, bytes: Int, field: String)] = [
      ("", 0, "header"), ("[]", 0, "header"), ("{}x", 0, "header"), (#"{"w":1}"#, 0, "tensor 'w'"),
      (entry(#""dtype":"F31","shape":[1],"data_offsets":[0,4]"#), 4, "dtype"),
      (entry(#""dtype":"F32","shape":[2],"data_offsets":[0,4]"#), 4, "shape"),
      (entry(#""dtype":"F32","shape":[-1],"data_offsets":[0,4]"#), 4, "shape"),
      (entry(#""dtype":"F32","shape":[1.0],"data_offsets":[0,4]"#), 4, "shape"),
      (entry(#""dtype":"F32","shape":[281474976710656,65536],"data_offsets":[0,4]"#), 4, "shape"),
      (entry(#""dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]"#), 4, "shape"),
      (entry(#""dtype":"F32","shape":[1],"data_offsets":[4,0]"#), 4, "data_offsets"),
      (entry(#""dtype":"F32","shape":[1],"data_offsets":[0,4,8]"#), 4, "data_offsets"),
      (entry(#""dtype":"F32","shape":[1],"data_offsets":[0,4]"#), 3, "data_offsets"),
      (entry(#""dtype":"F32","shape":[1],"data_offsets":[0,4]"#), 5, "length"),
      (entry(#""dtype":"F32","shape":[1],"data_offsets":[4,8]"#), 8, "data_offsets"),
      (entry(#""dtype":"F32","shape":[1]"#), 4, "tensor 'w'"),
      (entry(#""dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]"#), 4, "dtype"),
      (entry(#""dtype":"F32","color":"red","shape":[1],"data_offsets":[0,4]"#), 4, "color"),
      // Twice the same name; two tensors in one place; two that overlap by half.
      (
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
          + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "tensor 'w'"
      ),
      (
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
          + #""v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "data_offsets"
      ),
      (
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
          + #""v":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#, 6, "data_offsets"
      ),
      (#"{"__metadata__":{"a":"b","a":"c"}}"#, 0, "__metadata__ 'a'"),
      (#"{"__metadata__":{"a":1}}"#, 0, "__metadata__ 'a'"),
      (#"{"\ud800":1}"#, 0, "header"), (#"{"\x":1}"#, 0, "header"),
      (String(repeating: "{", count: 100_000), 0, "header"),
    ]
    for (header, bytes, field) in cases {
      let data = file(header, bytes: [UInt8](repeating: 0, count: bytes))
      do throws(InputError) {
        try read(data)
        Issue.record("accepted: \(header.prefix(200))")
      } catch {
        #expect(error.file == "test" && error.field.contains(field), "\(error)")
        #expect(error.description.utf8.count < 2000)
      }
    }
  }

  @Test("A header longer than the file, or than memory, is refused")
  func lengths() {
    for length: UInt64 in [1, 9, 1 << 32, 1 << 63, .max] {
      let data = Data((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
      #expect(throws: InputError.self, "\(length)") { try SafetensorsFile(data, file: "test") }
    }
  }

  @Test("Every truncation and every changed byte is read or refused, never worse")
  func hostile() {
    let small = SafetensorsFile.encoded(
      [
        NamedArray(name: "w", shape: [2], values: [1, 2]),
        NamedArray(name: "é", shape: [1], values: [3]),
      ], metadata: ["a": "b"])
    let (accepted, refused) = attack(
      small, values: [0, 1, 9, 32, 34, 44, 48, 57, 92, 123, 125, 255]
    ) { data throws(InputError) in try read(data) }
    #expect(accepted > 100 && refused > 1000, "\(accepted), \(refused)")
    for length in 0..<small.count {
      #expect(throws: InputError.self, "\(length) bytes") {
        try SafetensorsFile(small.prefix(length), file: "test")
      }
    }
  }
}
