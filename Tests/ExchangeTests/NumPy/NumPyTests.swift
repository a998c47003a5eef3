// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Masks
import Tensor
import Testing

@testable import Exchange

@Suite("NumPy arrays and archives")
struct NumPyTests {
  private func read(_ data: Data) throws(InputError) -> NumPyArray {
    try NumPyArray([UInt8](data)[...], file: "test", name: nil)
  }

  /// A file of version 1 with this header.
  private func npy(_ header: String, _ bytes: [UInt8]) -> Data {
    let length = header.utf8.count
    return Data(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)]
        + Array(header.utf8) + bytes)
  }

  private func values(_ array: NumPyArray) -> [Double] { (0..<array.count).map { array[$0] } }

  @Test("Files of NumPy: big-endian in Fortran order, version 2")
  func foreign() throws {
    let counting = (0..<24).map { Double($0) }
    let fortran = try read(corpus("fortran.npy"))
    #expect(fortran.element == .int16 && fortran.shape == [2, 3, 4])
    #expect(values(fortran) == counting)
    let second = try read(corpus("version2.npy"))
    #expect(second.element == .float64 && second.shape == [2, 3, 4])
    #expect(values(second) == counting)
  }

  @Test(
    "Headers that Python reads as a dictionary, of any version and spelling",
    arguments: [
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 1L), }",
      "{u'descr': u'<i2', u'fortran_order': False, u'shape': (2, 1)}",
      #"{"descr": "<i2", "fortran_order": False, "shape": (2, 1)}"#,
      "{'shape': (2, 1), 'descr': \"<i2\", 'fortran_order': False}",
    ])
  func headers(header: String) throws {
    let array = try read(npy(header, [5, 0, 255, 255]))
    #expect(array.shape == [2, 1] && values(array) == [5, -1])
  }

  @Test("Archives of NumPy, stored and deflated")
  func archives() throws {
    let stored = try NumPyArchive(corpus("stored.npz"), file: "test")
    #expect(stored.names == ["conv1.weight", "fc", "half", "counts", "fc.input_zeros"])
    #expect(try values(stored.array("fc")) == [0, 1.5, -2, 0])
    #expect(try Array(#require(stored.array("fc").nonZero).setBits) == [1, 2])
    // Minus zero is a zero.
    #expect(try Array(#require(stored.array("half").nonZero).setBits) == [1])
    #expect(try values(stored.array("counts")) == (0..<24).map { Double($0) })
    #expect(try stored.array("fc.input_zeros").shape == [])
    #expect(try stored.array("fc.input_zeros")[0] == 0.25)
    #expect(try stored.array("conv1.weight").element == .bool)

    let deflated = try NumPyArchive(corpus("deflated.npz"), file: "test")
    let powers = try values(deflated.array("powers"))
    #expect(
      powers
        == (0..<3000).map { index in
          let base = Double(index * 7919 % 7)
          return base * base * base * base * base
        })
    #expect(try values(deflated.array("zeros")) == [Double](repeating: 0, count: 5000))
    #expect(try deflated.array("mask").shape == [16, 8, 3, 3])
    // About a fifth of 1,152.
    #expect((180..<280).contains(try #require(deflated.array("mask").nonZero).popcount))
    #expect(throws: InputError.self) { try deflated.array("zeros", limit: 5000) }
    #expect(throws: InputError.self) { try deflated.array("missing") }
  }

  @Test("What is written is read back, and the values start on a multiple of 64 bytes")
  func roundTrip() throws {
    var random = SeededRandom(seed: 3)
    for shape in [[], [1], [7], [4, 3, 3, 3], [2, 0, 5], [300, 1, 1]] {
      let bits = Bits(count: shape.reduce(1, *)) { _ in random.uniform() < 0.5 }
      let array = NumPyArray(bits, shape: shape)
      #expect(array.nonZero == bits)
      let data = array.encoded()
      #expect((data.count - bits.count) % 64 == 0)
      #expect(try read(data) == array, "\(shape)")
    }
    let single = NumPyArray(0.625)
    #expect(try read(single.encoded())[0] == 0.625)
    let archive = NumPyArchive.encoded([("a/b", single), ("c", NumPyArray(-1))])
    let found = try NumPyArchive(archive, file: "test")
    #expect(found.names == ["a/b", "c"])
    #expect(try found.array("a/b") == single)
    #expect(archive == NumPyArchive.encoded([("a/b", single), ("c", NumPyArray(-1))]))
    #expect(throws: InputError.self) {
      try NumPyArchive(NumPyArchive.encoded([]), file: "test")
    }
  }

  @Test("Every type has its values")
  func types() throws {
    let cases: [(type: String, bytes: [UInt8], value: Double)] = [
      ("|b1", [2], 1), ("|i1", [0xff], -1), ("|u1", [0xff], 255), ("<i2", [0xfe, 0xff], -2),
      (">i2", [0xff, 0xfe], -2), ("<u2", [1, 2], 513), ("<i4", [0, 0, 0, 0x80], -2_147_483_648),
      ("<u4", [0, 0, 0, 0x80], 2_147_483_648), ("<i8", [UInt8](repeating: 0xff, count: 8), -1),
      (">u8", [0, 0, 0, 0, 0, 0, 1, 0], 256), ("<f2", [0, 0x3c], 1),
      ("<f4", [0, 0, 0xc0, 0xbf], -1.5),
      (">f8", [0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5),
    ]
    for (type, bytes, value) in cases {
      let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (1,)}"
      let array = try read(npy(header, bytes))
      #expect(array[0] == value, "\(type)")
    }
    let nan = "{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}"
    #expect(try read(npy(nan, [0, 0x7e, 0, 0])).nonZero == nil)
  }

  @Test("What is wrong in an array is named")
  func mistakes() {
    func header(_ type: String = "'<f4'", _ order: String = "False", _ shape: String = "(1,)")
      -> String
    { "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape)}" }
    let four: [UInt8] = [0, 0, 0, 0]
    let cases: [(data: Data, field: String)] = [
      (Data(), "magic"), (Data("PK".utf8), "magic"),
      (Data([0x93] + Array("NUMPY".utf8) + [4, 0, 0, 0, 0, 0]), "version"),
      (Data([0x93] + Array("NUMPY".utf8) + [1, 0, 200, 0, 0, 0]), "header length"),
      (Data([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255]), "header length"),
      (npy(header("'<c8'"), four), "descr"), (npy(header("'|O'"), four), "descr"),
      (npy(header("'<U3'"), four), "descr"), (npy(header("'|f4'"), four), "descr"),
      (npy(header("[('a', '<f4')]"), four), "descr"),
      (npy(header("'<f4'", "true"), four), "fortran"),
      (npy(header("'<f4'", "False", "(2,)"), four), "shape"),
      (npy(header("'<f4'", "False", "(-1,)"), four), "shape"),
      (npy(header("'<f4'", "False", "(99999999999999999999,)"), four), "shape"),
      (npy(header("'<f4'", "False", "(281474976710656, 281474976710656)"), four), "shape"),
      (
        npy(header("'<f4'", "False", "(" + String(repeating: "1,", count: 65) + ")"), four), "shape"
      ),
      (npy(header(), four + [0]), "shape"), (npy(header(), []), "shape"),
      (npy(header() + " x", four), "header"), (npy("{'descr': '<f4'}", four), "header"),
      (npy("{'descr': '<f4', 'descr': '<f4'}", four), "descr"),
      (npy("{'color': 1}", four), "color"), (npy("{'': 1}", four), "header ''"),
      (npy(String(repeating: "{", count: 60_000), []), "header"),
    ]
    for (data, field) in cases {
      let error = #expect(throws: InputError.self, "\(field)") { _ = try read(data) }
      #expect(error?.file == "test" && error?.field.contains(field) == true, "\(error as Any)")
    }
  }

  @Test("Every truncation and every changed byte is read or refused, never worse")
  func hostile() throws {
    let array = NumPyArray(Bits(count: 6) { $0 % 2 == 0 }, shape: [2, 3])
    let (accepted, refused) = attack(array.encoded(), values: [0, 40, 41, 48, 57, 123, 255]) {
      data throws(InputError) in _ = try read(data)
    }
    #expect(accepted > 30 && refused > 300, "\(accepted), \(refused)")
  }
}
