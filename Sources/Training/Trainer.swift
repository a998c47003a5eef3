// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Masks
import Tensor

/// Trains a model on a data set, pruning it on the way, and records the run.
///
/// ```swift
/// var configuration = TrainingConfiguration()
/// configuration.model = .lenet5
/// configuration.epochs = 1
/// let data = try configuration.data.load(trainCount: 64, testCount: 32)
/// let trainer = try Trainer(configuration, data: data, engine: Engine(threads: 2), folder: nil)
/// _ = try trainer.run()
/// print(trainer.progress.step, trainer.model.sparsity)
/// ```
public final class Trainer {
  /// What the run is, its precision settled.
  public let configuration: TrainingConfiguration
  /// The network with its weights.
  public let model: Model
  /// Where the training is.
  public private(set) var progress = TrainingProgress()
  /// Where the run is recorded; nil when it is not, and on all ranks but the first.
  public let folder: RunFolder?

  /// What was taken from the file of initial weights; nil without one, and in a resumed run.
  public private(set) var weightImport: WeightImport?

  /// What the network reads and says.
  public let task: ImageTask
  /// How the test images were classified after the last epoch that has ended.
  public private(set) var classification: Classification?

  let data: Dataset
  private let loss: SoftmaxCrossEntropy
  private let optimizer: Optimizer
  private let learningRate: LearningRate
  let loader: BatchLoader
  private let testLoader: BatchLoader
  private let pruning: NetworkPruner?
  private let lock: FolderLock?
  private let teacher: Model?
  private let parallel: DataParallel?
  /// What the ranks have exchanged; nil for a training by one process.
  public var exchange: ExchangeReport? { parallel?.report }
  private var metrics: MetricsFile?
  private var tensorBoard: TensorBoardLog?
  // Counting the kept weights takes as long as a small layer, so it is done when masks change.
  private var sparsity = 0.0

  /// Problems in the records of a resumed run.
  public let recordProblems: [String]
  /// Seconds of each whole epoch of the run, tests left out, before and after interruptions.
  public private(set) var epochSeconds: [Double] = []
  /// What the epoch under way had taken when it was interrupted.
  private var earlierSeconds = 0.0
  private var epochStart = ContinuousClock.now
  private let earlierWaiting: Double

  /// Steps of an epoch: whole batches of the training set.
  public let stepsPerEpoch: Int
  /// Steps of the run.
  public var totalSteps: Int { configuration.epochs * stepsPerEpoch }

  /// A training from the start, or from a checkpoint of `folder`.
  ///
  /// - Parameters:
  ///   - network: a custom network for the images and classes of the data set; nil takes the one that the
  ///     configuration names.
  ///   - checkpoint: where to resume; nil starts a new run (and writes the configuration).
  ///   - task: gives the normalisation of the images; nil takes that of the training images.
  ///   - tensorBoard: whether to write events for TensorBoard into the folder, too.
  ///   - ranks: the processes that share each batch; all make the same trainer, and the first one writes
  ///     the folder. nil for one process.
  /// - Throws: `NetworkError`, `MemoryError`, `ConfigurationError`, `FileError`, `InputError`,
  ///   `RankDifference`.
  public init(
    _ configuration: TrainingConfiguration, data: Dataset, engine: Engine,
    folder runFolder: RunFolder?,
    network: Network? = nil, checkpoint: (file: URL, checkpoint: Checkpoint)? = nil,
    task: ImageTask? = nil, tensorBoard: Bool = false, ranks: (any Ranks)? = nil
  ) throws {
    var configuration = configuration
    let precision = configuration.precision.precision(on: engine.kernels)
    configuration.precision = PrecisionChoice(precision)
    let engine = engine.with(precision)
    self.configuration = configuration
    self.data = data
    parallel = ranks.map { DataParallel($0, batch: configuration.batch) }
    folder = ranks?.isFirst ?? true ? runFolder : nil
    let share = parallel?.share ?? .whole
    guard configuration.batch >= share.count else {
      throw ConfigurationError(
        "command line", "batch",
        "\(configuration.batch) is not allowed; at least \(share.count), an image for each rank")
    }
    let set = data.train
    guard set.count >= configuration.batch else {
      throw ConfigurationError(
        "command line", "batch",
        "\(configuration.batch) is more than the \(set.count) training images")
    }
    // Behind this, every rank has read what it needs, and the first one may write.
    try parallel?.checkEqual(configuration, data, engine, checkpoint?.checkpoint.progress)
    let images = MapShape(channels: set.channels, height: set.height, width: set.width)
    let isNew = checkpoint == nil
    // A run has its own copy of the file that its network came from.
    let copy = isNew ? nil : runFolder?.networkFile.path
    let file =
      try network != nil && !isNew
      ? nil : configuration.modelFile.map { try ONNXModel(path: copy ?? $0) }
    let network =
      try network ?? file?.network(input: images, classes: set.classes)
      ?? configuration.model.network(
        input: images, classes: set.classes, width: configuration.width)
    let weights =
      try !isNew
      ? nil
      : configuration.initializeFrom.map { try SafetensorsFile(weightsOf: $0, engine: engine) }
        ?? file?.weights(for: network)
    // A run that is resumed keeps its normalisation; weights that are given have theirs.
    let own = ImageTask(data)
    let recorded =
      isNew
      ? nil
      : try runFolder.flatMap { folder in
        try folder.readTaskIfThere()?.checked(
          for: images, classes: set.classes, file: folder.task.path)
      }
    let task = task ?? recorded ?? weights.flatMap(own.normalised) ?? own
    self.task = task
    precondition(
      network.map(network.input) == images && network.map(network.output).count == set.classes,
      "the network reads \(images) and has \(set.classes) classes")
    model = try Model(
      network, engine: engine, batch: share.largest(of: configuration.batch),
      seed: configuration.seed)
    model.storage = configuration.storage
    loss = SoftmaxCrossEntropy(smoothing: configuration.labelSmoothing)
    optimizer = configuration.optimizerSettings
    optimizer.prepare(model.parameters)
    loader = BatchLoader(
      set: set, mean: task.mean, deviation: task.standardDeviation, batch: configuration.batch,
      augmentation: configuration.augment
        ? configuration.crops.map { data.augmentation.cropping(resized: $0 == .resized) }
          ?? data.augmentation : .none, seed: configuration.seed,
      shuffle: true, dropLast: true, share: share)
    testLoader = BatchLoader(
      set: data.test, mean: task.mean, deviation: task.standardDeviation,
      batch: configuration.batch,
      augmentation: .none, seed: configuration.seed, shuffle: false, dropLast: false,
      share: share)
    stepsPerEpoch = loader.batchesPerEpoch
    learningRate = LearningRate(
      peak: configuration.peakLearningRate, decay: configuration.learningRateDecay,
      warmUpSteps: Int(configuration.warmUpEpochs * Double(stepsPerEpoch)),
      totalSteps: configuration.epochs * stepsPerEpoch)
    try model.freeze(configuration.frozenNames, norms: configuration.batchNorm == .frozen)
    pruning = NetworkPruner(
      configuration.pruning, model: model, totalSteps: configuration.epochs * stepsPerEpoch,
      stepsPerEpoch: stepsPerEpoch, seed: configuration.seed)

    teacher = try configuration.distillFrom.map { path in
      let folder = RunFolder(URL(fileURLWithPath: path))
      let teacher = try folder.restoredModel(
        engine: engine, batch: share.largest(of: configuration.batch)
      ).model
      guard teacher.network.map(teacher.network.input) == images, teacher.classes == set.classes
      else {
        throw ConfigurationError(
          "command line", "distill-from",
          "\(path) is a run for images of \(teacher.network.map(teacher.network.input)) in "
            + "\(teacher.classes) classes; this run has \(images) in \(set.classes)")
      }
      return teacher
    }

    if let checkpoint {
      try model.restore(checkpoint.checkpoint, file: checkpoint.file.path)
      progress = checkpoint.checkpoint.progress
      lock = try folder.map { folder throws(FileError) in try FolderLock(folder.url.path) }
      let times = try folder?.trimMetrics(to: progress) ?? RecordedTimes()
      epochSeconds = times.epochs
      earlierSeconds = times.saved.seconds
      earlierWaiting = times.saved.waitingSeconds
      recordProblems = times.problems
      if let folder { try goOn(in: folder) }
      if tensorBoard { try startTensorBoard() }
    } else {
      (recordProblems, earlierWaiting) = ([], 0)
      // First, so that a file that cannot be used leaves no folder behind.
      if let weights { weightImport = try model.load(weights) }
      lock = try folder?.create()
      pruning?.start(continuing: weightImport != nil, on: engine)
      if let folder {
        try folder.write(
          network.description(
            batch: configuration.batch,
            optimizer: configuration.optimizer == .adamw ? .adamw : .sgd))
        try folder.write(task)
        if let path = configuration.modelFile { try folder.copyNetwork(path) }
        if tensorBoard { try startTensorBoard() }
        try writeSnapshot()
        try save()
        // Last, because it is what makes the folder a run: one that can be resumed.
        try writeAtomically(Data(configuration.yaml.utf8), to: folder.configuration)
      }
    }
    if let folder { metrics = try MetricsFile(folder.metrics) }
    sparsity = model.sparsity
    try parallel?.checkEqual(model, step: progress.step)
  }

  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after every step; true saves a checkpoint and stops. One rank that stops stops
  ///     all.
  ///   - report: called on this thread with what has happened.
  /// - Returns: false when it was stopped.
  /// - Throws: `NonFiniteLoss` (the checkpoints stay as they were), `FileError`, `DatasetError` where
  ///   the file of the images cannot be read.
  public func run(
    shouldStop: () -> Bool = { false }, report: (TrainingEvent) throws -> Void = { _ in }
  ) throws -> Bool {
    var batch = Batch()
    var meter = SpeedMeter()
    var lastSave = ContinuousClock.now
    while progress.epoch < configuration.epochs {
      epochStart = .now
      loader.start(epoch: progress.epoch, fromBatch: progress.batch)
      while try loader.next(into: &batch) {
        var stops = parallel != nil && shouldStop()
        try step(batch, stops: &stops)
        meter.finishStep()
        try report(.step(stepReport(meter)))
        try recordStep()
        if parallel == nil { stops = shouldStop() }
        if stops {
          loader.stop()
          try save(seconds: secondsOfEpoch)
          return false
        }
        // An epoch of a large set may take hours.
        if ContinuousClock.now - lastSave > .seconds(300) {
          try save(seconds: secondsOfEpoch)
          lastSave = .now
        }
      }
      let seconds = secondsOfEpoch
      if progress.epoch + 1 == configuration.epochs { try recalibrate() }
      let test = try evaluate()
      classification = test
      progress.testAccuracy = test.accuracy
      progress.testLoss = test.loss
      let epoch = EpochReport(
        epoch: progress.epoch + 1, epochs: configuration.epochs,
        trainLoss: progress.lossSum / Double(max(progress.batch, 1)),
        trainAccuracy: Double(progress.correct) / Double(max(progress.images, 1)),
        testLoss: test.loss, testAccuracy: test.accuracy, sparsity: sparsity,
        macDensity: model.macDensity,
        seconds: seconds)
      try metrics?.append(epoch, kind: "epoch", step: progress.step)
      try tensorBoard?.append(epoch, step: progress.step)
      progress.startEpoch(progress.epoch + 1)
      epochSeconds.append(seconds)
      earlierSeconds = 0
      let found = BestEpoch(
        epoch: progress.epoch, testAccuracy: test.accuracy, sparsity: sparsity)
      let isBest = found.isBetter(than: progress.best)
      if isBest { progress.best = found }
      if progress.epoch == configuration.epochs {
        try folder?.write(RunEvaluation(test, images: data.test))
      }
      // Behind the epoch's record: until this is saved, the record does not count.
      try save(isBest: isBest)
      lastSave = .now
      meter.pause()
      try report(.epoch(epoch))
    }
    return true
  }

  /// Replaces the running statistics of the normalisations by means over batches of training images.
  /// Running averages lag behind the weights; these means are of the final weights and masks.
  private func recalibrate() throws(DatasetError) {
    if configuration.recalibrationBatches == 0 { return }
    var batch = Batch()
    loader.start(epoch: configuration.epochs)
    for index in 0..<configuration.recalibrationBatches {
      guard try loader.next(into: &batch) else { break }
      model.averageStatistics(over: batch, index: index, seed: stepSeed(totalSteps))
    }
    loader.stop()
    parallel?.averageStatistics(model)
  }

  /// - Parameter stops: whether this rank asks to stop; then, whether any does.
  private func step(_ batch: Batch, stops: inout Bool) throws {
    let step = progress.step
    let updatesMasks = pruning?.schedule.isUpdate(at: step) ?? false
    let needsGradients = updatesMasks && pruning?.needsGradients(at: step) ?? false
    model.stage(batch.images)
    let seed = stepSeed(step)
    model.forward(images: batch.count, training: true, seed: seed)
    teacher?.stage(batch.images)
    teacher?.forward(images: batch.count, training: false)
    let result = model.evaluate(
      loss, teacher: teacher.map { ($0, configuration.distillation) }, labels: batch.labels,
      images: batch.count)
    guard result.loss.isFinite else {
      throw NonFiniteLoss(
        step: step, epoch: progress.epoch, loss: result.loss,
        layer: model.firstNonFiniteLayer(images: batch.count, seed: seed),
        checkpoint: folder?.checkpointFiles.last)
    }
    let observes = folder != nil && (updatesMasks || endsWithSnapshot(step))
    model.backward(
      images: batch.count, seed: seed, denseGradients: needsGradients, observes: observes)
    var totals = DataParallel.StepTotals(loss: result.loss, correct: result.correct, stops: stops)
    if let parallel {
      totals = parallel.average(model, totals, denseGradients: needsGradients)
      stops = totals.stops
    }
    let scale =
      configuration.clip > 0
      ? clippingScale(model.parameters, limit: configuration.clip, engine: model.engine) : 1
    optimizer.update(
      model.parameters, rate: learningRate.rate(at: step), step: step, gradientScale: scale,
      rotationLimit: configuration.rotationLimit, engine: model.engine)
    progress.step += 1
    progress.batch += 1
    progress.lossSum += totals.loss
    progress.correct += totals.correct
    progress.images += configuration.batch
    if updatesMasks, let pruning {
      pruning.update(at: step, on: model.engine)
      sparsity = model.sparsity
      try parallel?.checkEqual(model, step: progress.step)
      let report = MaskReport(sparsity: sparsity)
      try metrics?.append(report, kind: "masks", step: progress.step)
      try tensorBoard?.append(report, step: progress.step)
    }
    if observes { try writeSnapshot() }
    if observes || updatesMasks { model.dropObservations() }
  }

  /// Whether a snapshot is due after a step even without new masks: at the end of training, and of
  /// every epoch of a dense one, whose activations change all the same.
  private func endsWithSnapshot(_ step: Int) -> Bool {
    (step + 1) % (pruning == nil ? stepsPerEpoch : totalSteps) == 0
  }

  private func stepSeed(_ step: Int) -> UInt64 {
    var random = SeededRandom(seed: configuration.seed, stream: UInt64(step) &+ 1 << 40)
    // Ranks drop different values.
    return random.next() &+ UInt64(parallel?.ranks.rank ?? 0)
  }

  /// Accuracy and loss on the test images.
  ///
  /// - Throws: a `DatasetError` where their file cannot be read.
  public func evaluate() throws -> Classification {
    let own = try evaluateModel(model, with: testLoader, classNames: task.classNames)
    return try parallel?.merge(own) ?? own
  }

  private func writeSnapshot() throws {
    guard let folder else { return }
    let name = RunFolder.fileName(step: progress.step, ending: "masks")
    let snapshot = model.snapshot(
      step: progress.step, epoch: progress.step / stepsPerEpoch,
      granularity: configuration.pruning.granularity)
    try writeAtomically(Data(snapshot.encoded()), to: folder.masks.appendingPathComponent(name))
    try tensorBoard?.append(snapshot)
  }

  /// Removes from the folder of a resumed run what would describe it as finished.
  private func goOn(in folder: RunFolder) throws {
    if try folder.readConfiguration() != configuration {
      try writeAtomically(Data(configuration.yaml.utf8), to: folder.configuration)
    }
    if !FileManager.default.fileExists(atPath: folder.task.path) { try folder.write(task) }
    // They describe a finished run.
    if progress.epoch < configuration.epochs {
      unlink(folder.summary.path)
      unlink(folder.evaluation.path)
    }
  }

  private func startTensorBoard() throws {
    // Events of a step that is done again replace those of a run that was killed after it.
    if let folder { tensorBoard = try TensorBoardLog(folder, step: progress.step + 1) }
  }

  private var secondsOfEpoch: Double {
    earlierSeconds + (ContinuousClock.now - epochStart) / .seconds(1)
  }

  /// Seconds that the computation of the run has stalled for data, before and after interruptions.
  var waitingSeconds: Double { earlierWaiting + loader.waitingSeconds }

  /// Saves a checkpoint, and what the epoch under way has taken.
  private func save(seconds: Double = 0, isBest: Bool = false) throws {
    let report = SaveReport(seconds: seconds, waitingSeconds: waitingSeconds)
    try metrics?.append(report, kind: "save", step: progress.step)
    try metrics?.synchronize()
    try folder?.save(
      Checkpoint(
        progress: progress, configuration: configuration.yaml,
        kernels: model.engine.name, blobs: model.blobs()), isBest: isBest)
  }

  private func recordStep() throws {
    guard progress.step % 50 == 0 else { return }
    let record = StepMetrics(
      loss: progress.lossSum / Double(progress.batch),
      accuracy: Double(progress.correct) / Double(progress.images),
      learningRate: learningRate.rate(at: progress.step - 1))
    try metrics?.append(record, kind: "step", step: progress.step)
    try tensorBoard?.append(record, step: progress.step)
  }

  private func stepReport(_ meter: SpeedMeter) -> StepReport {
    let secondsPerStep = meter.secondsPerStep
    return StepReport(
      epoch: progress.epoch + 1, epochs: configuration.epochs, step: progress.step,
      totalSteps: totalSteps, loss: progress.lossSum / Double(progress.batch),
      accuracy: Double(progress.correct) / Double(progress.images), sparsity: sparsity,
      imagesPerSecond: Double(configuration.batch) / secondsPerStep,
      secondsLeft: Double(totalSteps - progress.step) * secondsPerStep,
      loaderWaitingSeconds: waitingSeconds)
  }
}
