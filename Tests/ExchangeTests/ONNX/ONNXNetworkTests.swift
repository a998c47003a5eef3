// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Masks
import Tensor
import Testing

@testable import Exchange

@Suite("Networks of ONNX files")
struct ONNXNetworkTests {
  private func network(_ graph: ONNXGraph) throws(InputError) -> ONNXNetwork {
    try ONNXNetwork(graph, file: "net.onnx")
  }

  /// One convolution of 4 filters of 3x3 on 2@8x8 with these attributes, and what `more` adds.
  private func graph(
    _ attributes: [String: ONNXGraph.Attribute] = [:], kernel: [Int] = [4, 2, 3, 3],
    input: [Int?] = [nil, 2, 8, 8], _ more: (inout ONNXGraph) -> Void = { _ in }
  ) -> ONNXGraph {
    var graph = ONNXGraph(name: "g")
    graph.inputs = [.init("x", size: .init(axes: input))]
    graph.constants = [
      ("w", .init([Float](repeating: 1, count: kernel.reduce(1, *)), shape: kernel))
    ]
    graph.nodes = [
      .init("Conv", name: "conv", inputs: ["x", "w"], output: "c", attributes: attributes)
    ]
    more(&graph)
    return graph
  }

  @Test("A file of torch.onnx.export: layers, zeros, and what is not simulated")
  func torch() throws {
    for (file, names) in [
      (
        "torch.onnx", ["/conv1/Conv", "/conv2/Conv", "/shortcut/Conv", "/odd/Conv", "/fc/Gemm"]
      ),
      (
        "dynamo.onnx",
        ["node_Conv_56", "node_Conv_59", "node_Conv_62", "node_conv2d_3", "node_linear"]
      ),
    ] {
      let found = try network(ONNXGraph(corpus(file), file: file))
      #expect(found.network.batch == 2)
      #expect(found.network.convolutions.map(\.name) == names)
      #expect(
        found.network.convolutions.map(\.filterShape.description)
          == ["8x3x3x3", "8x2x3x3", "8x8x1x1", "8x8x3x3", "5x8x1x1"])
      #expect(
        found.network.convolutions.map(\.geometry.output.description)
          == ["8@12x12", "8@6x6", "8@6x6", "8@6x6", "5@1x1"])
      let vertical = found.network.convolutions.map(\.geometry.vertical)
      #expect(vertical.map(\.stride) == [1, 2, 2, 1, 1])
      #expect(vertical.map(\.dilation) == [1, 1, 1, 2, 1])
      #expect(found.network.convolutions[1].geometry.groups == 4)
      #expect(
        found.network.convolutions.map(\.needsInputGradient) == [false, true, true, true, true])
      #expect(found.network.convolutions.map(\.prunable) == [false, false, true, true, false])
      #expect(found.leftOut.isEmpty, "\(found.leftOut)")
      #expect(found.leftOutShare == 0)
      #expect(found.namesByWeights["conv1"] == names[0])
      // The first row of every kernel is zero, also where a norm was folded in.
      let masks = try found.masks().layers
      for layer in masks[..<2] {
        #expect(layer.granularity == .subStructured)
        #expect(layer.mask.keptElements == layer.shape.count / 3 * 2, "\(layer.name)")
        #expect(!layer.mask.keeps(filter: 1, channel: 1, row: 0, column: 2))
        #expect(layer.mask.keeps(filter: 1, channel: 1, row: 1, column: 2))
      }
      #expect(masks[2...].allSatisfy { $0.granularity == .dense })
    }
    let kinds = try network(ONNXGraph(corpus("torch.onnx"), file: "t")).network.vectorLayers
    #expect(
      kinds.map(\.kind) == [
        .batchNorm, .batchNorm, .batchNormWithResidual, .activation, .multiply, .pooling,
      ])
    #expect(kinds[2].inputElements == 2 * 8 * 36 && kinds[5].outputElements == 8)
    let folded = try network(ONNXGraph(corpus("dynamo.onnx"), file: "t")).network.vectorLayers
    #expect(
      folded.map(\.kind) == [.activation, .add, .activation, .activation, .multiply, .pooling])
  }

  @Test("Geometries that the model has, from all their notations")
  func geometries() throws {
    let cases: [(attributes: [String: ONNXGraph.Attribute], output: String)] = [
      ([:], "4@6x6"), (["pads": .ints([1, 1, 1, 1])], "4@8x8"),
      (["pads": .ints([1, 0, 1, 0])], "4@8x6"), (["strides": .ints([2, 2])], "4@3x3"),
      (["auto_pad": .text("VALID")], "4@6x6"), (["auto_pad": .text("SAME_UPPER")], "4@8x8"),
      (["auto_pad": .text("SAME_LOWER"), "dilations": .ints([1, 1])], "4@8x8"),
      (["kernel_shape": .ints([3, 3]), "group": .int(1)], "4@6x6"),
    ]
    for (attributes, output) in cases {
      let found = try network(graph(attributes))
      #expect(found.leftOut.isEmpty)
      #expect(found.network.convolutions[0].geometry.output.description == output)
    }
    let depthwise = try network(graph(["group": .int(2)], kernel: [4, 1, 3, 3]))
    #expect(depthwise.network.convolutions[0].geometry.groups == 2)
    #expect(depthwise.network.batch == 32)
  }

  @Test("A layer that the model does not have is listed by node and reason; those behind it stay")
  func unsupported() throws {
    let cases: [(attributes: [String: ONNXGraph.Attribute], kernel: [Int], word: String)] = [
      (["pads": .ints([0, 40, 0, 40])], [4, 2, 1, 65], "64 columns"),
      (["group": .int(2)], [4, 2, 3, 3], "2 groups"),
      (["group": .int(0)], [4, 2, 3, 3], "0 groups"),
      (["group": .int(Int.min)], [4, 2, 3, 3], "groups"), ([:], [4, 2, 3], "weights [4, 2, 3]"),
      (["group": .text("x")], [4, 2, 3, 3], "group"), ([:], [4, 2, 9, 9], "9"),
      (["pads": .ints([Int.max, 0, Int.max, 0])], [4, 2, 3, 3], "pads"),
      (["strides": .ints([0, 0])], [4, 2, 3, 3], "strides"), ([:], [0, 2, 3, 3], "0"),
      (["strides": .ints([1])], [4, 2, 3, 3], "strides"),
      (["dilations": .ints([1, 4])], [4, 2, 3, 3], "windows"),
      (["kernel_shape": .ints([5, 5])], [4, 2, 3, 3], "kernel_shape"),
      (["auto_pad": .text("MIRROR")], [4, 2, 3, 3], "auto_pad"),
    ]
    for (attributes, kernel, word) in cases {
      let file = graph(attributes, kernel: kernel) { graph in
        graph.constants.append(("v", .init([Float](repeating: 1, count: 18), shape: [1, 2, 3, 3])))
        graph.nodes.append(.init("Conv", name: "other", inputs: ["x", "v"], output: "o"))
      }
      let found = try network(file)
      #expect(found.network.convolutions.map(\.name) == ["other"], "\(word)")
      #expect(found.leftOut.map(\.name) == ["conv"] && found.leftOut[0].operation == "Conv")
      #expect(found.leftOut[0].reason.contains(word), "\(found.leftOut)")
      // Alone, it leaves a file without layers.
      let error = #expect(throws: InputError.self) {
        try network(graph(attributes, kernel: kernel))
      }
      #expect(error?.value.contains("node 'conv'") == true)
    }
  }

  @Test("Unknown operations and own operations are listed, and what is behind them by its reason")
  func unknown() throws {
    let found = try network(
      graph { graph in
        graph.constants.append(("v", .init([Float](repeating: 1, count: 32), shape: [8, 4, 1, 1])))
        graph.nodes += [
          .init("If", name: "", inputs: ["c"], output: "i", attributes: ["then_branch": .other]),
          .init(
            "Relu", name: "mine", domain: "com.own", inputs: ["c"], outputs: ["m"], attributes: [:]),
          .init("Conv", name: "behind", inputs: ["i", "v"], output: "b"),
          .init("HardSwish", name: "swish", inputs: ["c"], output: "s"),
          .init("Conv", name: "passed", inputs: ["s", "v"], output: "p"),
        ]
      })
    #expect(found.network.convolutions.map(\.name) == ["conv", "passed"])
    #expect(found.leftOut.map(\.name) == ["i", "mine", "behind"], "\(found.leftOut)")
    #expect(found.leftOut[2].reason.contains("unknown size"))
    #expect(found.leftOutShare == nil)
  }

  @Test(
    "Linear layers of both orders of weights give the same; a constant behind a product is a bias")
  func linear() throws {
    func file(_ operation: String, transposed: Bool) -> ONNXGraph {
      var graph = ONNXGraph(name: "g")
      graph.inputs = [.init("x", size: .init(axes: [4, 3]))]
      let rows: [Float] = [1, 0, 2, 0, 5, 6]  // [K=2][C=3]
      let columns: [Float] = [1, 0, 0, 5, 2, 6]
      graph.constants = [
        ("w", .init(transposed ? columns : rows, shape: transposed ? [3, 2] : [2, 3])),
        ("b", .init([1, 2], shape: [2])),
      ]
      graph.nodes = [
        .init(
          operation, name: "fc", inputs: ["x", "w"], output: "p",
          attributes: operation == "Gemm" && !transposed ? ["transB": .int(1)] : [:]),
        .init("Add", name: "bias", inputs: ["b", "p"], output: "y"),
      ]
      return graph
    }
    for (operation, transposed) in [("Gemm", false), ("Gemm", true), ("MatMul", true)] {
      let found = try network(file(operation, transposed: transposed))
      #expect(found.leftOut.isEmpty && found.network.vectorLayers.isEmpty, "\(found.leftOut)")
      #expect(try found.weights(of: "fc") == [1, 0, 2, 0, 5, 6])
      #expect(found.network.convolutions[0].filterShape.description == "2x3x1x1")
      #expect(try found.masks().layers[0].mask.keptElements == 4)
    }
    let wrong = #expect(throws: InputError.self) {
      try network(file("MatMul", transposed: false))
    }
    #expect(wrong?.value.contains("multiplies [4, 3] and [2, 3]") == true)
  }

  @Test("Changes of axes keep the size of images, or are listed")
  func axes() throws {
    let cases: [(operation: String, shape: [Int]?, channels: Int?)] = [
      ("Flatten", nil, 144), ("Reshape", [-1, 144], 144), ("Reshape", [0, -1], 144),
      ("Reshape", [2, 1, -1, 72], nil), ("Reshape", [-1, 72], nil), ("Reshape", [144], nil),
      ("Reshape", [-1, -1, 144], nil), ("Reshape", [1, Int.max, Int.max], nil),
      ("Reshape", [1, 5, -1], nil), ("Squeeze", [2], nil), ("Unsqueeze", [1, 1], nil),
    ]
    for (operation, shape, channels) in cases {
      let found = try network(
        graph { graph in
          if let shape { graph.constants.append(("s", .init(shape))) }
          graph.constants.append(("v", .init([Float](repeating: 1, count: 288), shape: [2, 144])))
          graph.nodes += [
            .init(
              operation, name: "r", inputs: ["c"] + (shape == nil ? [] : ["s"]), output: "r"),
            .init(
              "Gemm", name: "fc", inputs: ["r", "v"], output: "y", attributes: ["transB": .int(1)]),
          ]
        })
      #expect(
        found.leftOut.isEmpty == (channels != nil), "\(operation) \(shape ?? []): \(found.leftOut)")
      #expect(found.network.convolutions.count == (channels == nil ? 1 : 2))
    }
  }

  @Test("Poolings make feature maps of ONNX's sizes")
  func pooling() throws {
    // Sizes by the formula of the operator's page, for a map of 6x6.
    let cases: [(kernel: Int, stride: Int, pad: Int, up: Int, side: Int)] = [
      (2, 2, 0, 0, 3), (3, 2, 1, 0, 3), (3, 2, 0, 0, 2), (3, 2, 0, 1, 3), (5, 5, 0, 1, 2),
      (1, 6, 0, 1, 1), (2, 3, 1, 1, 3),
    ]
    for (kernel, stride, pad, up, side) in cases {
      let found = try network(
        graph { graph in
          graph.nodes.append(
            .init(
              "MaxPool", name: "pool", inputs: ["c"], output: "p",
              attributes: [
                "kernel_shape": .ints([kernel, kernel]), "strides": .ints([stride, stride]),
                "pads": .ints([pad, pad, pad, pad]), "ceil_mode": .int(up),
              ]))
        })
      #expect(found.leftOut.isEmpty)
      #expect(
        found.network.vectorLayers[0].outputElements == 4 * side * side,
        "\(kernel), \(stride), \(pad), \(up): \(found.network.vectorLayers)")
    }
  }

  @Test("Sizes that cannot be, or are open, are refused before anything is made of them")
  func sizes() throws {
    for input in [
      [nil, 2, nil, 8], [nil, 2, 0, 8], [nil, 2, -8, 8], [nil, 2, 1 << 40, 8],
      [nil, 1 << 24, 1 << 24, 1 << 24], [nil, 2, Int.max, Int.max],
    ] as [[Int?]] {
      let error = #expect(throws: InputError.self, "\(input)") { try network(graph(input: input)) }
      #expect(error?.field == "graph input 'x' shape", "\(input): \(error as Any)")
    }
    #expect(throws: InputError.self) { try network(graph(input: [nil, 2, 1 << 15, 8])) }
    for input in [[1], [nil]] as [[Int?]] {
      let error = #expect(throws: InputError.self) { try network(graph(input: input)) }
      #expect(error?.field == "graph nodes")
    }
    // Open axes are written in several ways; a side can be given for them.
    for input in [[nil, 2, 8, 8], [0, 2, 8, 8], [-1, 2, 8, 8]] as [[Int?]] {
      #expect(try network(graph(input: input)).network.batch == 32)
    }
    let open = try ONNXNetwork(graph(input: [nil, 2, nil, -1]), file: "net.onnx", side: 12)
    #expect(open.network.convolutions[0].geometry.output.description == "4@10x10")
    let batch = #expect(throws: InputError.self) {
      try network(graph(input: [1 << 21, 2, 8, 8]))
    }
    #expect(batch?.field == "graph input batch")
    let infinite = try network(
      graph {
        $0.constants[0].value = .init([Float](repeating: .nan, count: 72), shape: [4, 2, 3, 3])
      })
    let values = #expect(throws: InputError.self) { try infinite.masks() }
    #expect(values?.field == "initializer 'w'")
  }
}
