// SPDX-License-Identifier: Apache-2.0
import Studies

/// A result as a document that says, in keys of its own, where the masks of its workload come from
/// (`masks`), and which nodes of an ONNX file are not simulated (`unmodelled`).
struct WorkloadDocument<Result: Encodable>: Encodable {
  private let result: Result
  private let loaded: WorkloadRequest.Loaded

  private enum CodingKeys: CodingKey { case masks, unmodelled }

  init(_ result: Result, _ loaded: WorkloadRequest.Loaded) {
    self.result = result
    self.loaded = loaded
  }

  func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(loaded.origin, forKey: .masks)
    try values.encodeIfPresent(loaded.unmodelled, forKey: .unmodelled)
  }
}
