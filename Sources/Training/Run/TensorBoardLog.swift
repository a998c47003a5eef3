// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Masks

/// Writes what a training records for TensorBoard, beside `metrics.jsonl` and the snapshots.
///
/// Scalars: `train/…` every 50 steps and each epoch, `test/…` each epoch, `sparsity/all` when masks
/// change. Each snapshot gives of every pruned layer a histogram of the sparsity of its filters,
/// `filters/LAYER`; the first one of each epoch also a picture of its mask, `mask/LAYER`.
struct TensorBoardLog {
  private let file: EventFile
  private var picturedEpoch = -1

  /// - Throws: `InputError` where the file cannot be made.
  init(_ folder: RunFolder, step: Int) throws(InputError) {
    file = try EventFile(folder: folder.url, step: step)
  }

  func append(_ record: StepMetrics, step: Int) throws(InputError) {
    try scalars(
      [
        ("train/loss", record.loss), ("train/accuracy", record.accuracy),
        ("train/learning-rate", Double(record.learningRate)),
      ], step: step)
  }

  func append(_ record: MaskReport, step: Int) throws(InputError) {
    try scalars([("sparsity/all", record.sparsity)], step: step)
  }

  func append(_ record: EpochReport, step: Int) throws(InputError) {
    try scalars(
      [
        ("epoch/train-loss", record.trainLoss), ("epoch/train-accuracy", record.trainAccuracy),
        ("test/loss", record.testLoss), ("test/accuracy", record.testAccuracy),
        ("epoch/seconds", record.seconds), ("sparsity/all", record.sparsity),
      ], step: step)
  }

  mutating func append(_ snapshot: MaskSnapshot) throws(InputError) {
    var values: [(String, EventFile.Value)] = []
    for layer in snapshot.layers where layer.granularity != .dense {
      values.append(("sparsity/" + layer.name, .scalar(layer.mask.sparsity)))
      values.append(
        ("filters/" + layer.name, .histogram(Histogram(shares: layer.mask.filterSparsities))))
      if snapshot.epoch != picturedEpoch {
        values.append(("mask/" + layer.name, .image(layer.mask.picture)))
      }
    }
    picturedEpoch = snapshot.epoch
    if !values.isEmpty { try file.append(values, step: snapshot.step) }
  }

  private func scalars(_ values: [(tag: String, value: Double)], step: Int) throws(InputError) {
    try file.append(values.map { ($0.tag, .scalar($0.value)) }, step: step)
  }
}

extension LayerMask {
  /// Share of each filter that is pruned.
  var filterSparsities: [Double] {
    let elements = elementBits
    let perFilter = shape.weightsPerFilter
    return (0..<shape.filters).map { filter in
      let kept = elements.popcount(in: filter * perFilter..<(filter + 1) * perFilter)
      return 1 - Double(kept) / Double(perFilter)
    }
  }

  /// A row for each filter and a column for each of its weights, kept ones white; at most 128x256
  /// pixels, each of which is then the mean of what falls on it.
  var picture: GrayImage {
    let perFilter = shape.weightsPerFilter
    func step(_ count: Int, most: Int) -> Int { (count + most - 1) / most }
    let (rows, columns) = (step(shape.filters, most: 128), step(perFilter, most: 256))
    let height = step(shape.filters, most: rows)
    let width = step(perFilter, most: columns)
    let elements = elementBits
    var pixels = [UInt8](repeating: 0, count: width * height)
    for row in 0..<height {
      let filters = row * rows..<min((row + 1) * rows, shape.filters)
      for column in 0..<width {
        let places = column * columns..<min((column + 1) * columns, perFilter)
        let kept = filters.reduce(0) { sum, filter in
          let start = filter * perFilter
          return sum
            + elements.popcount(in: start + places.lowerBound..<start + places.upperBound)
        }
        pixels[row * width + column] = UInt8(255 * kept / (filters.count * places.count))
      }
    }
    return GrayImage(width: width, height: height, pixels: pixels)
  }
}
