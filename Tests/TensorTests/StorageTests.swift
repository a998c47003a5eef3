// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@Suite struct StorageTests {
  @Test func isZeroedAndLargeEnough() throws {
    for bytes in [0, 1, 5000, 16 << 10, 3 << 20] {
      let storage = try Storage(bytes: bytes)
      #expect(storage.byteCount >= max(1, bytes))
      let tensor = Tensor(storage: storage, byteOffset: 0, count: storage.byteCount / 4)
      #expect(tensor.array().allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: [1 << 60, Int.max - 1, Int.max])
  func whatCannotBeReservedIsAnError(bytes: Int) {
    let error = #expect(throws: StorageError.self) { try Storage(bytes: bytes) }
    #expect(error?.description.contains("\(bytes)") == true)
  }
}
