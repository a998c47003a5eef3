// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Training

@testable import swpu

@Suite("Lines of a terminal") struct ProgressTests {
  private let parts: [(rank: Int, text: String)] = [
    (0, "epoch 100/100"), (2, "loss 1.234"), (1, "test 99.99%"), (3, "9.9 s"),
  ]

  @Test(
    "Lines fit the terminal, and what matters most is kept", arguments: [10, 20, 30, 40, 60, 80])
  func fits(columns: Int) {
    let line = Terminal.line(parts, columns: columns)
    #expect(line.count < columns)
    #expect(line.hasPrefix(columns > 14 ? "epoch 100/100" : "epoch"))
    if columns >= 30 { #expect(line.contains("99.99%")) }
    if columns >= 60 { #expect(line == "epoch 100/100  loss 1.234  test 99.99%  9.9 s") }
    if columns == 40 { #expect(line == "epoch 100/100  loss 1.234  test 99.99%") }
  }

  @Test("A training on a terminal of 80 columns shows each line as one")
  func terminal() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tty-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let command =
      "stty cols 80; \(Program.url.path) train --model lenet5 --train-images 1280 --epochs 2 "
      + "--batch 16 --output \(folder.path)"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["script", "-qec", command, "/dev/null"]
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let text = String(decoding: data, as: UTF8.self).replacing("\u{1B}[K", with: "")
    let lines = text.split { $0.isNewline || $0 == "\r" }
    let live = lines.filter { $0.hasPrefix("epoch ") }
    #expect(live.filter { $0.contains("left") }.count >= 1 && live.count >= 3, "\(text)")
    for line in lines where !line.contains(folder.path) { #expect(line.count <= 80, "\(line)") }
    for line in live { #expect(line.count < 80, "\(line)") }
  }
}
