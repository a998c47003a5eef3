// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct SHA256Tests {
  private func sum(_ bytes: [UInt8]) -> String {
    var sum = SHA256()
    sum.add(bytes)
    return sum.finish()
  }

  /// The examples of FIPS 180-4.
  @Test func agreesWithTheStandard() {
    #expect(sum([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      sum(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(
      sum(Array(long.utf8)) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test func agreesWithTheSystemAtEveryLengthOfTheLastBlocks() throws {
    let folder = try DataFolder()
    for count in Array(0...130) {
      try folder.write((0..<count).map { UInt8($0) }, "\(count)")
    }
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      """
      import hashlib, pathlib, sys
      for count in range(131):
          print(hashlib.sha256(pathlib.Path(sys.argv[1], str(count)).read_bytes()).hexdigest())
      """, folder.path,
    ]
    process.standardOutput = output
    try process.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(lines == (0...130).map { count in sum((0..<count).map { UInt8($0) }) })
  }

  @Test func doesNotDependOnThePieces() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for size in [1, 3, 63, 64, 65, 127, 999] {
      var pieces = SHA256()
      for start in stride(from: 0, to: bytes.count, by: size) {
        pieces.add(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(pieces.finish() == sum(bytes))
    }
  }
}
