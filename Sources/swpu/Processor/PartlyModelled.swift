// SPDX-License-Identifier: Apache-2.0
import Studies

/// A result as a document, with the nodes of an ONNX file that are not simulated as one more key.
struct PartlyModelled<Result: Encodable>: Encodable {
  private let result: Result
  private let unmodelled: Unmodelled?

  private enum CodingKeys: CodingKey { case unmodelled }

  init(_ result: Result, _ unmodelled: Unmodelled?) {
    self.result = result
    self.unmodelled = unmodelled
  }

  func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encodeIfPresent(unmodelled, forKey: .unmodelled)
  }
}
