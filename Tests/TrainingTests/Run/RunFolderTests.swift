// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor
import Testing

@testable import Training

@Suite("Run folders") struct RunFolderTests {
  private let temporary: TemporaryFolder
  private let folder: RunFolder

  init() throws {
    temporary = try TemporaryFolder()
    folder = temporary.run("run")
  }

  private static func configuration() -> TrainingConfiguration {
    var configuration = TrainerTests.configuration()
    configuration.model = .lenet5
    configuration.width = 0.25
    return configuration
  }

  private func trainer(
    _ configuration: TrainingConfiguration = configuration(), resume: Bool = false
  ) throws -> Trainer {
    try Trainer(
      configuration, data: TrainerTests.data, engine: Engine(threads: 1), folder: folder,
      checkpoint: resume ? folder.latestCheckpoint() : nil)
  }

  /// Trains some steps; all where it is nil.
  private func train(steps: Int? = nil, resume: Bool = false) throws -> Trainer {
    let trainer = try trainer(resume: resume)
    var done = 0
    _ = try trainer.run(shouldStop: {
      done += 1
      return done == steps
    })
    return trainer
  }

  private func lines() throws -> [String] {
    try String(contentsOf: folder.metrics, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  /// The steps of the epochs' records.
  private func epochs() throws -> [Int] {
    try folder.readMetrics().epochs.map(\.report.epoch)
  }

  // MARK: one writer

  @Test("a folder has one writer at a time")
  func oneWriter() throws {
    let first = try trainer()
    let checkpoint = try folder.latestCheckpoint()
    let error = #expect(throws: FileError.self) {
      _ = try Trainer(
        Self.configuration(), data: TrainerTests.data, engine: Engine(threads: 1), folder: folder,
        checkpoint: checkpoint)
    }
    #expect(error?.reason.contains("process \(getpid())") == true)
    withExtendedLifetime(first) {}
  }

  @Test("fresh names are taken once, by concurrent calls too")
  func freshNames() async throws {
    let base = temporary.url.path + "/runs/name"
    try FileManager.default.createDirectory(
      atPath: temporary.url.path + "/runs/name-3-dense", withIntermediateDirectories: true)
    let names = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<8 { group.addTask { try RunFolder.fresh(base, twin: "-dense").url.path } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let expected = [""] + [2, 4, 5, 6, 7, 8, 9].map { "-\($0)" }
    #expect(names.sorted() == expected.map { base + $0 }.sorted())
  }

  @Test(
    "files of other programs do not belong to a run",
    arguments: ["network.json", "metrics.jsonl", "summary.json", "masks", "checkpoints"])
  func foreignFiles(name: String) throws {
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    let file = folder.url.appendingPathComponent(name)
    try Data("mine".utf8).write(to: file)
    let error = #expect(throws: FileError.self) { _ = try trainer() }
    #expect(error?.reason.contains(name) == true)
    #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(names == [name])
  }

  @Test("a start that was killed is done again; other files stay")
  func killedStart() throws {
    _ = try trainer()
    try FileManager.default.removeItem(at: folder.configuration)
    try Data("mine".utf8).write(to: folder.url.appendingPathComponent("notes.txt"))
    _ = try train()
    #expect(try epochs() == [1, 2])
    #expect(FileManager.default.fileExists(atPath: folder.url.path + "/notes.txt"))
  }

  // MARK: names

  @Test("files sort by their steps, and a person's copies are left alone")
  func order() throws {
    _ = try trainer()
    let names = ["step-100000000.ckpt", "step-99999999.ckpt", "step-00000007.ckpt"]
    let copies = [
      "step-7.ckpt", "step-best.ckpt", "step-00000007 (copy).ckpt", "step--0000001.ckpt",
    ]
    for name in names + copies {
      try Data().write(to: folder.checkpoints.appendingPathComponent(name))
    }
    let found = folder.checkpointFiles.map(\.lastPathComponent)
    #expect(
      found == [
        "step-00000000.ckpt", "step-00000007.ckpt", "step-99999999.ckpt", "step-100000000.ckpt",
      ])
    var checkpoint = try folder.latestCheckpoint().checkpoint
    #expect(checkpoint.progress.step == 0)
    checkpoint.progress.step = 8
    try folder.save(checkpoint)
    checkpoint.progress.step = 9
    try folder.save(checkpoint)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.checkpoints.path)
    // Those of later steps are damaged, and no reason to drop a good one.
    #expect(
      Set(left) == Set(copies + names.prefix(2) + ["step-00000008.ckpt", "step-00000009.ckpt"]))
  }

  @Test("a pipe among the checkpoints is passed over, not waited for")
  func pipe() throws {
    _ = try train(steps: 1)
    let latest = try folder.latestCheckpoint().file
    let pipe = folder.checkpoints.appendingPathComponent("step-99999999.ckpt").path
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(try folder.latestCheckpoint().file == latest)
    let error = #expect(throws: FileError.self) {
      try folder.readFile(URL(fileURLWithPath: pipe))
    }
    #expect(error?.reason == "no regular file")
  }

  // MARK: metrics

  @Test("an epoch is recorded once, wherever training was killed between its record and its save")
  func epochOnce() throws {
    let steps = TrainerTests.data.train.count / Self.configuration().batch
    // Saved at the last step of the epoch, before its test.
    _ = try train(steps: steps)
    let saved = try Data(contentsOf: try #require(folder.checkpointFiles.last))
    let file = try #require(folder.checkpointFiles.last)
    _ = try train(resume: true)
    #expect(try epochs() == [1, 2])
    // As if it had been killed right behind the record of the first epoch.
    let first = try #require(lines().firstIndex { $0.contains(#""kind":"epoch""#) })
    let kept = try lines()[...first].joined(separator: "\n") + "\n"
    try Data(kept.utf8).write(to: folder.metrics)
    for newer in folder.checkpointFiles { unlink(newer.path) }
    try saved.write(to: file)
    _ = try train(resume: true)
    #expect(try epochs() == [1, 2])
  }

  @Test(
    "a bad line loses nothing behind it, a torn last one is said, a whole one without its end kept")
  func badLines() throws {
    _ = try train()
    let whole = try lines()
    let middle = whole.count / 2
    let damaged = whole[..<middle] + ["{\"kind\":\"st\u{0}"] + whole[middle...]
    try Data((damaged.joined(separator: "\n") + "\n{\"kind\":\"epo").utf8).write(to: folder.metrics)
    let trainer = try trainer(resume: true)
    #expect(try lines() == Array(damaged))
    #expect(trainer.recordProblems.count == 2, "\(trainer.recordProblems)")
    #expect(trainer.recordProblems[0].contains("line \(middle + 1) is not a record"))
    #expect(trainer.recordProblems[1].contains("line \(damaged.count + 1) was cut off"))
    let metrics = try folder.readMetrics()
    #expect(metrics.epochs.count == 2 && metrics.problems.count == 1)
  }

  @Test("a whole last line without its end is kept; an epoch without a record is reported")
  func lastLine() throws {
    _ = try train()
    let whole = try lines()
    try Data(whole.joined(separator: "\n").utf8).write(to: folder.metrics)
    do { #expect(try trainer(resume: true).recordProblems == []) }
    #expect(try lines() == whole)
    let without = whole.filter { !$0.contains(#""epoch":2"#) }
    try Data((without.joined(separator: "\n") + "\n").utf8).write(to: folder.metrics)
    let problems = try trainer(resume: true).recordProblems
    #expect(problems.count == 1 && problems[0].contains("no record of epoch 2"), "\(problems)")
  }

  @Test("the summary is of the whole run, whatever interrupted it")
  func wholeSummary() throws {
    let steps = TrainerTests.data.train.count / Self.configuration().batch
    _ = try train(steps: steps + 2)
    let before = try folder.readMetrics().epochs[0].report.seconds
    let trainer = try train(resume: true)
    let summary = try trainer.summarize()
    #expect(summary.epochSeconds.count == 2 && summary.epochSeconds[0] == before)
    let saved = try lines().filter { $0.contains(#""kind":"save""#) }
    struct Save: Decodable { let step: Int, seconds, waitingSeconds: Double }
    let stop = try #require(
      saved.map { try JSONDecoder().decode(Save.self, from: Data($0.utf8)) }
        .first { $0.step == steps + 2 })
    #expect(stop.seconds > 0 && summary.epochSeconds[1] > stop.seconds)
    #expect(summary.loaderWaitingSeconds >= stop.waitingSeconds)
  }

  // MARK: resuming

  private func edit(_ change: (inout TrainingConfiguration) -> Void) throws {
    var configuration = try folder.readConfiguration()
    change(&configuration)
    try Data(configuration.yaml.utf8).write(to: folder.configuration)
  }

  @Test("allowed changes are reported, the others are refused by key")
  func changes() throws {
    _ = try train(steps: 3)
    #expect(try ResumableRun(folder).changes == [])
    try edit {
      $0.epochs = 3
      $0.dataPath = "/elsewhere"
    }
    let run = try ResumableRun(folder)
    #expect(run.configuration.epochs == 3 && run.summary == nil)
    #expect(
      run.changes == [
        "data-path: /elsewhere from here on, nothing before", "epochs: 3 from here on, 2 before",
      ])
    try edit { $0.distillFrom = "/a/teacher" }
    let teacher = #expect(throws: ConfigurationError.self) { _ = try ResumableRun(folder) }
    #expect(teacher?.key == "distill-from")
    try edit {
      $0.distillFrom = nil
      $0.batch = 10
    }
    let error = #expect(throws: ConfigurationError.self) { _ = try ResumableRun(folder) }
    #expect(error?.key == "batch" && error?.problem.contains("10") == true)
    #expect(error?.problem.contains("trained with 20") == true)
  }

  @Test("a start that comes later, after training has begun, is refused; one that moves is not")
  func laterStart() throws {
    _ = try train(steps: 3)
    let error = #expect(throws: ConfigurationError.self) {
      _ = try ResumableRun(folder) { $0.initializeFrom = "/some/run" }
    }
    #expect(error?.key == "initialize-from")
  }

  @Test("a configuration that is not the checkpoint's is refused by whoever reads the network")
  func otherConfiguration() throws {
    _ = try train(steps: 3)
    _ = try folder.restoredModel(engine: Engine(threads: 1))
    try Data().write(to: folder.configuration)
    let error = #expect(throws: ConfigurationError.self) {
      _ = try folder.restoredModel(engine: Engine(threads: 1))
    }
    #expect(error?.file == folder.configuration.path, "\(String(describing: error))")
    #expect(throws: ConfigurationError.self) {
      _ = try evaluateRun(
        folder, configuration: Self.configuration(), data: TrainerTests.data,
        engine: Engine(threads: 1))
    }
  }

  @Test(
    "a task of other classes or images than the network's is refused everywhere",
    arguments: [8, 12])
  func otherTask(classes: Int) throws {
    _ = try train(steps: 3)
    let engine = Engine(threads: 1)
    func evaluate() throws {
      _ = try evaluateRun(
        folder, configuration: Self.configuration(), data: TrainerTests.data, engine: engine)
    }
    try evaluate()
    let own = try folder.readTask()
    let others = [
      ImageTask(
        classNames: (0..<classes).map { "class \($0)" }, image: own.image, mean: own.mean,
        standardDeviation: own.standardDeviation),
      ImageTask(
        classNames: own.classNames, image: MapShape(channels: 3, height: classes, width: classes),
        mean: own.mean, standardDeviation: own.standardDeviation),
    ]
    for other in others {
      try folder.write(other)
      #expect(throws: ConfigurationError.self) { try evaluate() }
      #expect(throws: InputError.self) { _ = try folder.exportedWeights(engine: engine) }
      #expect(throws: InputError.self) { _ = try Classifier(path: folder.url.path, engine: engine) }
      let error = #expect(throws: InputError.self) { _ = try trainer(resume: true) }
      #expect(error?.file == folder.task.path)
    }
  }

  @Test("a file that is there and cannot be read is not said to be missing")
  func unreadable() throws {
    _ = try train(steps: 3)
    let engine = Engine(threads: 1)
    for file in [folder.configuration, folder.task, folder.network] {
      let content = try Data(contentsOf: file)
      try FileManager.default.removeItem(at: file)
      try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
      let error = #expect(throws: (any Error).self) {
        _ = try Classifier(path: folder.url.path, engine: engine)
      }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains("no regular file") && text.contains(file.path), "\(text)")
      try FileManager.default.removeItem(at: file)
      try content.write(to: file)
    }
    try FileManager.default.removeItem(at: folder.checkpoints)
    try Data().write(to: folder.checkpoints)
    let error = #expect(throws: FileError.self) { _ = try folder.latestCheckpoint() }
    #expect(error.map { "\($0)" }?.contains("holds none") == false, "\(String(describing: error))")
  }

  @Test("a damaged newest checkpoint is told, and the one before it is used")
  func damagedCheckpoint() throws {
    _ = try train()
    #expect(folder.damagedCheckpoint == nil)
    let newest = try #require(folder.checkpointFiles.last)
    try Data().write(to: newest)
    #expect(folder.damagedCheckpoint?.contains(newest.path) == true)
    #expect(try folder.latestCheckpoint().file != newest)
    for file in folder.checkpointFiles { try Data().write(to: file) }
    #expect(folder.damagedCheckpoint == nil)
  }

  @Test("what the command line asks for is compared as well, and written down")
  func commandLine() throws {
    _ = try train()
    #expect(throws: ConfigurationError.self) {
      _ = try ResumableRun(folder) { $0.seed = 9 }
    }
    #expect(throws: ConfigurationError.self) {
      _ = try ResumableRun(folder) { $0.epochs = 1 }
    }
    let run = try ResumableRun(folder) { $0.epochs = 3 }
    do {
      let trainer = try trainer(run.configuration, resume: true)
      #expect(try trainer.run())
    }
    #expect(try folder.readConfiguration().epochs == 3)
    #expect(try ResumableRun(folder).changes == [])
    #expect(try epochs() == [1, 2, 3])
  }

  @Test("a finished run is reported as finished, one whose summary is missing or old is not")
  func ended() throws {
    do {
      let trainer = try train()
      var summary = try trainer.summarize()
      try trainer.write(summary)
      // Killed before the processor was simulated.
      #expect(try ResumableRun(folder).summary == nil)
      summary.processor = .init(
        machine: "m", milliseconds: 1, denseMilliseconds: 1, millijoules: 1, denseMillijoules: 1)
      try trainer.write(summary)
    }
    #expect(try ResumableRun(folder).summary?.epochs == 2)
    let longer = try ResumableRun(folder) { $0.epochs = 3 }
    #expect(longer.summary == nil)
    _ = try trainer(longer.configuration, resume: true)
    // It would describe a run of two epochs.
    #expect(!FileManager.default.fileExists(atPath: folder.summary.path))
  }

  @Test("paths of a configuration hold in any folder")
  func paths() {
    var configuration = TrainingConfiguration()
    configuration.dataPath = "data/x"
    configuration.initializeFrom = "/w.safetensors"
    let found = configuration.absolute(in: "/home/me")
    #expect(found.dataPath == "/home/me/data/x" && found.initializeFrom == "/w.safetensors")
    configuration.distillFrom = "runs/teacher"
    #expect(configuration.absolute(in: "/home/me").distillFrom == "/home/me/runs/teacher")
    configuration.dataPath = "~/x"
    #expect(configuration.absolute().dataPath?.hasPrefix("/") == true)
    #expect(configuration.absolute().dataPath?.contains("~") == false)
    #expect(TrainingConfiguration().absolute() == TrainingConfiguration())
  }
}
