// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Exchange
import Foundation
import Processor
import Tensor
import Training

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network and prune it.",
    usage: "swpu train [<options>]",
    discussion: """
      Without options: ResNet-20 on images that the program generates, pruned to 90 % in sub-structures; \
      about two minutes on two cores.

      Examples:
        swpu train
        swpu train --against-dense             also train the dense twin
        swpu train --granularity line --sparsity 0.95
        swpu train --data cifar10 --model resnet18 --epochs 200 --batch 128
        swpu train --data folder --data-path pictures       your own images
        swpu train --config runs/first/config.yaml --seed 2
        swpu train --print-config > mine.yaml  every key, commented
        swpu train --model resnet18 --initialize-from resnet18.safetensors
        swpu train --tensorboard               then tensorboard --logdir runs
        swpu train --model mine.onnx --data-path pictures   a network of your own
        swpu train --resume runs/first         continue after Ctrl-C or a crash
        swpu train --resume runs/first --against-dense       both runs
        mpirun -n 4 swpu train --model resnet18 --batch 128  on many machines

      A run is a folder: config.yaml, network.json, metrics.jsonl (a line every 50 steps, per epoch and per \
      mask update), masks/ (a snapshot of all layers at the start, at each mask update and at the end), \
      checkpoints/, summary.json. With --resume, epochs and paths may change.

      Under mpirun (swift build --traits MPI) the processes share each batch; the first one writes the run, \
      which any number of processes can resume.
      """)

  @OptionGroup(title: "Training") var options: ConfigurationOptions
  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  @Option(help: ArgumentHelp("Run folder (default: a new one in runs/).", valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Resume a run from its last checkpoint; epochs and paths may change.",
      valueName: "dir"))
  var resume: String?

  @Flag(
    help: ArgumentHelp(
      "Also train the network without pruning, in a second folder whose name ends in -dense, and "
        + "compare."))
  var againstDense = false

  @Flag(
    help: ArgumentHelp(
      "Write TensorBoard events into the run folder: losses, accuracies, the sparsity of layers and "
        + "filters, images of masks."))
  var tensorboard = false

  @Flag(
    help: "Print the configuration as YAML, every key with a comment, and exit.")
  var printConfig = false

  @Flag(help: "Print the summary as JSON on standard output.")
  var json = false

  func validate() throws {
    if resume != nil && output != nil {
      throw ValidationError("--resume and --output exclude each other: a run stays in its folder")
    }
    if resume != nil && options.config != nil {
      throw ValidationError("--resume and --config exclude each other: a run has its own")
    }
    if resume != nil && printConfig {
      throw ValidationError("--print-config: a run has its configuration in config.yaml")
    }
  }

  func run() throws {
    if printConfig { return print(try options.read().commentedYAML, terminator: "") }
    let ranks = try World.ranks()
    let isFirst = ranks?.isFirst ?? true
    let resumable = try resume.map { path in
      try ResumableRun(RunFolder(URL(fileURLWithPath: path))) {
        // A run that is resumed takes no defaults any more.
        $0 = try options.applied(to: $0, named: Set(TrainingConfiguration.keys.map(\.name)))
      }
    }
    if let resumable, let summary = resumable.summary, !againstDense || summary.dense != nil {
      note("The run has ended after \(summary.epochs) epochs; nothing is changed.")
      if isFirst { try show(summary) }
      return
    }
    let configuration = try resumable?.configuration ?? options.read()
    let engine = engineOptions.engine
    let data = try replayed(loadData(configuration), configuration)
    // Until here there is nothing to save, and Ctrl-C ends the program at once.
    Interrupt.watch()
    if let resumable { tell(resumable, engine) }
    if configuration.precision == .auto { tellPrecision(engine.kernels) }
    let folder = try agreed(on: ranks) {
      try resumable?.folder ?? output.map { RunFolder(URL(fileURLWithPath: $0)) }
        ?? .fresh(
          "runs/\(configuration.modelName)-\(configuration.pruning.granularity.rawValue)"
            + "-seed\(configuration.seed)", twin: againstDense ? "-dense" : nil)
    }
    let twin =
      try againstDense
      ? TwinRun(of: folder, configuration, isResumed: resumable != nil) : nil
    let trainer: Trainer
    do {
      trainer = try Trainer(
        configuration, data: data, engine: engine, folder: folder,
        checkpoint: resumable?.checkpoint, tensorBoard: tensorboard, ranks: ranks)
    } catch {
      if resumable == nil && output == nil && isFirst { folder.removeIfEmpty() }
      throw error
    }
    if resumable == nil {
      for path in [configuration.initializeFrom, configuration.distillFrom].compactMap(\.self) {
        RunFolder(URL(fileURLWithPath: path)).noteDamage()
      }
    }
    for problem in trainer.recordProblems { note(problem + ".") }
    if let source = configuration.initializeFrom ?? configuration.modelFile,
      let weights = trainer.weightImport
    {
      let step = weights.step.map { ", of step \($0)" } ?? ""
      note("Weights of \(source): \(weights.tensors) tensors taken\(step).")
      if !weights.ignored.isEmpty {
        note("Not taken: \(StateNames.list(weights.ignored)).")
      }
      for replaced in weights.replaced {
        note(
          "Its layer '\(replaced.layer)' is \(replaced.fileShape.map { "of shape \($0)" } ?? "several"); "
            + "the one of this run, of shape \(replaced.shape), is re-initialised.")
      }
    }
    var summary = resumable?.summary
    if summary == nil {
      guard try train(trainer, "") else { throw stopped(trainer, folder) }
      if isFirst {
        var ended = try trainer.summarize()
        ended.processor = try processorStep(folder)
        try trainer.write(ended)
        summary = ended
      }
    }
    if let twin {
      let dense = try Trainer(
        twin.configuration, data: data, engine: engine, folder: twin.folder,
        checkpoint: twin.resumable?.checkpoint, tensorBoard: tensorboard, ranks: ranks)
      for problem in dense.recordProblems { note(problem + ".") }
      guard try train(dense, "the dense twin of ") else { throw stopped(dense, folder) }
      summary?.dense = RunSummary.DenseTwin(
        testAccuracy: dense.progress.testAccuracy, epochSeconds: dense.epochSeconds,
        run: twin.folder.url.path)
      if let summary, isFirst { try trainer.write(summary) }
    }
    if let summary, isFirst { try show(summary) }
  }

  /// The folder that the first rank takes.
  private func agreed(on ranks: (any Ranks)?, _ folder: () throws -> RunFolder) throws -> RunFolder
  {
    guard let ranks else { return try folder() }
    let path = ranks.first(ranks.isFirst ? Data(try folder().url.path.utf8) : Data())
    return RunFolder(URL(fileURLWithPath: String(decoding: path, as: UTF8.self)))
  }

  /// Says where a training stopped, and how the run goes on.
  private func stopped(_ trainer: Trainer, _ run: RunFolder) -> ExitCode {
    note("\nStopped after step \(trainer.progress.step) and saved.")
    note(
      "Go on with: swpu train --resume \(run.url.relativePath)"
        + (againstDense ? " --against-dense" : ""))
    return ExitCode(130)
  }

  private func show(_ summary: RunSummary) throws {
    if json { try printJSON(summary) } else { print(SummaryText(summary).text) }
  }

  /// Says how a run that goes on differs from what it was.
  private func tell(_ run: ResumableRun, _ engine: Engine) {
    run.folder.noteDamage()
    for change in run.changes { note(change + ".") }
    let made = run.checkpoint.checkpoint.kernels
    let configuration = run.configuration
    let here = engine.with(
      configuration.precision.precision(on: engine.kernels)
    ).name
    if made != here {
      note(
        "The checkpoint was made with \(made) kernels; with \(here) the run goes on, "
          + "but not with the same bits.")
    }
  }

  /// Says what `auto` took, and why.
  private func tellPrecision(_ kernels: Kernels) {
    let reason =
      switch kernels.fastestPrecision {
      case .bf16 where kernels.multipliesBF16: "this machine multiplies it faster"
      case .bf16: "its maps are half as large, which saves more time than it costs"
      case .fp32: "this machine is not faster in bf16"
      }
    note("Precision \(kernels.fastestPrecision.rawValue): \(reason).")
  }

  /// A step with the run's last masks on the default processor and on its dense baseline; nil for a
  /// run without snapshots.
  private func processorStep(_ folder: RunFolder) throws -> RunSummary.ProcessorStep? {
    guard let file = folder.maskFiles.last else { return nil }
    let workload = try folder.workload(file)
    let hardware = HardwareDescription.swpu
    let sparse = try Simulator(hardware).step(workload).totals
    let dense = try Simulator(HardwareDescription.baseline(.dense, like: hardware)).step(workload)
      .totals
    return RunSummary.ProcessorStep(
      machine: hardware.name, milliseconds: sparse.seconds * 1e3,
      denseMilliseconds: dense.seconds * 1e3,
      millijoules: sparse.energyPicojoules.total * 1e-9,
      denseMillijoules: dense.energyPicojoules.total * 1e-9)
  }

  /// Trains to the end; false when it was interrupted.
  private func train(_ trainer: Trainer, _ what: String) throws -> Bool {
    let configuration = trainer.configuration
    let pruning = configuration.pruning
    let balance =
      switch pruning.balanced {
      case .none: ""
      case .filters: ", filters balanced,"
      case .both: ", filters and channels balanced,"
      }
    let pruned =
      pruning.granularity == .dense
      ? "dense"
      : pruning.granularity.rawValue + balance + " "
        + String(format: "pruning to %.0f%%", 100 * configuration.pruning.sparsity)
    let ranks = trainer.exchange.map { "\($0.ranks) ranks, each with " } ?? ""
    note(
      "Training \(what)\(configuration.modelName) on \(configuration.data.rawValue): \(pruned)\n"
        + "\(configuration.epochs) epochs of \(trainer.stepsPerEpoch) steps, "
        + "\(ranks)\(engineOptions.threads) threads (\(trainer.model.engine.name)); "
        + "Ctrl-C saves and stops")
    let memory = trainer.model.memory
    note(
      String(
        format: "Memory: %.0f MB for activations and gradients,\n%.0f MB for weights and their "
          + "training, besides the images.", Double(memory.activationBytes) * 1e-6,
        Double(memory.weightBytes) * 1e-6))
    var display = ProgressDisplay()
    return try trainer.run(
      shouldStop: { Interrupt.isRequested }, report: { display.show($0) })
  }
}

/// The data set with images of the one that the configuration replays.
private func replayed(_ data: Dataset, _ configuration: TrainingConfiguration) throws -> Dataset {
  guard let replay = configuration.replay else { return data }
  var old = configuration
  (old.data, old.dataPath, old.trainImages) = (replay, nil, nil)
  return try data.replaying(
    loadData(old), count: configuration.replayImages ?? data.train.count, seed: configuration.seed)
}

/// Reads or generates the data set of a configuration.
func loadData(_ configuration: TrainingConfiguration) throws -> Dataset {
  let clock = ContinuousClock()
  let start = clock.now
  switch configuration.data {
  case .synthetic: note("Generating the images …")
  case .folder: note("Reading the images …")
  case .cifar10, .cifar100, .idx: break
  }
  let fetched = PublishedDataset.all.first {
    $0.source == configuration.data && $0.isPresent(in: PublishedDataset.defaultFolder)
  }
  var display = PreparationDisplay()
  let data = try configuration.data.load(
    path: configuration.dataPath ?? fetched.map { $0.path(in: PublishedDataset.defaultFolder) },
    seed: configuration.seed, trainCount: configuration.trainImages,
    imageSize: configuration.imageSize, cacheFolder: DatasetSource.cacheFolder + "/pictures",
    progress: { display.show($0) })
  note(
    "\(data.name): \(data.train.count) training and \(data.test.count) test images, "
      + "\(data.train.classes) classes (\(duration((clock.now - start) / .seconds(1))))")
  for remark in data.remarks { note(remark + ".") }
  if !data.leftOut.isEmpty {
    let total = data.leftOut.count + data.train.count + data.test.count
    note("\(data.leftOut.count) of \(total) files are left out:")
    for file in data.leftOut.prefix(10) { note("  \(file.path): \(file.reason)") }
    if data.leftOut.count > 10 { note("  and \(data.leftOut.count - 10) more") }
  }
  return data
}
