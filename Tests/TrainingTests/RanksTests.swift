// SPDX-License-Identifier: Apache-2.0
import Foundation
import Pruning
import Synchronization
import Tensor
import Testing

@testable import Training

/// Ranks that are threads of this program.
private final class Meeting: @unchecked Sendable {
  struct Member: Ranks {
    let rank: Int
    let meeting: Meeting
    var count: Int { meeting.count }
    var host: String { "thread \(rank)" }

    func exchange(
      _ outgoing: [UnsafeRawBufferPointer], into incoming: [UnsafeMutableRawBufferPointer]
    ) {
      meeting.put(outgoing.map { Data($0) }, from: rank)
      for other in 0..<count {
        let sent = meeting.letters[other][rank]
        precondition(sent.count == incoming[other].count, "both sides agree on the size")
        sent.copyBytes(to: incoming[other])
      }
      // Nobody writes the next letters before all have read these.
      meeting.arrive()
    }
  }

  let count: Int
  // Written by its rank only, and read between two arrivals of all.
  fileprivate var letters: [[Data]]
  private let condition = NSCondition()
  private var here = 0
  private var round = 0

  init(_ count: Int) {
    self.count = count
    letters = Array(repeating: [], count: count)
  }

  private func put(_ own: [Data], from rank: Int) {
    condition.lock()
    letters[rank] = own
    condition.unlock()
    arrive()
  }

  private func arrive() {
    condition.lock()
    defer { condition.unlock() }
    here += 1
    if here == count {
      (here, round) = (0, round + 1)
      return condition.broadcast()
    }
    let mine = round
    while round == mine { condition.wait() }
  }

  /// Runs `body` on every rank, each on a thread; gives the results in the order of the ranks.
  static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (any Ranks) throws -> Value
  )
    -> [Result<Value, any Error>]
  {
    let meeting = Meeting(count)
    let results = Mutex<[Int: Result<Value, any Error>]>([:])
    let group = DispatchGroup()
    for rank in 0..<count {
      group.enter()
      Thread.detachNewThread {
        let result = Result { try body(Member(rank: rank, meeting: meeting)) }
        results.withLock { $0[rank] = result }
        group.leave()
      }
    }
    group.wait()
    return results.withLock { found in (0..<count).compactMap { found[$0] } }
  }
}

@Suite("Several ranks train one network")
struct RanksTests {
  /// What a rank has at the end.
  struct Ending: Sendable {
    var state: [String: Data]
    var losses: [Double]
    var confusion: [[Int]]
    var testLoss: Double
    var exchange: ExchangeReport?
    var hasFolder: Bool
  }

  private static let data = SyntheticImages.dataset(seed: 3, trainCount: 120, testCount: 50)

  /// Without a normalisation, whose statistics are those of each rank's images.
  private static func network(norm: Bool) throws -> Network {
    var network = Network(name: "small", input: MapShape(channels: 3, height: 32, width: 32))
    var x = try network.pool("shrink", network.input, .average, size: 4)
    x = try network.convolution("conv1", x, filters: 8, kernel: 3, padding: 1, bias: true)
    if norm { x = try network.batchNorm("bn", x, activation: .relu) }
    x = try network.convolution("conv2", x, filters: 16, kernel: 3, padding: 1, bias: true)
    x = try network.activation("relu", x, .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 10, prunable: false)
    return network
  }

  private static func configuration() -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.epochs = 4
    configuration.batch = 20
    configuration.learningRate = 0.05
    configuration.warmUpEpochs = 0
    configuration.pruning.granularity = .line
    configuration.pruning.sparsity = 0.7
    configuration.pruning.updateInterval = 2
    configuration.seed = 5
    return configuration
  }

  private static func train(
    _ ranks: (any Ranks)?, norm: Bool = false, folder: RunFolder? = nil,
    resumes: Bool = false, stopsAfter: Int? = nil,
    change: (inout TrainingConfiguration) -> Void = { _ in }
  ) throws -> Ending {
    var configuration = configuration()
    change(&configuration)
    let trainer = try Trainer(
      configuration, data: data, engine: Engine(threads: 1), folder: folder,
      network: network(norm: norm), checkpoint: resumes ? folder?.latestCheckpoint() : nil,
      ranks: ranks)
    var losses: [Double] = []
    _ = try trainer.run(
      // The last rank alone asks to stop.
      shouldStop: {
        ranks.map { $0.rank == $0.count - 1 } ?? true
          && stopsAfter.map { trainer.progress.step >= $0 - (ranks == nil ? 0 : 1) } ?? false
      },
      report: { if case .epoch(let report) = $0 { losses.append(report.trainLoss) } })
    return Ending(
      state: Dictionary(uniqueKeysWithValues: trainer.model.blobs().map { ($0.name, $0.bytes) }),
      losses: losses, confusion: trainer.classification?.confusion ?? [],
      testLoss: trainer.classification?.loss ?? 0, exchange: trainer.exchange,
      hasFolder: trainer.folder != nil)
  }

  private static func together(
    _ count: Int, norm: Bool = false, folder: RunFolder? = nil, resumes: Bool = false,
    stopsAfter: Int? = nil
  ) throws -> [Ending] {
    try Meeting.run(count) {
      try train($0, norm: norm, folder: folder, resumes: resumes, stopsAfter: stopsAfter)
    }.map { try $0.get() }
  }

  @Test("As many as there are, they take the same steps as one", arguments: [2, 3, 7])
  func asOne(count: Int) throws {
    let one = try Self.train(nil)
    let endings = try Self.together(count)
    for ending in endings {
      for (loss, expected) in zip(ending.losses, one.losses) {
        #expect(abs(loss - expected) < 1e-3 * expected, "\(loss), alone \(expected)")
      }
      #expect(abs(ending.testLoss - one.testLoss) < 1e-3 * one.testLoss)
      #expect(ending.confusion.joined().reduce(0, +) == Self.data.test.count)
    }
    #expect(one.losses.count == 4 && one.exchange == nil)
  }

  @Test("Ranks have the same bits, again and again, with statistics of their own images too")
  func bits() throws {
    let first = try Self.together(3, norm: true)
    let second = try Self.together(3, norm: true)
    for ending in first + second { #expect(ending.state == first[0].state) }
    #expect(first[0].state != (try Self.together(2, norm: true))[0].state)
  }

  @Test(
    "One that asks to stop stops all; the run is resumed with the same bits, and by other ranks")
  func resumes() throws {
    let folders = try [TemporaryFolder().url, TemporaryFolder().url]
    defer { for folder in folders { try? FileManager.default.removeItem(at: folder) } }
    let whole = try Self.together(2, norm: true)
    for (url, count) in zip(folders, [2, 3]) {
      let folder = RunFolder(url)
      let stopped = try Self.together(2, norm: true, folder: folder, stopsAfter: 9)
      #expect(stopped.map(\.hasFolder) == [true, false])
      #expect(folder.checkpointFiles.map(\.lastPathComponent).last == "step-00000009.ckpt")
      let resumed = try Self.together(count, norm: true, folder: folder, resumes: true)
      #expect(folder.checkpointFiles.map(\.lastPathComponent).last == "step-00000024.ckpt")
      for ending in resumed {
        if count == 2 {
          #expect(ending.state == whole[0].state)
        } else {
          #expect(ending.state == resumed[0].state)
          #expect(abs(ending.losses.last! - whole[0].losses.last!) < 0.05)
        }
      }
    }
  }

  @Test("Only gradients of kept weights travel, except in updates of the masks that may grow some")
  func bytes() throws {
    let ending = try Self.together(2)[1]
    let exchange = try #require(ending.exchange)
    #expect(exchange.steps == 24)
    // With two ranks each sends as many bytes as there are values.
    let dense = ["conv1", "fc"].map { 4 * Self.weights[$0]! }.reduce(0, +)
    let kept = ["conv1.bias", "conv2.bias", "conv2.weight", "fc.bias"].map {
      ending.state[$0]!.count
    }
    #expect(ending.state["conv2.weight"]!.count < 4 * Self.weights["conv2"]! / 2)
    // conv1 is pruned too, so the bytes of a step lie between.
    let step = Double(exchange.bytes) / 24
    #expect(step < Double(dense + kept.reduce(0, +)) * 1.5)
    #expect(exchange.maskUpdates == 3)
    #expect(exchange.maskBytes == exchange.maskUpdates * 4 * Self.weights["prunable"]!)
  }

  private static let weights = [
    "conv1": 3 * 8 * 9, "conv2": 8 * 16 * 9, "fc": 160, "prunable": 3 * 8 * 9 + 8 * 16 * 9,
  ]

  @Test("Ranks that are given different things, or compute differently, all say so")
  func differences() throws {
    let seeds = Meeting.run(3) { ranks in
      try Self.train(ranks, change: { if ranks.rank == 2 { $0.seed = 6 } })
    }
    for result in seeds {
      let error = #expect(throws: RankDifference.self) { try result.get() }
      #expect(
        error?.description.hasPrefix(
          "rank 2 on thread 2 has seed: 6, rank 0 on thread 0 has seed: 5") == true)
    }
    let weights = Meeting.run(2) { ranks in
      let trainer = try Trainer(
        Self.configuration(), data: Self.data, engine: Engine(threads: 1), folder: nil,
        network: Self.network(norm: false), ranks: ranks)
      if ranks.rank == 1 { trainer.model.parameters[0].values[0] += 1 }
      return try trainer.run()
    }
    for result in weights {
      let error = #expect(throws: RankDifference.self) { try result.get() }
      #expect(error?.description.contains("rank 1 on thread 1 has conv1.weight: ") == true)
    }
    let tooMany = Meeting.run(2) { try Self.train($0, change: { $0.batch = 1 }) }
    for result in tooMany { #expect(throws: (any Error).self) { try result.get() } }
  }

  @Test("The shares of a batch are its images, each as it is in the whole one", arguments: 1...7)
  func shares(count: Int) throws {
    func recipe(_ share: BatchShare) -> BatchRecipe {
      BatchRecipe(
        set: Self.data.test, mean: [0.5, 0.5, 0.5], deviation: [0.2, 0.2, 0.2], batch: 16,
        augmentation: Self.data.augmentation, seed: 3, shuffle: true, dropLast: false, share: share)
    }
    let order = recipe(.whole).order(epoch: 2)
    // 50 images: the last batch has two, so that some shares are empty.
    for index in 0..<4 {
      var whole = Batch()
      try recipe(.whole).fill(&whole, epoch: 2, index: index, order: order)
      var (images, labels): ([Float], [Int32]) = ([], [])
      for rank in 0..<count {
        var part = Batch()
        try recipe(BatchShare(index: rank, count: count)).fill(
          &part, epoch: 2, index: index, order: order)
        #expect(part.first == index * 16 + labels.count)
        images += part.images.array().prefix(part.count * Self.data.test.imageSize)
        labels += part.labels.prefix(part.count)
      }
      #expect(labels == Array(whole.labels.prefix(whole.count)))
      #expect(images == Array(whole.images.array().prefix(images.count)))
      #expect(labels.count == whole.count)
    }
  }
}
