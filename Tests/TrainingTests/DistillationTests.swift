// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

@Suite("Distillation")
struct DistillationTests {
  private let images = 3
  private let classes = 5
  private let labels: [Int32] = [4, 0, 2]

  private func logits(_ seed: UInt64) -> Tensor {
    var random = SeededRandom(seed: seed)
    return Tensor(randomValues(images * classes, &random).map { 2 * $0 })
  }

  private func evaluate(_ distillation: Distillation, _ student: Tensor, _ teacher: Tensor)
    -> (loss: Double, gradient: [Float])
  {
    let gradient = Tensor(count: images * classes)
    let alone = SoftmaxCrossEntropy().evaluate(
      student, labels: labels, images: images, classes: classes, lanes: 1, gradient: gradient)
    let both = distillation.combine(
      alone, logits: student, teacher: teacher, images: images, classes: classes,
      gradient: gradient)
    return (both.loss, gradient.array())
  }

  @Test("The gradient is the loss's, by finite differences")
  func finiteDifferences() {
    let (student, teacher) = (logits(1), logits(2))
    let distillation = Distillation(weight: 0.7, temperature: 3)
    let gradient = evaluate(distillation, student, teacher).gradient
    for index in 0..<images * classes {
      let value = student[index]
      student[index] = value + 0.01
      let above = evaluate(distillation, student, teacher).loss
      student[index] = value - 0.01
      let below = evaluate(distillation, student, teacher).loss
      student[index] = value
      #expect(abs(Double(gradient[index]) - (above - below) / 0.02) < 1e-4, "\(index)")
    }
  }

  @Test("A teacher of the same logits leaves the labels' part; a weight of 1 leaves the teacher's")
  func extremes() {
    let student = logits(1)
    let none = evaluate(Distillation(weight: 0, temperature: 2), student, logits(2))
    let same = evaluate(Distillation(weight: 0.5, temperature: 2), student, student)
    #expect(abs(same.loss - 0.5 * none.loss) < 1e-9)
    #expect(largestDifference(same.gradient, none.gradient.map { 0.5 * $0 }) < 1e-6)
    let teacherOnly = evaluate(Distillation(weight: 1, temperature: 2), student, student)
    #expect(abs(teacherOnly.loss) < 1e-9 && teacherOnly.gradient.allSatisfy { abs($0) < 1e-7 })
  }

  @Test("A run learns from the teacher that its key names")
  func wiring() throws {
    let temporary = try TemporaryFolder()
    var configuration = TrainerTests.configuration()
    let engine = Engine(threads: 2)
    let teacher = temporary.run("teacher")
    _ = try Trainer(configuration, data: TrainerTests.data, engine: engine, folder: teacher).run()

    configuration.distillFrom = teacher.url.path
    configuration.distillWeight = 1
    configuration.pruning.granularity = .dense
    configuration.learningRate = 0.02
    configuration.augment = false
    configuration.epochs = 6
    var losses: [Double] = []
    _ = try Trainer(configuration, data: TrainerTests.data, engine: engine, folder: nil).run(
      report: { if case .epoch(let report) = $0 { losses.append(report.trainLoss) } })
    // Nothing but the teacher's logits is learned: the divergence, and so the loss, goes to zero.
    #expect(losses[5] < 0.5 * losses[0])

    let other = SyntheticImages.dataset(seed: 3, trainCount: 160, testCount: 40)
    configuration.distillFrom = "/nowhere"
    #expect(throws: (any Error).self) {
      try Trainer(configuration, data: other, engine: engine, folder: nil)
    }
  }
}
