// SPDX-License-Identifier: Apache-2.0
import Foundation
import HostileFiles
import Masks
import Tensor
import Testing

@testable import Exchange

/// Files of one feature each, with weights by NumPy and multiply-accumulates that ONNX Runtime counted;
/// `make_features.py` writes them.
@Suite("Features of ONNX, as NumPy and ONNX Runtime have them")
struct FeatureTests {
  private struct Layer: Decodable {
    let shape: [Int]
    /// None where the file does not tell them.
    let weights: [Float]?
    let macs: Int
    /// None where it reads what no layer makes.
    let reads: [String]?
  }

  private struct File: Decodable {
    let layers: [String: Layer]
    let leftOut: [String: Int]?
    let share: Double?
    let output: [Int]?
  }

  private func network(_ name: String) throws -> ONNXNetwork {
    try ONNXNetwork(ONNXGraph(corpus("features/" + name), file: name), file: name)
  }

  private func files() throws -> [String: File] {
    try JSONDecoder().decode([String: File].self, from: corpus("features/features.json"))
  }

  /// Multiply-accumulates inside the map.
  private func inside(_ layer: NetworkDescription.Convolution) -> Int {
    let geometry = layer.geometry
    func taps(_ window: WindowAxis, _ outputs: Int, _ size: Int) -> Int {
      (0..<window.kernel).reduce(0) { sum, tap in
        sum
          + (0..<outputs).count {
            (0..<size).contains($0 * window.stride + window.offset(tap))
          }
      }
    }
    return geometry.filters * geometry.channelsPerGroup
      * taps(geometry.vertical, geometry.output.height, geometry.input.height)
      * taps(geometry.horizontal, geometry.output.width, geometry.input.width)
  }

  @Test(
    "each layer has the weights, the multiply-accumulates and the inputs that it should have",
    arguments: [
      "functions", "zero-points", "sparse", "branches", "missing", "transposed", "turned",
      "attention",
    ])
  func layers(name: String) throws {
    let name = name + ".onnx"
    let expected = try #require(try files()[name])
    let found = try network(name)
    #expect(Set(found.network.convolutions.map(\.name)) == Set(expected.layers.keys))
    for layer in found.network.convolutions {
      let right = try #require(expected.layers[layer.name])
      let shape = layer.filterShape
      #expect([shape.filters, shape.channels, shape.rows, shape.columns] == right.shape)
      #expect(inside(layer) == right.macs, "\(layer.name)")
      #expect(layer.reads == right.reads, "\(layer.name)")
      #expect((found.unclearReads[layer.name] == nil) == (right.reads != nil))
      #expect((found.lackingWeights[layer.name] == nil) == (right.weights != nil))
      guard let weights = right.weights else { continue }
      #expect(try found.weights(of: layer.name) == weights, "\(layer.name)")
      let mask = try #require(try found.masks().layers.first { $0.name == layer.name }).mask
      #expect(mask.keptElements == weights.count { $0 != 0 })
    }
    let left = found.leftOut.filter { $0.multiplyAccumulates != 0 }
    #expect(
      Dictionary(uniqueKeysWithValues: left.map { ($0.name, $0.multiplyAccumulates) })
        == expected.leftOut ?? [:])
    #expect(abs(try #require(found.leftOutShare) - (expected.share ?? 0)) < 1e-12)
  }

  @Test("a transposed convolution writes the map that ONNX Runtime writes")
  func transposed() throws {
    let layer = try #require(try network("transposed.onnx").network.convolutions.last)
    let map = layer.geometry.input
    #expect(layer.isTransposed)
    #expect([1, map.channels, map.height, map.width] == (try files()["transposed.onnx"]?.output))
  }

  @Test("what is no whole output of a layer is said, and what only moves it is passed through")
  func reads() throws {
    // A convolution to 4@6x6, an operation, and a convolution behind it.
    func behind(
      _ operation: String, _ attributes: [String: ONNXGraph.Attribute] = [:], more: [String] = [],
      constant: [Int]? = nil, channels: Int = 4, output: Int = 0
    ) throws -> (reads: [String]?, why: String?) {
      var graph = ONNXGraph(name: "g")
      graph.inputs = [.init("x", size: .init(axes: [nil, 2, 8, 8]))]
      graph.constants = [
        ("w", .init([Float](repeating: 1, count: 72), shape: [4, 2, 3, 3])),
        ("v", .init([Float](repeating: 1, count: 3 * channels), shape: [3, channels, 1, 1])),
      ]
      if let constant { graph.constants.append(("k", .init(constant))) }
      let inputs = ["a"] + more + (constant == nil ? [] : ["k"])
      graph.nodes = [
        .init("Conv", name: "one", inputs: ["x", "w"], output: "a"),
        .init("Conv", name: "two", inputs: ["x", "w"], output: "b"),
        ONNXGraph.Node(
          operation, name: "between", domain: "", inputs: inputs, outputs: ["r", "s"],
          attributes: attributes),
        .init("Conv", name: "end", inputs: [["r", "s"][output], "v"], output: "y"),
      ]
      let found = try ONNXNetwork(graph, file: "net.onnx")
      let end = try #require(found.network.convolutions.first { $0.name == "end" }, "\(operation)")
      return (end.reads, found.unclearReads["end"])
    }
    for (operation, attributes, constant) in [
      ("Identity", [:], nil), ("Cast", ["to": .int(1)], nil),
      ("Transpose", ["perm": .ints([0, 1, 3, 2])], nil), ("Reshape", [:], [0, 4, 12, 3]),
      ("Pad", [:], [0, 0, 1, 1, 0, 0, 1, 1]), ("Expand", [:], [1, 4, 6, 6]),
    ] as [(String, [String: ONNXGraph.Attribute], [Int]?)] {
      let found = try behind(operation, attributes, constant: constant)
      #expect(found.reads == ["one"] && found.why == nil, "\(operation): \(found)")
    }
    #expect(try behind("Add", more: ["b"]).reads == ["between"])
    #expect(try behind("Concat", ["axis": .int(1)], more: ["b"], channels: 8).reads == nil)
    #expect(
      try behind("Concat", ["axis": .int(1)], more: ["b"], channels: 8).why
        == "'between' (Concat)")
    #expect(try behind("Split", ["axis": .int(1)], channels: 2).reads == nil)
    #expect(try behind("Split", ["axis": .int(1)], channels: 2, output: 1).reads == nil)
    let resized = try behind(
      "Resize", ["mode": .text("nearest")], more: ["", ""], constant: [1, 4, 12, 12])
    #expect(resized.reads == nil && resized.why == "'between' (Resize)")
  }
}
