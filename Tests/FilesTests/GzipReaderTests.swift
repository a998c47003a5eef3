// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Files

@Suite struct GzipReaderTests {
  /// A stream as gzip writes it, of one block of bytes as they are.
  private func stream(_ bytes: [UInt8], flags: UInt8 = 0, extra: [UInt8] = []) -> [UInt8] {
    let count = UInt16(bytes.count)
    func low(_ number: some FixedWidthInteger, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    return [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3] + extra
      + [1] + low(count, 2) + low(~count, 2) + bytes
      + low(crc32(bytes), 4) + low(UInt32(bytes.count), 4)
  }

  private func read(_ data: [UInt8], pieces: Int, step: Int) throws -> [UInt8] {
    var place = 0
    var reader = GzipReader {
      let piece = data[place..<min(data.count, place + pieces)]
      place = piece.endIndex
      return piece
    }
    var result: [UInt8] = []
    while true {
      let bytes = try reader.read(step)
      result += bytes
      if bytes.count < step { return result }
    }
  }

  private let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }

  @Test("one stream or several, for any pieces of input and any bytes asked for")
  func streams() throws {
    let data =
      stream(bytes) + stream([])
      + stream([1, 2, 3], flags: 0x1e, extra: [2, 0, 9, 9, 65, 0, 66, 0, 7, 7])
    for pieces in [1, 3, 100_000] {
      for step in [1, 7, 4096, 100_000] {
        #expect(try read(data, pieces: pieces, step: step) == bytes + [1, 2, 3])
      }
    }
  }

  @Test("every truncation, and every changed byte of what counts, is refused")
  func damage() throws {
    let data = stream(Array(bytes.prefix(40)))
    for length in data.indices {
      #expect(throws: Inflate.Fault.self) {
        try read(Array(data[..<length]), pieces: 64, step: 10)
      }
    }
    // Bytes 4 to 9 are the time and the system.
    for index in data.indices where !(4..<10).contains(index) {
      var damaged = data
      damaged[index] ^= 0x55
      #expect(throws: Inflate.Fault.self) { try read(damaged, pieces: 64, step: 10) }
    }
  }

  @Test("a reader that stops early has read little of a long file")
  func early() throws {
    var given = 0
    let one = stream(bytes)
    var reader = GzipReader {
      given += 1
      return one[...]
    }
    #expect(try reader.read(12_000).count == 12_000)
    #expect(given == 3)
  }
}
