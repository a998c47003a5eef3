// SPDX-License-Identifier: Apache-2.0

import Foundation
import Masks
import Tensor
import Testing

@testable import Exchange

/// Published models in `SWPU_ONNX_MODELS`, a folder that `FixtureScripts/published_models.py` makes
/// with PyTorch: the layers found are compared with those of onnx's own shape inference.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SWPU_ONNX_MODELS"] != nil))
struct PublishedModelsTests {
  /// The figures of the onnx package for a file.
  private struct Expected: Decodable {
    /// Multiply-accumulates inside the map of each layer with weights.
    let layers: [Int]
    /// Those of products without weights, padding included.
    let products: [Int]
  }

  private func insideProducts(_ layer: NetworkDescription.Convolution) -> Int {
    let geometry = layer.geometry
    func inside(_ window: WindowAxis, _ outputs: Int, _ size: Int) -> Int {
      (0..<window.kernel).reduce(0) { sum, tap in
        sum
          + (0..<outputs).count {
            (0..<size).contains($0 * window.stride + window.offset(tap))
          }
      }
    }
    return geometry.filters * geometry.channelsPerGroup
      * inside(geometry.vertical, geometry.output.height, geometry.input.height)
      * inside(geometry.horizontal, geometry.output.width, geometry.input.width)
  }

  @Test("no layer of a published model is lost, and each has the MACs that onnx counts")
  func models() throws {
    let folder = URL(
      fileURLWithPath: ProcessInfo.processInfo.environment["SWPU_ONNX_MODELS"] ?? "")
    let expected = try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
    try #require(!expected.isEmpty)
    for (name, expected) in expected.sorted(by: { $0.key < $1.key }) {
      let found = try ONNXNetwork(path: folder.appendingPathComponent(name).path)
      let layers = found.network.convolutions.map(insideProducts)
      #expect(layers.sorted() == expected.layers.sorted(), "\(name)")
      let left = found.leftOut.compactMap(\.multiplyAccumulates).filter { $0 > 0 }
      #expect(left.sorted() == expected.products.sorted(), "\(name): \(found.leftOut)")
      let share = found.leftOutShare.map { String(format: "%.2f %%", 100 * $0) } ?? "unknown"
      print(
        "\(name): \(layers.count) of \(expected.layers.count) layers, "
          + "\(layers.reduce(0, +)) MACs, \(left.count) products without weights: \(share)")
    }
  }
}
