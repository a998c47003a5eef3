// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor
import Testing

@testable import Training

@Suite("Classification of labelled images")
struct ClassificationTests {
  @Test("Counts are those of plain loops, batch by batch", arguments: [1, 2, 3] as [UInt64])
  func counts(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let (classes, images) = (5, 60)
    let logits = (0..<images * classes).map { _ in Float(random.below(9)) }
    let labels = (0..<images).map { _ in Int32(random.below(4)) }
    let none = Classification(classNames: (0..<classes).map { "c\($0)" })
    // Batches in turn to one of two parts, which are put together.
    var (found, rest) = (none, none)
    for start in stride(from: 0, to: images, by: 16) {
      let count = min(16, images - start)
      let batch = Array(logits[start * classes..<(start + count) * classes])
      let truth = Array(labels[start..<start + count])
      if start % 32 == 0 {
        found.add(logits: batch, labels: truth, images: count, loss: Double(start), first: start)
      } else {
        rest.add(logits: batch, labels: truth, images: count, loss: Double(start), first: start)
      }
    }
    found.add(rest)
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for image in 0..<images {
      let row = logits[image * classes..<(image + 1) * classes].map { $0 }
      let largest = row.max() ?? 0
      let label = Int(labels[image])
      confusion[label][row[label] == largest ? label : row.firstIndex(of: largest) ?? 0] += 1
    }
    #expect(found.confusion == confusion && found.images == images)
    let correct = (0..<classes).reduce(0) { $0 + confusion[$1][$1] }
    #expect(found.accuracy == Double(correct) / Double(images))
    #expect(abs(found.loss - (16 * (0 + 16 + 32) + 12 * 48) / 60) < 1e-12)
    #expect(found.accuracy(of: 4) == nil && found.images(of: 4) == 0)
    #expect(found.mistakes.count == min(Classification.mostMistakes, images - correct))
    #expect(
      found.mistakes.map(\.labelProbability) == found.mistakes.map(\.labelProbability).sorted())
    for mistake in found.mistakes { #expect(Int(labels[mistake.image]) == mistake.label) }
  }

  @Test("A task is read from what it wrote, and wrong entries are named")
  func metadata() throws {
    let task = ImageTask(
      classNames: ["a \"b\"", "é/ü", ""], image: MapShape(channels: 1, height: 28, width: 28),
      mean: [0.1307], standardDeviation: [0.3081])
    #expect(try ImageTask(metadata: task.metadata, file: "w") == task)
    for (key, value) in [
      ("classes", "a, b"), ("classes", "[\"a\"]"), ("mean", "[1, 2]"), ("mean", "[]"),
      ("std", "[0]"), ("std", "[\"x\"]"), ("image", "28x28"), ("image", "1x28x-2"),
      ("image", "1x28x28x"),
    ] {
      var metadata = task.metadata
      metadata[key] = value
      let error = #expect(throws: InputError.self) {
        try ImageTask(metadata: metadata, file: "w.safetensors")
      }
      #expect(error?.description.contains(key) == true, "\(key) \(value)")
    }
    #expect(throws: InputError.self) { try ImageTask(metadata: [:], file: "w") }
  }

  @Test("A thumbnail's pixels are means of squares")
  func thumbnail() {
    var bytes: [UInt8] = []
    for channel in 0..<3 {
      for _ in 0..<130 { bytes += (0..<130).map { column in UInt8(80 * channel + column % 3) } }
    }
    let small = RunEvaluation.Thumbnail(bytes, channels: 3, height: 130, width: 130)
    #expect(small.width == 43 && small.height == 43 && small.pixels.count == 3 * 43 * 43)
    #expect(Array(small.pixels.prefix(3)) == [1, 81, 161])
    let grey = RunEvaluation.Thumbnail([7, 9], channels: 1, height: 1, width: 2)
    #expect(Array(grey.pixels) == [7, 7, 7, 9, 9, 9])
  }
}
