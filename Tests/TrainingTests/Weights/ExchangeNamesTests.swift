// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Training

@Suite("Names for other programs")
struct ExchangeNamesTests {
  /// Names and shapes by torchvision, without its counters of batches.
  private func torchvision(_ network: String) throws -> [String: String] {
    let url = try #require(
      Bundle.module.url(
        forResource: "torchvision-names", withExtension: "txt", subdirectory: "Fixtures"))
    var shapes: [String: String] = [:]
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == network, !words[1].hasSuffix("num_batches_tracked") {
        shapes[words[1]] = words[2]
      }
    }
    return shapes
  }

  @Test(
    "torchvision's networks: every name and shape, no other",
    arguments: [
      (ModelName.resnet18, "resnet18"), (.resnet34, "resnet34"), (.resnet50, "resnet50"),
      (.mobilenetv2, "mobilenet_v2"), (.vgg16, "vgg16_bn"),
    ])
  func names(model: ModelName, theirs: String) throws {
    let network = try model.network(
      input: MapShape(channels: 3, height: 224, width: 224), classes: 1000)
    let expected = try torchvision(theirs)
    #expect(expected.count > 50)
    let found = network.exchangeShapes.map { ($0.name, $0.shape) }
    #expect(Set(found.map(\.0)).count == found.count)
    for (name, shape) in found {
      let text = shape.map(String.init).joined(separator: "x")
      #expect(expected[name] == text, "\(name)")
    }
    #expect(found.count == expected.count)
  }
}
