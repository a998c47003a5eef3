// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Files

@Suite struct SealedFileTests {
  private let form = SealedFile(kind: "SWPUTEST", noun: "a test")

  @Test("sealed content is restored; every truncation and every changed byte is refused")
  func seal() throws {
    for count in [0, 1, 7, 8, 9, 40] {
      let content = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) })
      let file = form.encoded(version: 4, content)
      let (version, found) = try form.content(of: file, versions: 3...4, file: "x")
      #expect(version == 4 && Data(found) == content)
      for length in 0..<file.count {
        #expect(throws: InputError.self) {
          try form.content(of: file.prefix(length), versions: 3...4, file: "x")
        }
      }
      for index in file.indices {
        var damaged = file
        damaged[index] ^= 0x40
        #expect(throws: InputError.self) {
          try form.content(of: damaged, versions: 3...4, file: "x")
        }
      }
    }
  }

  @Test("a slice of data is read as data is")
  func slice() throws {
    let file = form.encoded(version: 1, Data([1, 2, 3]))
    let slice = (Data([9, 9, 9]) + file).dropFirst(3)
    #expect(
      Data(try form.content(of: slice, versions: 1...1, file: "x").content) == Data([1, 2, 3]))
  }

  @Test("a version that cannot be read is named, with those that can")
  func version() throws {
    let file = form.encoded(version: 9, Data())
    let error = #expect(throws: InputError.self) {
      try form.content(of: file, versions: 1...2, file: "some.file")
    }
    #expect(error?.description == "some.file: version: found 9, allowed is 1 to 2")
  }
}
