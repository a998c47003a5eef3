// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor
import Testing

@testable import Training

@Suite("A training for TensorBoard")
struct TensorBoardLogTests {
  private func train(_ folder: RunFolder, events: Bool, stopAfter steps: Int = .max) throws {
    let resumes = FileManager.default.fileExists(atPath: folder.configuration.path)
    let trainer = try Trainer(
      TrainerTests.configuration(), data: TrainerTests.data, engine: Engine(threads: 2),
      folder: folder, checkpoint: resumes ? folder.latestCheckpoint() : nil, tensorBoard: events)
    _ = try trainer.run(shouldStop: { trainer.progress.step >= steps })
  }

  private func events(_ folder: RunFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
      .filter { $0.contains("tfevents") }.sorted()
  }

  @Test("Events change nothing that is computed, and are written where they are asked for")
  func bits() throws {
    let temporary = try TemporaryFolder()
    let (plain, logged) = (temporary.run("plain"), temporary.run("logged"))
    try train(plain, events: false)
    try train(logged, events: true)
    #expect(
      try Data(contentsOf: #require(plain.checkpointFiles.last))
        == Data(contentsOf: #require(logged.checkpointFiles.last)))
    #expect(try events(plain).isEmpty && events(logged).count == 1)
  }

  @Test("Images of masks show filters as rows, kept weights white, large layers as means")
  func pictures() {
    let shape = FilterShape(filters: 4, channels: 2, rows: 1, columns: 3)
    let kept = Bits(count: 24) { $0 % 6 < 3 || $0 >= 18 }
    let mask = LayerMask(shape: shape, elements: kept)
    let picture = mask.picture
    #expect(picture.width == 6 && picture.height == 4)
    #expect(picture.pixels == (0..<24).map { kept[$0] ? 255 : 0 })
    #expect(mask.filterSparsities == [0.5, 0.5, 0.5, 0])

    let large = FilterShape(filters: 300, channels: 171, rows: 3, columns: 3)
    let half = LayerMask(shape: large, elements: Bits(count: large.count) { $0 % 2 == 0 })
    #expect(half.picture.width <= 256 && half.picture.height <= 128)
    let mean = half.picture.pixels.reduce(0) { $0 + Int($1) } / half.picture.pixels.count
    #expect((120...135).contains(mean), "\(mean)")
  }

  private struct Events: Decodable {
    let version: String
    let scalars, histograms: [String: [[Double]]]
    let images: [String: [[Double?]]]
  }

  @Test(
    "TensorBoard reads a training, also one that was stopped and went on",
    .needsPython("tensorboard"))
  func tensorBoard() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    try train(folder, events: true, stopAfter: 12)
    // As after a kill: without the last checkpoint the steps since the one before are done again.
    try FileManager.default.removeItem(at: #require(folder.checkpointFiles.last))
    try train(folder, events: true)
    #expect(try events(folder).count == 2)
    let data = try Python.run(script: "read_events.py", folder.url.path)
    let found = try JSONDecoder().decode(Events.self, from: data)
    print("tensorboard", found.version)

    let accuracy = try #require(found.scalars["test/accuracy"])
    #expect(accuracy.map { $0[0] } == [8, 16])
    struct Line: Decodable {
      let kind: String
      let step: Int
      let testAccuracy, sparsity: Double?
    }
    let metrics = try Data(contentsOf: folder.metrics).split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Line.self, from: Data($0))
    }
    let tested = metrics.compactMap(\.testAccuracy)
    for (found, expected) in zip(accuracy, tested) { #expect(abs(found[1] - expected) < 1e-6) }
    #expect(
      try #require(found.scalars["sparsity/all"]).map { Int($0[0]) }
        == metrics.filter { $0.sparsity != nil }.map(\.step))

    let snapshots = try folder.maskFiles.map { try MaskSnapshot(path: $0.path) }
    for layer in try #require(snapshots.last).layers where layer.granularity != .dense {
      let histograms = try #require(found.histograms["filters/" + layer.name])
      #expect(histograms.map { Int($0[0]) } == snapshots.map(\.step), "\(layer.name)")
      let last = try #require(histograms.last)
      #expect(last[1] == Double(layer.shape.filters))
      #expect(abs(last[2] - layer.mask.filterSparsities.reduce(0, +)) < 1e-9)
      let images = try #require(found.images["mask/" + layer.name])
      #expect(images.count >= 2 && images.count < snapshots.count)
      for image in images {
        let mask = try #require(
          snapshots.first { $0.step == Int(image[0] ?? -1) }?.layers
            .first { $0.name == layer.name }?.mask)
        #expect(image[1] == Double(mask.picture.width) && image[2] == Double(mask.picture.height))
        if let sum = image[3], mask.picture.pixels.count == mask.shape.count {
          #expect(Int(sum.rounded()) == mask.keptElements, "\(layer.name)")
        }
      }
    }
  }
}
