// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// How a run classified the test images after its last epoch, with the images of which it was most wrong,
/// as `evaluation.json` has it.
public struct RunEvaluation: Codable, Sendable {
  /// A small copy of an image.
  public struct Thumbnail: Codable, Sendable {
    /// Rows and columns in pixels, at most 64.
    public let height, width: Int
    /// Red, green and blue of each pixel, row by row; `[row][column][3]`.
    public let pixels: Data

    /// The largest side of a copy in pixels.
    static let largestSide = 64

    /// A copy of `[channel][row][column]`, its pixels means of squares.
    init(_ bytes: [UInt8], channels: Int, height: Int, width: Int) {
      let factor = (max(height, width) + Self.largestSide - 1) / Self.largestSide
      self.height = max(1, height / factor)
      self.width = max(1, width / factor)
      var pixels = Data(capacity: 3 * self.height * self.width)
      for row in 0..<self.height {
        for column in 0..<self.width {
          for channel in 0..<3 {
            // Grey, or the first three channels.
            let plane = (channels < 3 ? 0 : channel) * height * width
            var sum = 0
            for y in row * factor..<(row + 1) * factor where y < height {
              for x in column * factor..<(column + 1) * factor where x < width {
                sum += Int(bytes[plane + y * width + x])
              }
            }
            pixels.append(UInt8(sum / (factor * factor)))
          }
        }
      }
      self.pixels = pixels
    }
  }

  /// Counts and mistakes.
  public let classification: Classification
  /// A copy of the image of each mistake.
  public let thumbnails: [Thumbnail]

  /// An evaluation on the images of `set`.
  ///
  /// - Throws: a `DatasetError` where the images cannot be read.
  init(_ classification: Classification, images set: ImageSet) throws(DatasetError) {
    self.classification = classification
    var bytes: [UInt8] = []
    var thumbnails: [Thumbnail] = []
    for mistake in classification.mistakes {
      try set.read(mistake.image, into: &bytes)
      thumbnails.append(
        Thumbnail(bytes, channels: set.channels, height: set.height, width: set.width))
    }
    self.thumbnails = thumbnails
  }
}

extension RunFolder {
  /// How the run classified the test images.
  public var evaluation: URL { url.appendingPathComponent("evaluation.json") }

  /// Writes `evaluation.json`.
  ///
  /// - Throws: `FileError`.
  func write(_ evaluation: RunEvaluation) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try writeAtomically(encoder.encode(evaluation), to: self.evaluation)
  }

  /// Reads `evaluation.json`; nil for a run that has not ended, or that is of an older version.
  ///
  /// - Throws: `FileError` naming what is wrong with it.
  public func readEvaluation() throws(FileError) -> RunEvaluation? {
    guard let data = try readFileIfThere(evaluation) else { return nil }
    func failure(_ reason: String) -> FileError {
      FileError(evaluation.path, "read the run's evaluation", reason: reason)
    }
    let found: RunEvaluation
    do {
      found = try JSONDecoder().decode(RunEvaluation.self, from: data)
    } catch {
      throw failure(plainReason(error))
    }
    let counts = found.classification.confusion
    let classes = found.classification.classNames.count
    guard classes > 0, counts.count == classes, counts.allSatisfy({ $0.count == classes }),
      counts.joined().allSatisfy({ (0...1 << 40).contains($0) })
    else {
      throw failure("confusion is not a table of counts, \(classes) classes on each side")
    }
    guard found.thumbnails.count == found.classification.mistakes.count,
      found.classification.mistakes.allSatisfy({
        (0..<classes).contains($0.label) && (0..<classes).contains($0.predicted)
          && (0...1).contains($0.labelProbability) && (0...1).contains($0.predictedProbability)
      }),
      found.thumbnails.allSatisfy({
        (1...Thumbnail.side).contains($0.height) && (1...Thumbnail.side).contains($0.width)
          && $0.pixels.count == 3 * $0.height * $0.width
      })
    else { throw failure("the mistakes have classes, probabilities or images that cannot be") }
    return found
  }

  private typealias Thumbnail = RunEvaluation.Thumbnail
}

extension RunEvaluation.Thumbnail {
  fileprivate static var side: Int { 2 * largestSide }
}
