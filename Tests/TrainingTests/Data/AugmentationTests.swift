// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite struct AugmentationTests {
  @Test func placesEverywhereAndMirrorsHalf() {
    var random = SeededRandom(seed: 5)
    let places = (0..<4000).map { _ in Augmentation.cropAndFlip.placement(&random) }
    #expect(Set(places).count == 9 * 9 * 2)
    #expect(Set(places.map(\.rows)) == Set(-4...4))
    #expect((1800...2200).contains(places.count { $0.mirrored }))
    #expect((0..<100).allSatisfy { _ in !Augmentation.crop.placement(&random).mirrored })
    #expect(Augmentation.none.placement(&random) == Augmentation.Placement())
  }

  /// Every augmented image is the window that its own placement describes, black outside.
  @Test(arguments: [Augmentation.none, .crop, .cropAndFlip, Augmentation(padding: 9, flips: true)])
  func cutsAMirroredWindowOfThePaddedImage(augmentation: Augmentation) throws {
    let set = BatchLoaderTests.set(count: 40, channels: 2, height: 5, width: 7)
    let (mean, deviation): ([Float], [Float]) = ([0.25, 0.5], [0.5, 0.2])
    let recipe = BatchRecipe(
      set: set, mean: mean, deviation: deviation, batch: 40, augmentation: augmentation, seed: 3,
      shuffle: true, dropLast: true)
    let order = recipe.order(epoch: 2)
    var batch = Batch()
    try recipe.fill(&batch, epoch: 2, index: 0, order: order)
    let pixels = try set.pixels
    var (mirrored, askew) = (0, 0)
    for (slot, image) in order.enumerated() {
      let found = (slot * set.imageSize..<(slot + 1) * set.imageSize).map { batch.images[$0] }
      let matching = Self.placements(augmentation).filter { placement in
        Self.window(set, pixels, image, placement, mean, deviation) == found
      }
      #expect(!matching.isEmpty, "image \(image)")
      // Windows with little of the image may have several placements.
      mirrored += matching.allSatisfy(\.mirrored) ? 1 : 0
      askew += matching.allSatisfy { abs($0.rows) != abs($0.columns) } ? 1 : 0
      #expect(batch.labels[slot] == Int32(set.labels[image]))
    }
    #expect(augmentation.flips == (mirrored > 0), "\(mirrored) of 40")
    #expect((augmentation.padding > 0) == (askew > 0), "\(askew) of 40")
  }

  @Test("Batches, epochs and seeds place the same image differently")
  func placesEachBatchByItself() throws {
    let pixels = (0..<6 * 6).map { UInt8($0 * 7) }
    let set = ImageSet(
      channels: 1, height: 6, width: 6, classNames: ["one"],
      pixels: [[UInt8]](repeating: pixels, count: 24).flatMap { $0 },
      labels: [UInt16](repeating: 0, count: 24))
    func images(seed: UInt64, epoch: Int, index: Int) throws -> [Float] {
      let recipe = BatchRecipe(
        set: set, mean: [0], deviation: [1], batch: 12, augmentation: .cropAndFlip, seed: seed,
        shuffle: false, dropLast: true)
      var batch = Batch()
      try recipe.fill(&batch, epoch: epoch, index: index, order: recipe.order(epoch: epoch))
      return batch.images.array()
    }
    let first = try images(seed: 1, epoch: 0, index: 0)
    #expect(try images(seed: 1, epoch: 0, index: 0) == first)
    for other in [(1, 0, 1), (1, 1, 0), (2, 0, 0)] as [(UInt64, Int, Int)] {
      #expect(try images(seed: other.0, epoch: other.1, index: other.2) != first, "\(other)")
    }
  }

  private static func placements(_ augmentation: Augmentation) -> [Augmentation.Placement] {
    let shifts = Array(-augmentation.padding...augmentation.padding)
    return shifts.flatMap { rows in
      shifts.flatMap { columns in
        (augmentation.flips ? [false, true] : [false]).map {
          Augmentation.Placement(rows: rows, columns: columns, mirrored: $0)
        }
      }
    }
  }

  /// The plain way: look each pixel of the window up in the image, or take black.
  private static func window(
    _ set: ImageSet, _ pixels: [UInt8], _ image: Int, _ placement: Augmentation.Placement,
    _ mean: [Float], _ deviation: [Float]
  ) -> [Float] {
    var values: [Float] = []
    for channel in 0..<set.channels {
      for row in 0..<set.height {
        for column in 0..<set.width {
          let y = row + placement.rows
          let x = (placement.mirrored ? set.width - 1 - column : column) + placement.columns
          let inside = (0..<set.height).contains(y) && (0..<set.width).contains(x)
          let byte =
            inside
            ? pixels[((image * set.channels + channel) * set.height + y) * set.width + x] : 0
          values.append((Float(byte) / 255 - mean[channel]) / deviation[channel])
        }
      }
    }
    return values
  }
}
