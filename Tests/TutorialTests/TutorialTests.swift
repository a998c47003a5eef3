// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Training

/// What the documents show is run, or compared with what is compiled.
@Suite struct TutorialTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardized

  private static let tutorials = [
    "adapt", "add-a-layer", "compare-granularities", "simulate-your-network",
    "train-on-your-pictures",
  ]

  private func read(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent(path).path)
  }

  @Test func everyTutorialIsTestedAndListed() throws {
    let files = try names("docs/tutorials").filter { $0.hasSuffix(".md") && $0 != "README.md" }
    #expect(files.sorted() == Self.tutorials.map { $0 + ".md" })
    let list = try read("docs/tutorials/README.md")
    for file in files { #expect(list.contains("(\(file))"), "\(file)") }
  }

  /// Without a file behind the fence, a block of Swift is in a file of this target.
  @Test func swiftIsCompiled() throws {
    var documents = ["README.md"] + Self.tutorials.map { "docs/tutorials/\($0).md" }
    for module in try names("Sources")
    where try names("Sources/\(module)").contains("\(module).docc") {
      documents.append("Sources/\(module)/\(module).docc/\(module).md")
    }
    let here = try names("Tests/TutorialTests").map { "Tests/TutorialTests/" + $0 }
    var count = 0
    for document in documents {
      for block in CodeBlock.all(in: try read(document)) where block.language == "swift" {
        let files = block.note.isEmpty ? here : [block.note]
        let isThere = try files.contains { block.stands(in: try read($0)) }
        #expect(isThere, "\(document), line \(block.line), is not in \(files)")
        count += 1
      }
    }
    #expect(count >= 11)
  }

  /// All commands of a tutorial run one after the other, in a separate folder.
  @Test(arguments: tutorials)
  func commandsRun(tutorial: String) throws {
    let blocks = CodeBlock.all(in: try read("docs/tutorials/\(tutorial).md"))
      .filter { $0.language == "sh" && canRun($0) }
    if blocks.isEmpty { return }
    let folder = try Workplace(root: Self.root)
    let (status, said) = try folder.run(blocks.map(\.text).joined(separator: "\n"))
    #expect(status == 0, "\(said.suffix(4000))")
  }

  private func canRun(_ block: CodeBlock) -> Bool {
    block.note.isEmpty || block.note == "pictures" && DatasetSource.readsImages
  }
}

/// A folder that looks like the root of the repository, with small settings for trainings, and that is
/// the home of whoever runs something there.
private final class Workplace {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("swpu-tutorial-\(UUID())")

  init(root: URL) throws {
    let files = FileManager.default
    try files.createDirectory(
      at: folder.appendingPathComponent("bin"), withIntermediateDirectories: true)
    for name in ["docs", "Benchmarks"] {
      try files.createSymbolicLink(
        at: folder.appendingPathComponent(name),
        withDestinationURL: root.appendingPathComponent(name))
    }
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("swpu").path
    // Of an option that is given twice, the last one counts. Drawing pictures takes a debug build long.
    let wrapper = """
      #!/bin/sh
      case "$1 $*" in
        train*--data*) exec "\(program)" "$@" --train-images 96 --epochs 1 --width 0.25 ;;
        train*) exec "\(program)" "$@" --train-images 96 --epochs 1 --width 0.25 --data cifar10 ;;
        *) exec "\(program)" "$@" ;;
      esac

      """
    let file = folder.appendingPathComponent("bin/swpu")
    try Data(wrapper.utf8).write(to: file)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    try writeSmallCIFAR()
  }

  /// Some records in the format of CIFAR-10, where `swpu data fetch cifar10` would have put them.
  private func writeSmallCIFAR() throws {
    let target = folder.appendingPathComponent(".cache/swpu/datasets/cifar-10-batches-bin")
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    let names = (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]
    for (file, name) in names.enumerated() {
      var bytes = Data()
      for image in 0..<60 {
        let label = UInt8(image % 10)
        bytes.append(label)
        bytes.append(
          contentsOf: (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* (file + image + 7)) })
      }
      try bytes.write(to: target.appendingPathComponent(name))
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Runs commands; the first one that fails ends them.
  func run(_ commands: String) throws -> (status: Int32, said: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-euo", "pipefail", "-c", commands]
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    let path = environment["PATH"] ?? "/usr/bin:/bin"
    environment["PATH"] = folder.appendingPathComponent("bin").path + ":" + path
    // Neither data sets nor settings of the person who runs the tests.
    environment["HOME"] = folder.path
    environment["XDG_CACHE_HOME"] = nil
    process.environment = environment
    let output = folder.appendingPathComponent("output.txt")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOf: output, encoding: .utf8))
  }
}
