// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("The command explore") struct ExploreCommandTests {
  @Test("The command in a line of a sweep repeats it in a shell, whatever the names of files")
  func repeats() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "swpu explore's, \(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (machine, table) = (folder.path + "/my $PATH.yaml", folder.path + "/sweep.csv")
    try Program("hardware", "swpu").wait().output.write(to: URL(fileURLWithPath: machine))
    let swept = try Program(
      "explore", "--model", "lenet5", "--sparsity", "0.5", "--hardware", machine,
      "--set", "array.cores=4", "--sweep", "array.rows=4", "--output", table
    ).wait()
    #expect(swept.status == 0, "\(swept.errors)")

    let lines = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 2)
    // A folder with a comma makes the last cell one in quotes.
    let start = try #require(lines[1].range(of: ",\""))
    let command = lines[1][start.upperBound...].dropLast().replacing("\"\"", with: "\"")
    let cells = lines[1][..<start.lowerBound].split(separator: ",")

    let shell = Process()
    let output = Pipe()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = ["-c", "swpu() { \"\(Program.url.path)\" \"$@\"; }\n\(command) --json"]
    shell.standardOutput = output
    try shell.run()
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    shell.waitUntilExit()
    let document = try JSONDecoder().decode(Simulated.self, from: printed)
    #expect(document.totals.cycles == Int(cells[2]))
  }

  private struct Simulated: Decodable {
    struct Totals: Decodable { let cycles: Int }
    let totals: Totals
  }
}
