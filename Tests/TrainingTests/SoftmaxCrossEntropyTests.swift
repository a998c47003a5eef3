// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

@Suite struct SoftmaxCrossEntropyTests {
  @Test("loss and gradient are those of the definition", arguments: [0, 0.1, 0.5] as [Float])
  func definition(smoothing: Float) {
    let (images, classes) = (5, 7)
    var random = SeededRandom(seed: 3)
    let logits = randomValues(images * classes, &random).map { 4 * $0 }
    let labels: [Int32] = [0, 6, 3, 3, 1]
    let gradient = Tensor(count: logits.count)
    let found = SoftmaxCrossEntropy(smoothing: smoothing).evaluate(
      Tensor(logits), labels: labels, images: images, classes: classes, lanes: 1,
      gradient: gradient)
    var (loss, correct) = (0.0, 0)
    var expected: [Double] = []
    for image in 0..<images {
      let row = logits[image * classes..<(image + 1) * classes].map { Double($0) }
      let total = row.reduce(0) { $0 + exp($1) }
      for (index, logit) in row.enumerated() {
        let isLabel = index == Int(labels[image])
        let target = (isLabel ? 1 - Double(smoothing) : 0) + Double(smoothing) / Double(classes)
        loss -= target * log(exp(logit) / total) / Double(images)
        expected.append((exp(logit) / total - target) / Double(images))
      }
      if row.max() == row[Int(labels[image])] { correct += 1 }
    }
    #expect(abs(found.loss - loss) < 1e-6 && found.correct == correct)
    #expect(largestDifference(gradient.array(), expected) < 1e-6)
  }

  @Test("a NaN logit makes the loss NaN and the image wrong")
  func nan() {
    let logits: [Float] = [1, .nan, 0, 2, 1, 0]
    let found = SoftmaxCrossEntropy().evaluate(
      Tensor(logits), labels: [0, 0], images: 2, classes: 3, lanes: 1, gradient: nil)
    #expect(found.loss.isNaN && found.correct == 1)
  }
}
