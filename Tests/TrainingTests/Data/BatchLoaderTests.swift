// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Training

@Suite struct BatchLoaderTests {
  /// Images of random pixels; the label of image i is i, so that a label identifies its image.
  static func set(count: Int, channels: Int = 1, height: Int = 4, width: Int = 4) -> ImageSet {
    var random = SeededRandom(seed: 77)
    return ImageSet(
      channels: channels, height: height, width: width, classNames: (0..<count).map(String.init),
      pixels: (0..<count * channels * height * width).map { _ in UInt8(random.below(256)) },
      labels: (0..<count).map { UInt16($0) })
  }

  static func loader(
    _ count: Int = 50, batch: Int = 8, seed: UInt64 = 1, shuffle: Bool = true,
    dropLast: Bool = true, depth: Int = 4
  ) -> BatchLoader {
    BatchLoader(
      set: set(count: count), mean: [0.5], deviation: [0.25], batch: batch,
      augmentation: .cropAndFlip, seed: seed, shuffle: shuffle, dropLast: dropLast, depth: depth)
  }

  struct Content: Hashable {
    let images: [Float]
    let labels: [Int32]
    let count: Int
  }

  static func rest(_ loader: BatchLoader) throws -> [Content] {
    var batch = Batch()
    var contents: [Content] = []
    while try loader.next(into: &batch) {
      contents.append(
        Content(images: batch.images.array(), labels: batch.labels, count: batch.count))
    }
    return contents
  }

  static func epoch(_ loader: BatchLoader, _ epoch: Int, from batch: Int = 0) throws -> [Content] {
    loader.start(epoch: epoch, fromBatch: batch)
    return try rest(loader)
  }

  @Test func eachEpochIsAnotherPermutation() throws {
    let loader = Self.loader(dropLast: false)
    let epochs = try (0..<3).map { epoch in
      try Self.epoch(loader, epoch).flatMap { $0.labels.prefix($0.count) }
    }
    for labels in epochs { #expect(labels.sorted() == Array(0..<50)) }
    #expect(Set(epochs).count == 3)
    #expect(epochs[0] != epochs[0].sorted())
  }

  @Test func everyBatchHasTheClassFrequenciesOfTheSet() {
    let sizes = [100, 50, 10]
    let labels = sizes.indices.flatMap { [UInt16](repeating: UInt16($0), count: sizes[$0]) }
    let recipe = BatchRecipe(
      set: ImageSet(
        channels: 1, height: 1, width: 1, classNames: ["a", "b", "c"],
        pixels: [UInt8](repeating: 0, count: 160), labels: labels),
      mean: [0.5], deviation: [0.25], batch: 32, augmentation: .none, seed: 5, shuffle: true,
      dropLast: true)
    for epoch in 0..<20 {
      let order = recipe.order(epoch: epoch)
      #expect(order.sorted() == Array(0..<160))
      for first in stride(from: 0, to: 160, by: 32) {
        var counts = [0, 0, 0]
        for image in order[first..<first + 32] { counts[Int(labels[image])] += 1 }
        // The images of a class lie one in each of as many equal parts of the epoch.
        for (count, size) in zip(counts, sizes) {
          #expect(abs(Double(count) - 0.2 * Double(size)) <= 3, "epoch \(epoch), from \(first)")
        }
      }
    }
  }

  @Test func keepsTheOrderWithoutShuffling() throws {
    let loader = Self.loader(shuffle: false, dropLast: false)
    let labels = try Self.epoch(loader, 4).flatMap { $0.labels.prefix($0.count) }
    #expect(labels == Array(0..<50))
  }

  @Test func lastBatchIsDroppedOrPartial() throws {
    let full = try Self.epoch(Self.loader(dropLast: true), 0)
    #expect(full.count == 6 && full.allSatisfy { $0.count == 8 })
    let all = try Self.epoch(Self.loader(dropLast: false), 0)
    #expect(all.map(\.count) == [8, 8, 8, 8, 8, 8, 2])
    #expect(all[6].images.count == 8 * 16 && all[6].images.dropFirst(2 * 16).allSatisfy { $0 == 0 })
    #expect(all[6].labels.dropFirst(2).allSatisfy { $0 == 0 })
  }

  @Test func batchesDependOnSeedEpochAndNumberOnly() throws {
    let loader = Self.loader()
    let first = try Self.epoch(loader, 3)
    #expect(try Self.epoch(loader, 3) == first)
    #expect(try Self.epoch(Self.loader(depth: 1), 3) == first)
    #expect(try Self.epoch(Self.loader(seed: 2), 3) != first)
    for batch in 0...first.count {
      #expect(try Self.epoch(loader, 3, from: batch) == Array(first.dropFirst(batch)))
    }
    #expect(try Set((0..<6).map { try Self.epoch(loader, $0)[0] }).count == 6)
  }

  @Test func slowConsumersSeeTheSameBatches() throws {
    let loader = Self.loader()
    let first = try Self.epoch(loader, 1)
    loader.start(epoch: 1)
    Thread.sleep(forTimeInterval: 0.02)
    #expect(try Self.rest(loader) == first)
  }

  @Test func usesTheSameBuffersAgain() throws {
    let loader = Self.loader(400, batch: 8)
    var batch = Batch()
    var addresses: Set<UInt> = []
    for epoch in 0..<3 {
      loader.start(epoch: epoch)
      while try loader.next(into: &batch) {
        addresses.insert(UInt(bitPattern: batch.images.address))
      }
    }
    #expect(addresses.count <= 5)
  }

  @Test func givesNothingBeforeStartAndAfterStop() throws {
    let loader = Self.loader()
    var batch = Batch()
    #expect(try !loader.next(into: &batch) && batch.count == 0)
    loader.start(epoch: 0)
    #expect(try loader.next(into: &batch) && batch.count == 8)
    let labels = batch.labels
    loader.stop()
    loader.stop()
    #expect(try !loader.next(into: &batch) && batch.labels == labels)
    #expect(try Self.epoch(loader, 0).count == 6)
    #expect(try !loader.next(into: &batch))
  }

  @Test func stopsAtAnyMoment() throws {
    for round in 0..<200 {
      let loader = Self.loader(depth: 1 + round % 4)
      var batch = Batch()
      loader.start(epoch: round)
      for _ in 0..<round % 7 { _ = try loader.next(into: &batch) }
      if round % 3 == 0 { loader.start(epoch: round + 1) }
    }
  }

  /// A file of images that is damaged after it was opened: what comes before can be used.
  @Test func aDamagedImageEndsTheEpochWithAnError() throws {
    let folder = try DataFolder()
    let path = folder.path + "/images"
    let writer = try ImageFileWriter(path: path, fingerprint: "f", channels: 1, plane: 16)
    for image in 0..<50 {
      try writer.append([UInt8](repeating: UInt8(image), count: 16), label: 0)
    }
    let set = ImageSet(try writer.finish(), channels: 1, height: 4, width: 4, classNames: ["a"])
    let loader = BatchLoader(
      set: set, mean: [0], deviation: [1], batch: 8, augmentation: .none, seed: 1, shuffle: false,
      dropLast: true)
    #expect(try Self.epoch(loader, 0).count == 6)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seek(toOffset: 20 * 16)
    try handle.write(contentsOf: Data([7]))
    var batch = Batch()
    loader.start(epoch: 1)
    for number in 0..<2 {
      #expect(try loader.next(into: &batch))
      #expect(batch.images[127] == Float(8 * number + 7) / 255)
    }
    expectFault(.wrongChecksum, in: path, saying: ["image 20", "made again"]) {
      _ = try loader.next(into: &batch)
    }
    loader.start(epoch: 2, fromBatch: 3)
    #expect(try Self.rest(loader).count == 3)
  }

  /// The producing call returns, and the queue goes away with the loader.
  @Test func endsItsThread() throws {
    let queue = BatchQueue(batches: [Batch(), Batch()])
    let ended = DispatchSemaphore(value: 0)
    let thread = Thread {
      queue.produce(0..<1000) { _, _ in }
      ended.signal()
    }
    thread.start()
    #expect(queue.stop().count <= 2)
    #expect(ended.wait(timeout: .now() + 10) == .success)
  }

  @Test func tellsHowLongItWaited() throws {
    let queue = BatchQueue(batches: [Batch()])
    Thread {
      queue.produce(0..<1) { _, _ in Thread.sleep(forTimeInterval: 0.05) }
    }.start()
    var batch = Batch()
    let (found, waitedSeconds) = try queue.next(into: &batch)
    #expect(found && (0.02..<5).contains(waitedSeconds))
    #expect(try !queue.next(into: &batch).found)
    let loader = Self.loader()
    _ = try Self.epoch(loader, 0)
    #expect(loader.waitingSeconds >= 0 && loader.stalls <= 6)
  }
}
