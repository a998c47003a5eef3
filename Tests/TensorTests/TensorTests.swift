// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@Suite("Tensors")
struct TensorTests {
  @Test("Values, bytes and prefixes")
  func contents() throws {
    let values: [Float] = [1, -2, 3.5, .infinity, 0.25]
    let tensor = Tensor(values)
    #expect(tensor.array() == values)
    let bytes = tensor.bytes()
    #expect(bytes.count == 20)
    #expect(Array(bytes.prefix(8)) == [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
    let copy = Tensor(count: 5)
    copy.store(bytes: bytes)
    #expect(copy.array() == values)
    copy.fill(7)
    copy.prefix(2).store([8, 9])
    #expect(copy.array() == [8, 9, 7, 7, 7])
    copy[4] = 1
    #expect(copy[4] == 1 && copy[0] == 8)
  }

  @Test("Tensors share where they start at one place of one storage")
  func sharing() throws {
    let storage = try Storage(bytes: 4096)
    let first = Tensor(storage: storage, byteOffset: 0, count: 16)
    let second = Tensor(storage: storage, byteOffset: 64, count: 16)
    #expect(first.shares(with: first.prefix(3)) && first.shares(with: first))
    #expect(!first.shares(with: second))
    #expect(!first.shares(with: Tensor(count: 16)))
    second.fill(1)
    #expect(first.array() == [Float](repeating: 0, count: 16))
  }
}
