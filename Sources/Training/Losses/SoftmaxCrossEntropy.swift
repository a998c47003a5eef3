// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// `L = -Σ_j q_j · log softmax(z)_j`, the mean over the batch, with `q` the one-hot label smoothed by
/// `ε`: `q_j = (1 - ε)·[j = label] + ε / classes` (Szegedy et al. 2016).
public struct SoftmaxCrossEntropy: Sendable, Hashable {
  /// Fraction of the label that is spread over all classes, in 0..<1.
  public let smoothing: Float

  /// A loss with label smoothing.
  public init(smoothing: Float = 0) {
    precondition((0..<1).contains(smoothing), "label smoothing is in 0..<1")
    self.smoothing = smoothing
  }

  /// What a batch gives.
  public struct Result: Sendable {
    /// Mean loss of the images.
    public let loss: Double
    /// Images whose largest logit is the label's.
    public let correct: Int
  }

  /// Evaluates logits `[blocks][classes][lanes]` against the labels of their images.
  ///
  /// - Parameters:
  ///   - gradient: receives dL/dz in the layout of the logits; padding lanes get zero, which keeps
  ///     them out of every weight's gradient.
  ///   - lanes: images a block; 1 for plain `[image][class]` logits.
  public func evaluate(
    _ logits: Tensor, labels: [Int32], images: Int, classes: Int, lanes: Int, gradient: Tensor?
  ) -> Result {
    precondition(labels.count >= images, "a label for each image")
    gradient?.fill(0)
    var loss = 0.0
    var correct = 0
    let spread = Double(smoothing) / Double(classes)
    for image in 0..<images {
      let label = Int(labels[image])
      precondition((0..<classes).contains(label), "label \(label) of \(classes) classes")
      let start = image / lanes * classes * lanes + image % lanes
      var largest = -Float.infinity
      for place in 0..<classes {
        let logit = logits[start + place * lanes]
        // Written so that a NaN logit wins and shows in the loss.
        if !(logit <= largest) { largest = logit }
      }
      if logits[start + label * lanes] == largest { correct += 1 }
      var sum = 0.0
      for place in 0..<classes { sum += exp(Double(logits[start + place * lanes] - largest)) }
      let logSum = log(sum)
      for place in 0..<classes {
        let logProbability = Double(logits[start + place * lanes] - largest) - logSum
        let target = (place == label ? 1 - Double(smoothing) : 0) + spread
        if target > 0 { loss -= target * logProbability }
        if let gradient {
          gradient[start + place * lanes] = Float((exp(logProbability) - target) / Double(images))
        }
      }
    }
    return Result(loss: loss / Double(images), correct: correct)
  }
}
