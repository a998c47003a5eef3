// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor
import Testing

@testable import Training

@Suite struct NetworkDescriptionTests {
  @Test("a file that is no network is refused by field, and takes no memory")
  func hostile() throws {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let good = String(
      decoding: try JSONEncoder().encode(network.description(batch: 8)), as: UTF8.self)
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("net-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    let run = RunFolder(url)
    func read(_ text: String) throws -> NetworkDescription {
      try Data(text.utf8).write(to: run.network)
      return try run.readNetwork()
    }
    #expect(try read(good) == network.description(batch: 8))
    let changes = [
      ("\"batch\":8", "\"batch\":0"), ("\"batch\":8", "\"batch\":9223372036854775807"),
      ("\"filters\":6", "\"filters\":9223372036854775807"), ("\"filters\":6", "\"filters\":-6"),
      ("\"filters\":6", "\"filters\":16777216"), ("\"channels\":3", "\"channels\":0"),
      ("\"height\":32", "\"height\":4611686018427387904"), ("\"columns\":5", "\"columns\":500"),
      ("conv2", "conv1"),
    ]
    for (old, new) in changes {
      #expect(good.contains(old), "\(old)")
      #expect(throws: (any Error).self, "\(new)") {
        try read(good.replacingOccurrences(of: old, with: new))
      }
    }
    for length in stride(from: 0, to: good.count - 1, by: 97) {
      #expect(throws: (any Error).self) { try read(String(good.prefix(length))) }
    }
  }

  @Test("every network is described whole, and the description survives JSON")
  func describes() throws {
    for name in ModelName.allCases {
      let side = name == .lenet5 ? 32 : 64
      let network = try name.network(
        input: MapShape(channels: 3, height: side, width: side), classes: 10)
      let description = network.description(batch: 8)
      #expect(
        description.convolutions.reduce(0) { $0 + $1.geometry.denseMACs } == network.denseMACs)
      #expect(description.convolutions.map(\.name) == network.convolutions.map(\.name))
      // Only what reads the images needs no gradient.
      #expect(description.convolutions.count { !$0.needsInputGradient } == 1, "\(name)")
      #expect(description.convolutions.first?.needsInputGradient == false)
      let data = try JSONEncoder().encode(description)
      #expect(try JSONDecoder().decode(NetworkDescription.self, from: data) == description)
    }
  }
}
