import Foundation
import Sparsity
import Tensor
import Testing

@testable import Training

@Suite struct NetworkDescriptionTests {
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
