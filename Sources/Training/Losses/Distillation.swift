// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// Learning from a teacher's logits besides the labels (Hinton et al. 2015).
///
/// `L = (1 - w)·CE(z, labels) + w·T²·KL(softmax(t / T) ‖ softmax(z / T))` with the teacher's logits t, the
/// temperature T and the weight w. T² keeps the gradients of both parts on one scale.
public struct Distillation: Sendable, Hashable {
  /// Weight of the teacher's part, 0 to 1.
  public let weight: Float
  /// Divides both networks' logits.
  public let temperature: Float

  /// A distillation.
  public init(weight: Float, temperature: Float) {
    precondition((0...1).contains(weight) && temperature > 0, "a weight of 0 to 1, a temperature")
    self.weight = weight
    self.temperature = temperature
  }

  /// Adds the teacher's part to a loss and its gradient.
  ///
  /// - Parameters:
  ///   - result: of the labels alone.
  ///   - logits: of the student, `[image][class]`, as are the other two.
  ///   - teacher: of the teacher.
  ///   - gradient: that of the labels alone; receives that of both parts.
  /// - Returns: the loss of both parts, with the labels' count of correct images.
  func combine(
    _ result: SoftmaxCrossEntropy.Result, logits: Tensor, teacher: Tensor, images: Int,
    classes: Int, gradient: Tensor
  ) -> SoftmaxCrossEntropy.Result {
    let (weight, temperature) = (Double(weight), Double(temperature))
    var divergence = 0.0
    var student = [Double](repeating: 0, count: classes)
    var target = student
    for image in 0..<images {
      let start = image * classes
      func logProbabilities(_ source: Tensor, into result: inout [Double]) {
        var largest = -Double.infinity
        for place in 0..<classes {
          result[place] = Double(source[start + place]) / temperature
          // Written so that a NaN logit wins and shows in the loss.
          if !(result[place] <= largest) { largest = result[place] }
        }
        let sum = result.reduce(0) { $0 + exp($1 - largest) }
        for place in 0..<classes { result[place] -= largest + log(sum) }
      }
      logProbabilities(logits, into: &student)
      logProbabilities(teacher, into: &target)
      for place in 0..<classes {
        let (p, q) = (exp(target[place]), exp(student[place]))
        divergence += p * (target[place] - student[place])
        let index = start + place
        gradient[index] = Float(
          (1 - weight) * Double(gradient[index]) + weight * temperature * (q - p) / Double(images))
      }
    }
    return SoftmaxCrossEntropy.Result(
      loss: (1 - weight) * result.loss
        + weight * temperature * temperature * divergence / Double(images),
      correct: result.correct)
  }
}
