// SPDX-License-Identifier: Apache-2.0
import HostileFiles
import Foundation
import Tensor
import Testing

@testable import Training

/// Feeds the readers of data sets files that were mutated from a seed; `SWPU_FUZZ_SECONDS` lets it run
/// longer, as `ParserFuzzTests` does.
@Suite("Mutated data sets", .serialized)
struct DataFuzzTests {
  /// Calls `body` with mutated files, at least 300 times. What it throws has to name a file below
  /// `folder`, and what would be right; some files have to be refused.
  private func fuzz(
    _ seeds: [[UInt8]], below folder: String, _ body: ([UInt8]) throws(DatasetError) -> Void
  ) throws {
    let seconds = ProcessInfo.processInfo.environment["SWPU_FUZZ_SECONDS"].flatMap(Double.init)
    let end = Date(timeIntervalSinceNow: seconds ?? 0)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var (read, refused, seed) = (0, 0, UInt64(1))
    repeat {
      var random = SeededRandom(seed: seed)
      for original in seeds {
        for _ in 0..<100 {
          do {
            try body(mutated(original, &random))
            read += 1
          } catch {
            refused += 1
            #expect(error.file.hasPrefix(folder) && !error.expected.isEmpty, "seed \(seed)")
          }
        }
      }
      seed += 1
    } while seconds == nil ? read + refused < 300 : Date() < end
    #expect(refused > 0 && read + refused >= 300)
    if seconds != nil { print("\(read) read, \(refused) refused, seeds 1..<\(seed)") }
  }

  private func temporaryFolder() -> String {
    FileManager.default.temporaryDirectory.path + "/swpu-fuzz-\(UUID())"
  }

  private func write(_ bytes: [UInt8], _ path: String) {
    #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
  }

  /// With the checksum of the first header made right, so that it does not hide what changed.
  private func repaired(_ archive: [UInt8]) -> [UInt8] {
    guard archive.count >= 512 else { return archive }
    var archive = archive
    archive.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
    let sum = String(archive[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
    archive.replaceSubrange(148..<148 + sum.utf8.count, with: Array(sum.utf8))
    return archive
  }

  @Test("An archive writes only below its folder, or is refused")
  func archives() throws {
    let folder = temporaryFolder()
    let (archive, target) = (folder + "/a.tar", folder + "/in/here")
    let seed =
      TarFile.entry("set", kind: "5")
      + TarFile.entry("set/one.bin", Array(repeating: 7, count: 700))
      + TarFile.entry("set/two.txt", [1, 2, 3]) + TarFile.end
    let file = TarFile.entry("one.bin", Array(repeating: 7, count: 700)) + TarFile.end
    let climbing = TarFile.entry("../one.bin", Array(repeating: 7, count: 700)) + TarFile.end
    try fuzz([seed, file, climbing], below: folder) { bytes throws(DatasetError) in
      write(repaired(bytes), archive)
      defer { try? FileManager.default.removeItem(atPath: folder + "/in") }
      try? FileManager.default.createDirectory(
        atPath: target, withIntermediateDirectories: true)
      defer {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/in")) ?? []
        #expect(names == ["here"], "nothing beside the folder")
      }
      try TarArchive(path: archive, home: "home").unpack(to: target)
    }
  }

  @Test("IDX files are read or refused")
  func idx() throws {
    let folder = temporaryFolder()
    let images: [UInt8] =
      [0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3] + (0..<60).map { UInt8($0) }
    let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 1, 0]
    let names = [
      "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
      "t10k-labels-idx1-ubyte",
    ]
    for place in 0..<2 {
      try fuzz([place == 0 ? images : labels], below: folder) { bytes throws(DatasetError) in
        for (index, name) in names.enumerated() {
          write(index == place ? bytes : index % 2 == 0 ? images : labels, folder + "/" + name)
        }
        let set = try IDXFiles.load(path: folder) { _ in }
        let values = try set.train.pixels.count
        #expect(set.train.count > 0 && values <= bytes.count + images.count)
      }
    }
  }
}

extension DataFuzzTests {
  @Test("Pictures are decoded or left out with a reason", .enabled(if: Picture.isTested))
  func mutatedPictures() throws {
    let folder = temporaryFolder()
    let file = folder + "/picture.jpg"
    try fuzz(PictureFile.all().map(\.bytes), below: folder) { bytes throws(DatasetError) in
      do throws(PictureError) {
        let decoded = try Picture(decoding: bytes)
        #expect(decoded.pixels.count == 3 * decoded.width * decoded.height)
      } catch {
        throw DatasetError(
          fault: .unreadable, file: file, found: "", expected: error.description, home: "")
      }
    }
  }
}
