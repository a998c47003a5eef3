// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Masks
import Pruning
import Tensor
import Training

/// What to simulate: a run with its masks, a network of another program, or one of ours with random
/// masks.
public struct WorkloadRequest: Sendable {
  /// The folder or file; nil for a network of the engine.
  public var path: String?
  /// The network of the engine; nil for ResNet-18, or the one that a file of weights names.
  public var model: ModelName?
  /// Side of its images, and of open axes of an ONNX file; nil for 32, or the size that a file names.
  public var imageSize: Int?
  /// Batch size; nil for that of the source, else 32.
  public var batch: Int?
  /// Masks from a file: a snapshot of a run (`.masks`, `.masks.gz`), or from NumPy an npz file or a folder of
  /// npy files; or a folder of either kind, `step-N.masks` or `step-N.npz`.
  public var masks: String?
  /// Granularity of random masks, or of the pruning of given weights; nil for sub-structured, or the masks
  /// of the source.
  public var granularity: Granularity?
  /// Target sparsity of the prunable weights; nil for 0.9, or the masks of the source.
  public var sparsity: Double?
  /// Random seed of the masks.
  public var seed: UInt64 = 1
  /// Masks of the run.
  public var snapshot = SnapshotChoice.last

  /// The kind of a path.
  public init(path: String?) { self.path = path }

  /// Where the network comes from.
  public var source: NetworkSource { NetworkSource(path) }

  private var prunes: Bool { granularity != nil || sparsity != nil }

  private static let noSteps = InputError(
    file: "command line", field: "--snapshot", value: "all",
    allowed: "last or a step; all needs a run, or --masks with step-N.npz or step-N.masks files")

  /// Checks what was asked for.
  ///
  /// - Throws: `InputError` naming the option, its value and what is allowed.
  public func validate() throws(InputError) {
    func check(_ isRight: Bool, _ option: String, _ value: Any, _ allowed: String)
      throws(InputError)
    {
      if !isRight {
        throw InputError(
          file: "command line", field: option, value: "\(value)", allowed: allowed)
      }
    }
    try check((1...4096).contains(batch ?? 32), "--batch", batch ?? 0, "1 to 4096")
    try check((8...1024).contains(imageSize ?? 32), "--image-size", imageSize ?? 0, "8 to 1024")
    try check((0..<1).contains(sparsity ?? 0), "--sparsity", sparsity ?? 0, "0 to less than 1")
    try check(
      masks == nil || !prunes, "--masks", masks ?? "",
      "without --granularity and --sparsity: masks are given or made")
    try NetworkSource.check(path)
    switch source {
    case .run:
      try check(
        model == nil && imageSize == nil && !prunes,
        "--model, --image-size, --granularity, --sparsity", "with a run", "none: a run has its own")
    case .topology:
      try check(
        model == nil && imageSize == nil, "--model, --image-size", "with \(path ?? "")",
        "none: a topology has its own")
    case .onnx:
      try check(
        model == nil, "--model", model?.rawValue ?? "", "none: an ONNX file has its own network")
    case .safetensors, .model: break
    }
  }

  /// A workload, and what its source holds that is not simulated.
  public struct Loaded: Sendable {
    /// The network with its masks.
    public var workload: Workload
    /// Nodes of an ONNX file; nil for other sources.
    public var unmodelled: Unmodelled?
    /// Where the masks come from, and their density.
    public var origin: String
    /// What is assumed beside them; nil where the source says all.
    public var assumed: String?
  }

  /// The network, with masks of the run, of files, or random ones.
  ///
  /// - Parameter note: told of what the source holds and the simulation leaves out.
  /// - Throws: `InputError`, `FileError`, `NetworkError`.
  public func workload(note: (String) -> Void = { _ in }) throws -> Workload {
    let loaded = try loaded(note: note)
    if let text = loaded.unmodelled?.text { note(text) }
    return loaded.workload
  }

  /// The network, with masks of the run, of files, or random ones, and what is left out.
  ///
  /// - Parameter note: told of what the source holds and the simulation leaves out, but for
  ///   `unmodelled`.
  /// - Throws: `InputError`, `FileError`, `NetworkError`.
  public func loaded(note: (String) -> Void) throws -> Loaded {
    if masks == nil, case .run(let run) = source {
      let workload = try sized(run.workload(run.maskFile(snapshot)))
      return Loaded(workload: workload, origin: origin(workload))
    }
    let network = try SourceNetwork(self)
    if !network.leftOut.isEmpty {
      note("Not simulated: \(network.leftOut.joined(separator: "; ")).")
    }
    if let (layer, what) = network.unclearReads.min(by: { $0.key < $1.key }) {
      let count = network.unclearReads.count
      note(
        "Layer by layer, not streamed: what \(count == 1 ? "a layer reads" : "\(count) layers read") "
          + "is no whole output of a layer ('\(layer)' reads \(what)).")
    }
    let file = try masks.map(maskFile)
    let workload = try workload(network, file, note: note)
    var loaded = Loaded(
      workload: workload, unmodelled: network.unmodelled, origin: origin(workload, file?.path))
    let lacking = network.lackingWeights.count
    if masks == nil && lacking > 0 {
      loaded.origin +=
        " Random ones of seed \(seed) where weights are not known "
        + "(\(lacking) of \(network.description.convolutions.count) layers)."
    }
    if masks != nil, case .model = source {
      let side = imageSize ?? 32
      loaded.assumed =
        "Assumed: images of \(side)x\(side), batch size \(workload.batch), SGD; a run has its own."
    }
    return loaded
  }

  /// The file of `--masks`, or that of a step in a folder, and the step.
  private func maskFile(_ masks: String) throws -> (path: String, step: Int) {
    let steps = try maskSteps()
    if steps.isEmpty {
      if snapshot == .all { throw Self.noSteps }
      return (masks, 0)
    }
    let found = snapshot == .last ? steps.last : steps.first { snapshot == .step($0.step) }
    guard let found else {
      throw InputError(
        file: masks, field: "snapshot", value: "\(snapshot)",
        allowed: "last, or " + steps.map { "\($0.step)" }.joined(separator: ", "))
    }
    return (found.path, found.step)
  }

  private func workload(
    _ network: SourceNetwork, _ file: (path: String, step: Int)?, note: (String) -> Void
  ) throws -> Workload {
    if let file { return try workload(network, masks: file.path, step: file.step, note: note) }
    var pruning = PruningConfiguration(
      granularity: granularity ?? .subStructured, sparsity: sparsity ?? 0.9)
    if sparsity == 0 { pruning.granularity = .dense }
    guard let weights = network.weights else {
      return Workload(network.description, pruning: pruning, seed: seed)
    }
    let lacking = network.lackingWeights
    if let (layer, reason) = lacking.min(by: { $0.key < $1.key }) {
      note(
        "Weights of \(lacking.count) of \(network.description.convolutions.count) layers are not "
          + "known ('\(layer)': \(reason)); their masks are random.")
    }
    var workload: Workload
    if let masks = network.masks, !prunes {
      workload = try Workload(network.description, snapshot: masks(), file: path ?? "")
    } else {
      workload = try Workload(network.description, pruning: pruning) { layer in
        lacking[layer.name] == nil
          ? try weights(layer) : [Float](repeating: 0, count: layer.filterShape.count)
      }
    }
    if !lacking.isEmpty {
      let random = Workload(network.description, pruning: pruning, seed: seed)
      for index in workload.layers.indices where lacking[workload.layers[index].name] != nil {
        workload.layers[index] = random.layers[index]
      }
    }
    return workload
  }

  private func workload(
    _ network: SourceNetwork, masks file: String, step: Int, note: (String) -> Void = { _ in }
  ) throws -> Workload {
    if let found = try MaskSnapshot(ifSnapshot: file) {
      if case .step(let wanted) = snapshot, wanted != found.step {
        throw InputError(
          file: file, field: "--snapshot", value: "\(wanted)",
          allowed: "last, or \(found.step), the step of this file")
      }
      return try Workload(
        network.description, wholeSnapshot: found, file: file, advice: advice(found))
    }
    let (snapshot, leftOut) = try MaskSnapshot.reading(
      numPy: file, network: network.description, names: network.names, step: step)
    if !leftOut.isEmpty { note("No masks in \(file): \(StateNames.list(leftOut)).") }
    return try Workload(network.description, snapshot: snapshot, file: file)
  }

  /// Names the network of the engine that has the layers of a snapshot, where one may be chosen.
  private func advice(_ snapshot: MaskSnapshot) -> String {
    guard case .model = source else { return "" }
    let side = imageSize ?? 32
    let fitting = ModelName.allCases.first { snapshot.fits($0, imageSize: side) }
    return fitting.map { "; the file has those of \($0.rawValue): --model \($0.rawValue)" } ?? ""
  }

  /// A training with its masks at some steps: the run's, or a folder of `step-N.npz` files.
  public struct Steps {
    /// The steps, ascending.
    public var steps: [Int]
    /// Steps that it has done.
    public var end: Int
    /// Steps of an epoch, where that is known.
    public var stepsPerEpoch: Int?
    /// The network with the masks of the step of an index.
    public var workload: (Int) throws -> Workload
  }

  /// The whole training.
  ///
  /// - Throws: `InputError`, `FileError`, `NetworkError`.
  public func training() throws -> Steps {
    if masks != nil {
      let found = try maskSteps()
      guard let last = found.last else {
        throw Self.noSteps
      }
      let network = try SourceNetwork(self)
      return Steps(
        steps: found.map(\.step), end: last.step,
        workload: { try workload(network, masks: found[$0].path, step: found[$0].step) })
    }
    guard case .run(let run) = source else {
      throw Self.noSteps
    }
    let files = run.maskFiles
    return Steps(
      steps: files.compactMap { run.step(of: $0) }, end: run.stepsDone,
      stepsPerEpoch: try run.stepsPerEpoch(),
      workload: { try sized(run.workload(files[$0])) })
  }

  /// The `step-N.npz` or `step-N.masks` files of `--masks`, in order; empty for a single file and a folder of
  /// npy files.
  private func maskSteps() throws -> [(step: Int, path: String)] {
    guard let masks, isFolder(masks) else { return [] }
    return try visibleFiles(in: masks).compactMap { file in
      guard file.hasPrefix("step-"),
        let ending = [".npz", ".masks", ".masks.gz"].first(where: file.hasSuffix),
        let step = Int(file.dropFirst(5).dropLast(ending.count)), step >= 0
      else { return nil }
      return (step, masks + "/" + file)
    }.sorted { $0.step < $1.step }
  }

  /// The batch that was asked for in place of the run's.
  public func sized(_ workload: Workload) -> Workload {
    var workload = workload
    workload.batch = batch ?? workload.batch
    return workload
  }

  private func origin(_ workload: Workload, _ file: String? = nil) -> String {
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    let all = workload.layers.reduce(0) { $0 + $1.mask.shape.count }
    let density = String(
      format: "%.1f %% of all weights kept", 100 * Double(kept) / Double(max(1, all)))
    let zeros = "zeros assumed: half of the activations, no gradients"
    if let file { return "Masks of \(file); \(density)." }
    switch source {
    case .run: return "Masks of \(path ?? ""), \(snapshot) snapshot; \(density)."
    case .safetensors where !prunes, .onnx where !prunes:
      return "Masks: the zeros of \(path ?? ""); \(zeros); \(density)."
    case .safetensors, .onnx:
      return
        "Masks: the weights of \(path ?? "") pruned by magnitude, without training; \(zeros); "
        + "\(density)."
    case .topology, .model:
      return
        "Random masks of seed \(seed) (normal weights with factors for filters and channels, then "
        + "the pruner of training); \(zeros); \(density)."
    }
  }
}
