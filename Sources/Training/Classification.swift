// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// What a network makes of labelled images: loss, accuracy, which classes it takes for which, and the
/// images of which it was most wrong.
public struct Classification: Codable, Sendable {
  /// An image of another class than the network said.
  public struct Mistake: Codable, Sendable {
    /// The place of the image among those that were tested.
    public let image: Int
    /// Its class, and the one that the network said.
    public let label, predicted: Int
    /// What the network gave both, 0...1.
    public let labelProbability, predictedProbability: Double
  }

  /// The most mistakes that are kept.
  public static let mostMistakes = 24

  /// The names of the classes.
  public let classNames: [String]
  /// Images by class, and by what the network said: `[label][predicted]`.
  public private(set) var confusion: [[Int]]
  /// The largest of the mistakes, the most certain ones first.
  public private(set) var mistakes: [Mistake] = []
  private var lossSum = 0.0

  init(classNames: [String]) {
    self.classNames = classNames
    confusion = [[Int]](
      repeating: [Int](repeating: 0, count: classNames.count), count: classNames.count)
  }

  /// Images.
  public var images: Int { confusion.joined().reduce(0, +) }
  /// Images of which the network said the class.
  public var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }
  /// Correct images as a fraction of all; 0 for none.
  public var accuracy: Double { images == 0 ? 0 : Double(correct) / Double(images) }
  /// Mean loss.
  public var loss: Double { images == 0 ? 0 : lossSum / Double(images) }

  /// Images of a class.
  public func images(of label: Int) -> Int { confusion[label].reduce(0, +) }

  /// The accuracy on the images of a class; nil where there are none.
  public func accuracy(of label: Int) -> Double? {
    let images = images(of: label)
    return images == 0 ? nil : Double(confusion[label][label]) / Double(images)
  }

  /// The class that the images of a class are most often taken for by mistake; nil where there is none.
  public func likeliestMistake(of label: Int) -> (predicted: Int, images: Int)? {
    confusion[label].enumerated().filter { $0.offset != label && $0.element > 0 }
      .max { ($0.element, $1.offset) < ($1.element, $0.offset) }
      .map { ($0.offset, $0.element) }
  }

  /// Adds a batch whose logits are `[image][class]`.
  ///
  /// - Parameter first: the place of the first image among those that are tested.
  mutating func add(logits: [Float], labels: [Int32], images: Int, loss: Double, first: Int) {
    lossSum += loss * Double(images)
    for image in 0..<images {
      let label = Int(labels[image])
      let row = logits[image * classNames.count..<(image + 1) * classNames.count]
      // A tie with the label counts for it, as in training.
      let probabilities = softmax(row)
      let largest = probabilities.max() ?? 0
      let predicted =
        probabilities[label] == largest ? label : probabilities.firstIndex(of: largest) ?? label
      confusion[label][predicted] += 1
      if predicted != label {
        mistakes.append(
          Mistake(
            image: first + image, label: label, predicted: predicted,
            labelProbability: probabilities[label], predictedProbability: largest))
      }
    }
    keepLargestMistakes()
  }

  /// Adds the classification of other images.
  mutating func add(_ other: Classification) {
    lossSum += other.lossSum
    for (label, row) in other.confusion.enumerated() {
      for (predicted, images) in row.enumerated() { confusion[label][predicted] += images }
    }
    mistakes += other.mistakes
    keepLargestMistakes()
  }

  private mutating func keepLargestMistakes() {
    mistakes.sort {
      ($0.labelProbability, $0.image) < ($1.labelProbability, $1.image)
    }
    mistakes.removeLast(max(0, mistakes.count - Self.mostMistakes))
  }
}

/// The probabilities of logits.
func softmax(_ logits: some Collection<Float>) -> [Double] {
  let largest = Double(logits.max() ?? 0)
  let powers = logits.map { exp(Double($0) - largest) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

/// What a model makes of the images that a loader gives, in its order.
func evaluateModel(_ model: Model, with loader: BatchLoader, classNames: [String])
  throws(DatasetError) -> Classification
{
  var batch = Batch()
  var found = Classification(classNames: classNames)
  loader.start(epoch: 0)
  while try loader.next(into: &batch) {
    // The share of a small batch may be empty.
    if batch.count == 0 { continue }
    model.stage(batch.images)
    model.forward(images: batch.count, training: false)
    let result = model.evaluate(SoftmaxCrossEntropy(), labels: batch.labels, images: batch.count)
    found.add(
      logits: model.logits(images: batch.count), labels: batch.labels, images: batch.count,
      loss: result.loss, first: batch.first)
  }
  return found
}
