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
      name: "conv.weight", shape: [2, 1, 1, 3], values: [1, -2, 0.5, 0, 0x1p127, 0x1p-149]),
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

  @Test("Empty tensors may be where others start or end")
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
    // Computed manually from IEEE 754: sign, exponent minus 15, fraction of 1024.
    let halves: [(UInt16, Float)] = [
      (0x3c00, 1), (0xc000, -2), (0x3555, 0.333_251_95), (0x7bff, 65504), (0x0001, 5.960_464_5e-8),
      (0x0400, 6.103_515_6e-5), (0x8000, -0.0), (0xfbff, -65504), (0x0002, 1.192_092_9e-7),
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
    #expect(float(half: 0x7e00).isNaN && float(half: 0x7c00) == .infinity)
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

  @Test("Null metadata, keys and types that are not known are no reason to refuse a file")
  func tolerant() throws {
    let header =
      #"{"__metadata__":null,"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"#
      + #""stride":[1],"note":{"a":[1.5e-3,null,"x"]}},"#
      + #""c":{"dtype":"C64","shape":[2],"data_offsets":[4,20]},"#
      + #""m":{"dtype":"BOOL","shape":[2],"data_offsets":[20,22]}}"#
    let bytes: [UInt8] = [0, 0, 0xc0, 0x3f] + [UInt8](repeating: 1, count: 16) + [1, 0]
    let file = try SafetensorsFile(file(header, bytes: bytes), file: "test")
    #expect(file.metadata.isEmpty && file.entries.map(\.type) == ["F32", "C64", "BOOL"])
    #expect(try file.array(file.entries[0]).values == [1.5])
    #expect(try file.nonZero(file.entries[2]) == [true, false])
    // Only where one of its values is needed.
    let error = #expect(throws: InputError.self) { try file.array(file.entries[1]) }
    #expect(error?.field == "tensor 'c' dtype" && error?.value == "C64")
  }

  @Test("NaN and infinity are refused with the tensor's name, in every type")
  func notFinite() throws {
    let cases: [(String, [UInt8])] = [
      ("F32", [0, 0, 0xc0, 0x7f]), ("F16", [0, 0x7c]), ("BF16", [0x80, 0xff]),
      ("F64", [0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
    ]
    for (type, bytes) in cases {
      let header = #"{"w":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,\#(bytes.count)]}}"#
      let file = try SafetensorsFile(file(header, bytes: bytes), file: "test")
      let error = #expect(throws: InputError.self) { try file.array(file.entries[0]) }
      #expect(error?.field == "tensor 'w' values", "\(type)")
    }
  }

  @Test("What people take for a safetensors file is named as what it is")
  func foreignFiles() {
    let cases: [(Data, String)] = [
      (Data("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "Git LFS"),
      (Data("<!DOCTYPE html><html>".utf8), "web page"),
      (Data("\n<html lang=\"en\">".utf8), "web page"),
      (Data([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0]), "zip"),
      (Data([0x80, 2, 0x7d, 0x71, 0, 0x58, 1, 0]), "pickle"),
      (Data([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]), "HDF5"),
      (Data([0x80, 4]), "pickle"), (Data("GGUF\u{3}\0\0\0".utf8), "GGUF"),
      (Data(#"{"error":"Repository not found"}"#.utf8), "a text, '{\"error\""),
      (Data("Not Found".utf8), "a text, 'not found'"),
    ]
    for (data, word) in cases {
      let error = #expect(throws: InputError.self) { try SafetensorsFile(data, file: "test") }
      #expect(error?.value.contains(word) == true, "\(word): \(error as Any)")
      let graph = #expect(throws: InputError.self) { try ONNXGraph(data, file: "test") }
      #expect(graph?.value == error?.value)
      if word == "Git LFS" || word == "web page" {
        let table = #expect(throws: InputError.self) { try TopologyFile(data, file: "test") }
        #expect(table?.value == error?.value)
      }
    }
  }

  @Test("a header may have any length, also one that starts as other files do")
  func headerLengths() throws {
    for length in [0x280, 0x380, 0x480, 0x580, 0x8b1f] {
      var header = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
      header += String(repeating: " ", count: length - header.utf8.count)
      let size = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      let file = try SafetensorsFile(
        Data(size + Array(header.utf8) + [0, 0, 0, 0]), file: "test")
      #expect(file.entries.map(\.name) == ["w"], "\(length)")
    }
  }

  @Test("Names below prefixes of wrappers are found, and a pruned weight is its product")
  func states() throws {
    for prefix in ["", "module.", "module._orig_mod.model.", "a.b.c.d.", "net.module.backbone."] {
      let arrays = [
        NamedArray(name: prefix + "conv1.weight_orig", shape: [2, 2], values: [1, 2, 3, 4]),
        NamedArray(name: prefix + "conv1.weight_mask", shape: [2, 2], values: [1, 0, 0, 1]),
        NamedArray(name: prefix + "conv1.bias", shape: [2], values: [5, 6]),
        NamedArray(name: "ema.conv1.weight", shape: [2, 2], values: [7, 7, 7, 7]),
      ]
      let file = try SafetensorsFile(SafetensorsFile.encoded(arrays), file: "test")
      let state = StateFile(file, needed: ["conv1.weight", "conv1.bias"])
      #expect(try state.values("conv1.weight") == [1, 0, 0, 4], "\(prefix)")
      #expect(try state.values("conv1.bias") == [5, 6] && state.shape("conv1.weight") == [2, 2])
      #expect(state.fileNames(of: "conv1.weight").count == 2)
      if prefix.hasPrefix("a.") { #expect(state.others == ["ema.conv1.weight"]) }
      let missing = #expect(throws: InputError.self) { try state.values("fc.weight") }
      #expect(missing?.value.contains("\(prefix)conv1.bias") == true, "\(missing as Any)")
    }
    let parametrised = StateNames(
      found: ["module.conv1.parametrizations.weight.original", "module.conv1.bias"],
      needed: ["conv1.weight", "conv1.bias"])
    #expect(
      parametrised.byName["conv1.weight"] == "module.conv1.parametrizations.weight.original")
    // A layer that is called like a wrapper keeps its name.
    let names = StateNames(found: ["module.weight"], needed: ["module.weight"])
    #expect(names.byName == ["module.weight": "module.weight"])
  }

  @Test("What is wrong is named")
  func mistakes() {
    func entry(_ text: String) -> String { #"{"w":{"# + text + "}}" }
    let cases: [(header: String, bytes: Int, field: String)] = [
      ("", 0, "header"), ("[]", 0, "header"), ("{}x", 0, "header"), (#"{"w":1}"#, 0, "tensor 'w'"),
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
      (entry(#""dtype":"F32","color":red,,"shape":[1],"data_offsets":[0,4]"#), 4, "tensor 'w'"),
      (#"{"__metadata__":nil}"#, 0, "value"),
      (entry(#""a":"# + String(repeating: "[", count: 1000)), 0, "tensor 'w' a"),
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
