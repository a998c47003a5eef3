// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Studies
import Synchronization
import Tensor
import Testing
import Training

@testable import Report

@Suite("The page of runs", .serialized) struct RunReportTests {
  /// A folder that is removed at the end.
  private final class Folder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID())")
    init() throws {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
    func run(_ name: String) -> RunFolder { RunFolder(url.appendingPathComponent(name)) }
  }

  /// A training of a moment.
  private func train(_ folder: RunFolder, _ granularity: Granularity, ends: Bool = true) throws {
    var configuration = TrainingConfiguration()
    configuration.model = .lenet5
    configuration.width = 0.5
    configuration.epochs = 2
    configuration.batch = 20
    configuration.pruning.granularity = granularity
    configuration.pruning.sparsity = 0.75
    configuration.pruning.updateInterval = 2
    if !granularity.prunesLines { configuration.pruning.balanced = .none }
    let data = SyntheticImages.dataset(seed: 3, trainCount: 80, testCount: 20)
    let trainer = try Trainer(
      configuration, data: data, engine: Engine(threads: 2), folder: folder)
    _ = try trainer.run()
    if ends { try trainer.write(trainer.summarize()) }
  }

  /// Runs of one network share its surface.
  private static let surfaces = Mutex<[NetworkDescription: EfficiencySurface]>([:])

  private func surface(_ network: NetworkDescription) throws -> EfficiencySurface {
    try Self.surfaces.withLock { known in
      let found =
        try known[network]
        ?? ProcessorRecord.surface(network, hardware: .swpu, table: .standard)
      known[network] = found
      return found
    }
  }

  private func entry(_ folder: RunFolder, name: String? = nil) throws -> RunReport.Entry {
    let run = try RunRecord(
      folder, name: name ?? folder.url.lastPathComponent, path: folder.url.path)
    let hardware = HardwareDescription.swpu
    let processor = try run.workload.map { workload in
      try ProcessorRecord(
        workload, hardware: hardware, table: .standard, surface: surface(workload.network))
    }
    return RunReport.Entry(run: run, processor: processor)
  }

  private func page(_ entries: [RunReport.Entry]) -> String {
    RunReport(entries, hardware: .swpu, command: "swpu report").html
  }

  private func check(_ html: String, tables: Int) throws {
    let parsed = try ParsedMarkup(html)
    #expect(Set(parsed.ids).count == parsed.ids.count, "identifiers are unique")
    let svgs = parsed.elements.filter { $0.name == "svg" && $0.attributes["role"] == "img" }
    // Images of mistakes are figures without a drawing.
    let mistakes = parsed.elements.filter {
      $0.name == "figure" && $0.attributes["class"] == "mistake"
    }
    let figures = parsed.count("figure") - mistakes.count
    #expect(svgs.count == figures && mistakes.count == parsed.count("img"))
    for svg in svgs {
      let named = svg.attributes["aria-labelledby"]?.split(separator: " ").map(String.init) ?? []
      #expect(named.count == 2 && named.allSatisfy { parsed.ids.contains($0) })
    }
    #expect(parsed.count("table") >= figures && parsed.count("table") >= tables)
    for element in parsed.elements {
      #expect(
        !["script", "link", "iframe", "object", "image", "use"].contains(element.name))
      for (key, value) in element.attributes {
        // An image is in the page itself.
        let isImage = element.name == "img" && value.hasPrefix("data:image/png;base64,")
        #expect(!key.hasPrefix("on") && (key != "src" || isImage), "\(key)=\(value)")
        if key == "href" {
          #expect(value.hasPrefix("#") && parsed.ids.contains(String(value.dropFirst())))
        }
      }
    }
    #expect(!html.contains("http://") && !html.contains("https://"))
    #expect(!html.contains("@import") && !html.contains("NaN") && !html.contains("inf "))
    for section in [
      "summary", "learning", "classes", "sparsity", "masks", "time", "processor", "redo",
    ] {
      #expect(parsed.ids.contains(section))
    }
  }

  @Test("one run, several, one without an end: well-formed, by itself, the same bytes each time")
  func pages() throws {
    let folder = try Folder()
    try train(folder.run("pruned"), .subStructured)
    try train(folder.run("dense"), .dense)
    try train(folder.run("unended"), .unstructured, ends: false)
    let entries = try ["pruned", "dense", "unended"].map { try entry(folder.run($0)) }
    for chosen in [[entries[0]], [entries[1]], [entries[2]], entries] {
      let html = page(chosen)
      try check(html, tables: 8)
      #expect(html.utf8.count < 4_000_000)
      #expect(html == page(chosen))
    }
    // Read again, it is the same as well.
    let again = RunReport.Entry(
      run: try RunRecord(
        folder.run("pruned"), name: "pruned", path: folder.run("pruned").url.path),
      processor: entries[0].processor)
    #expect(page([entries[0]]) == page([again]))
    let text = try ParsedMarkup(page(entries)).text
    #expect(text.contains("The run is unfinished") && text.contains("classifies most"))
    #expect(try ParsedMarkup(page([entries[0]])).text.contains("Parts of a step"))
  }

  @Test("names that look like markup stay text")
  func hostileNames() throws {
    let folder = try Folder()
    let name = "<script>alert(1)</script><!-- \"'&\u{7}"
    try train(folder.run("run"), .line)
    let run = folder.run("run")
    let file = run.summary
    var summary = try String(contentsOf: file, encoding: .utf8)
    summary.replace(#""kernels" : ""#, with: #""kernels" : "]]></style><img src=x onerror=y>"#)
    try summary.write(to: file, atomically: true, encoding: .utf8)
    var configuration = try String(contentsOf: run.configuration, encoding: .utf8)
    configuration += "# </pre><script>alert(2)</script>\n"
    try configuration.write(to: run.configuration, atomically: true, encoding: .utf8)
    let hostile = try entry(run, name: name)
    let html = page([hostile, hostile])
    try check(html, tables: 8)
    #expect(
      !html.contains("<script")
        && !html.replacing("<img src=\"data:image/png", with: "").contains("<img")
        && !html.contains("<!--"))
    #expect(try ParsedMarkup(html).text.contains("alert(2)"))
  }

  @Test("a missing or broken file is an error that names it")
  func brokenRuns() throws {
    let folder = try Folder()
    let run = folder.run("run")
    func expectError(_ words: String...) {
      #expect {
        try RunRecord(run, name: "run", path: run.url.path)
      } throws: { error in
        words.allSatisfy { "\(error)".contains($0) }
      }
    }
    expectError("config.yaml", "no such file")
    try train(run, .line)
    let files: [(URL, String, [String])] = [
      (run.summary, "{}", ["summary.json"]),
      (run.network, "{}", ["network.json"]),
      (try #require(run.maskFiles.last), "SWPUMASK", [".masks"]),
    ]
    for (file, text, words) in files {
      let good = try Data(contentsOf: file)
      try text.write(to: file, atomically: true, encoding: .utf8)
      #expect {
        try RunRecord(run, name: "run", path: run.url.path)
      } throws: { error in
        words.allSatisfy { "\(error)".contains($0) }
      }
      try good.write(to: file)
    }
    // Invalid lines of the metrics are named, and the lines behind them are used.
    let metrics = try Data(contentsOf: run.metrics)
    let bad = """
      {"kind":"step","step":1,"loss":-1,"accuracy":0,"learningRate":1}
      {"kind":"masks","step":1,"sparsity":2}
      []

      """
    try (Data(bad.utf8) + metrics).write(to: run.metrics)
    let record = try RunRecord(run, name: "run", path: run.url.path)
    #expect(record.metrics.epochs.count == 2 && record.problems.count == 3)
    let wanted = [["line 1", "loss is -1"], ["line 2", "0 to 1"], ["metrics.jsonl", "line 3"]]
    for (problem, words) in zip(record.problems, wanted) {
      #expect(words.allSatisfy(problem.contains), "\(problem)")
    }
    try metrics.write(to: run.metrics)
    // A line that is being written is left out.
    let handle = try FileHandle(forWritingTo: run.metrics)
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("{\"kind\":\"st".utf8))
    try handle.close()
    _ = try RunRecord(run, name: "run", path: run.url.path)
    try FileManager.default.removeItem(at: run.metrics)
    expectError("metrics.jsonl", "not there")
  }

  @Test("a shell restores the words of a command line")
  func shellWords() throws {
    for word in ["plain/run-1", "with space", "quo'te", "$(x) `y` ; \"", ""] {
      let process = Process()
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "printf %s " + shellWord(word)]
      process.standardOutput = output
      try process.run()
      process.waitUntilExit()
      let found = output.fileHandleForReading.readDataToEndOfFile()
      #expect(String(decoding: found, as: UTF8.self) == word)
    }
  }
}
