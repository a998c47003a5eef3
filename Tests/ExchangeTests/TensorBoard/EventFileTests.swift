// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@testable import Exchange

@Suite("Events for TensorBoard")
struct EventFileTests {
  @Test("Checksums are those of their standards")
  func checksums() {
    let digits = Data("123456789".utf8)
    #expect(crc32(digits) == 0xcbf4_3926)
    #expect(crc32c(digits) == 0xe306_9283)
    // RFC 3720, B.4.
    #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(crc32c([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(adler32(Array("Wikipedia".utf8)) == 0x11e6_0398)
    #expect(adler32([UInt8](repeating: 0xff, count: 70_000)) == 0x2a28_6e81)
  }

  @Test("A record is a length, its checksum, the event and its checksum")
  func record() {
    // The first record of a file that TensorFlow 2 wrote.
    let event = Data([9, 0, 0, 128, 141, 109, 192, 216, 65, 26, 13] + Array("brain.Event:2".utf8))
    #expect(event.count == 24)
    let record = [UInt8](EventFile.record(event))
    #expect(record.count == 8 + 4 + 24 + 4)
    #expect(Array(record[..<12]) == [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22])
    #expect(Data(record[12..<36]) == event)
  }

  @Test("Shares are counted in twenty intervals")
  func histogram() {
    let histogram = Histogram(shares: [0, 0.04, 0.05, 0.5, 0.99, 1])
    #expect(histogram.buckets.reduce(0, +) == 6 && histogram.count == 6)
    #expect(histogram.buckets[0] == 2 && histogram.buckets[1] == 1)
    #expect(histogram.buckets[10] == 1 && histogram.buckets[19] == 2)
    #expect(histogram.limits.count == 20 && histogram.limits.last == 1)
    #expect(histogram.least == 0 && histogram.most == 1)
    #expect(abs(histogram.sum - 2.58) < 1e-12 && abs(histogram.squareSum - 2.2342) < 1e-12)
  }

  @Test("An image holds its rows, whatever their length", arguments: [(1, 1), (3, 2), (300, 250)])
  func picture(width: Int, height: Int) throws {
    let pixels = (0..<width * height).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let png = [UInt8](GrayImage(width: width, height: height, pixels: pixels).png)
    #expect(Array(png[..<8]) == [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
    func word(_ start: Int) -> Int { png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    var chunks: [(String, ArraySlice<UInt8>)] = []
    var start = 8
    while start < png.count {
      let length = word(start)
      let content = png[start + 8..<start + 8 + length]
      #expect(word(start + 8 + length) == Int(crc32(png[start + 4..<start + 8 + length])))
      chunks.append((String(decoding: png[start + 4..<start + 8], as: UTF8.self), content))
      start += 12 + length
    }
    #expect(chunks.map(\.0) == ["IHDR", "IDAT", "IEND"])
    #expect(word(16) == width && word(20) == height)
    let packed = chunks[1].1
    let rows = try Inflate.bytes(packed.dropFirst(2).dropLast(4), count: (width + 1) * height)
    #expect(adler32(rows) == packed.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
    #expect((Int(packed[packed.startIndex]) << 8 + Int(packed[packed.startIndex + 1])) % 31 == 0)
    for row in 0..<height {
      let found = rows[row * (width + 1)..<(row + 1) * (width + 1)]
      #expect(found.first == 0)
      #expect(Array(found.dropFirst()) == Array(pixels[row * width..<(row + 1) * width]))
    }
  }

  @Test("A file starts with its version and what it replaces; values have tag and step")
  func file() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = try EventFile(folder: folder, step: 7)
    try file.append([("a", .scalar(0.5)), ("b", .histogram(Histogram(shares: [1])))], step: 9)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.count == 1 && names[0].contains("tfevents"))
    let data = [UInt8](try Data(contentsOf: folder.appendingPathComponent(names[0])))
    var events: [ArraySlice<UInt8>] = []
    var start = 0
    while start < data.count {
      let length = Int(data[start]) | Int(data[start + 1]) << 8
      let content = data[start + 12..<start + 12 + length]
      #expect(Data(data[start..<start + 16 + length]) == EventFile.record(Data(content)))
      events.append(content)
      start += 16 + length
    }
    #expect(events.count == 3)
    func fields(_ slice: ArraySlice<UInt8>) throws -> [WireReader.Field] {
      var reader = WireReader(slice, file: "test", place: "event")
      var fields: [WireReader.Field] = []
      while let field = try reader.next() { fields.append(field) }
      return fields
    }
    func bytes(_ field: WireReader.Field) -> ArraySlice<UInt8> {
      if case .bytes(let slice) = field.content { slice } else { [] }
    }
    let all = try events.map(fields)
    #expect(all.map { $0.map(\.number) } == [[1, 2, 3], [1, 2, 7], [1, 2, 5]])
    #expect(Array(bytes(all[0][2])) == Array("brain.Event:2".utf8))
    #expect(Array(bytes(all[1][2])) == [8, 1])
    for (event, step) in zip(all, [0, 7, 9]) {
      guard case .number(let found) = event[1].content else { continue }
      #expect(found == UInt64(step))
    }
    let values = try fields(bytes(all[2][2])).map { try fields(bytes($0)) }
    #expect(values.map { $0.map(\.number) } == [[1, 2], [1, 5]])
    #expect(values.map { String(decoding: bytes($0[0]), as: UTF8.self) } == ["a", "b"])
    #expect(throws: InputError.self) {
      try EventFile(folder: folder.appendingPathComponent("none"), step: 1)
    }
  }
}
