// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Testing

@testable import Exchange

@Suite("Graphs of ONNX")
struct ONNXGraphTests {
  /// A convolution and the nodes that may surround it.
  static func small() -> ONNXGraph {
    var graph = ONNXGraph(name: "small")
    graph.inputs = [.init("x", size: .init(axes: [nil, 2, 4, 4]))]
    graph.outputs = [.init("y", size: .init(axes: [nil, 3, 4, 4]))]
    graph.sizes = [.init("c", size: .init(axes: [nil, 3, 4, 4]))]
    graph.constants = [
      ("w", .init((0..<54).map { Float($0 % 5) }, shape: [3, 2, 3, 3])), ("axes", .init([2, -3])),
    ]
    graph.nodes = [
      .init(
        "Conv", name: "conv", inputs: ["x", "w"], output: "c",
        attributes: ["pads": .ints([1, 1, 1, 1]), "group": .int(1), "auto_pad": .text("NOTSET")]),
      .init(
        "LeakyRelu", name: "leak", inputs: ["c"], output: "y",
        attributes: ["alpha": .float(0.25), "value": .constant(.init([1, 2], shape: [2]))]),
    ]
    return graph
  }

  private func encoded(_ graph: ONNXGraph) -> Data { graph.encoded(producer: ("test", "1")) }

  private func error(_ data: Data, file: String = "test") -> InputError? {
    #expect(throws: InputError.self) { try ONNXGraph(data, file: file) }
  }

  /// A file with a manually built graph.
  private func graph(_ build: (inout WireWriter) -> Void) -> Data {
    var model = WireWriter()
    model.message(ONNXField.Model.graph, build)
    return model.data
  }

  private func tensor(_ build: (inout WireWriter) -> Void) -> Data {
    graph { $0.message(ONNXField.Graph.constant, build) }
  }

  @Test("A graph that is written is read as it was")
  func roundTrip() throws {
    let graph = Self.small()
    let read = try ONNXGraph(encoded(graph), file: "test")
    #expect(read.name == "small" && read.inputs == graph.inputs && read.outputs == graph.outputs)
    #expect(read.sizes == graph.sizes)
    #expect(read.nodes.map(\.operation) == ["Conv", "LeakyRelu"])
    for (a, b) in zip(read.nodes, graph.nodes) {
      #expect(a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs)
      #expect(a.attributes.keys == b.attributes.keys)
    }
    #expect(read.nodes[0].attributes == graph.nodes[0].attributes)
    #expect(read.nodes[1].attributes["alpha"] == .float(0.25))
    guard case .constant(let inner)? = read.nodes[1].attributes["value"] else {
      Issue.record("no constant")
      return
    }
    #expect(inner.floats == [1, 2] && inner.integers.isEmpty)
    #expect(read.constants.map(\.name) == ["w", "axes"])
    #expect(read.constants[0].value.floats == (0..<54).map { Float($0 % 5) })
    #expect(read.constants[1].value.integers == [2, -3])
  }

  @Test("Values may be in any of the fields that ONNX has for them")
  func fields() throws {
    let values: [Float] = [1, 0, -2.5]
    func read(_ type: ONNXGraph.Element, _ build: (inout WireWriter) -> Void) throws
      -> ONNXGraph.Constant
    {
      let data = tensor { tensor in
        build(&tensor)
        tensor.number(ONNXField.Tensor.axes, 3)
        tensor.number(ONNXField.Tensor.element, type.rawValue)
      }
      return try #require(try ONNXGraph(data, file: "test").constants.first).value
    }
    let alone = try read(.float32) {
      for value in values { $0.float(ONNXField.Tensor.floats, value) }
    }
    #expect(alone.floats == values)
    let packed = try read(.float32) { tensor in
      var inner = Data()
      for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { inner += $0 } }
      tensor.bytes(ONNXField.Tensor.floats, inner)
    }
    #expect(packed.floats == values)
    #expect(
      try read(.float64) { $0.packed(ONNXField.Tensor.doubles, values.map(Double.init)) }.floats
        == values)
    #expect(
      try read(.float16) { $0.packed(ONNXField.Tensor.int32s, [0x3c00, 0, 0xc100]) }.floats
        == values)
    #expect(
      try read(.bfloat16) { $0.packed(ONNXField.Tensor.int32s, [0x3f80, 0, 0xc020]) }.floats
        == values)
    #expect(
      try read(.int64) { $0.packed(ONNXField.Tensor.int64s, [1, 0, -7]) }.integers == [1, 0, -7])
  }

  @Test("What cannot be is refused with its field")
  func mistakes() throws {
    func sized(_ shape: [Int], type: Int = 1, raw: Int = 0) -> Data {
      tensor { tensor in
        tensor.packed(ONNXField.Tensor.axes, shape)
        tensor.number(ONNXField.Tensor.element, type)
        tensor.text(ONNXField.Tensor.name, "w")
        tensor.bytes(ONNXField.Tensor.raw, Data(count: raw))
      }
    }
    let cases: [(data: Data, word: String)] = [
      (Data(), "graph"), (graph { _ in } + graph { _ in }, "two graphs"),
      (sized([3], raw: 8), "'w' dims"), (sized([1 << 40, 1 << 40]), "dims"),
      (sized([-1], raw: 4), "dims"), (sized([Int.max]), "dims"), (sized([Int.min]), "dims"),
      (sized([1 << 47], raw: 4), "'w' dims"), (sized([1 << 48, 0], raw: 4), "'w' dims"),
      (sized([Int](repeating: 1, count: 17), raw: 4), "dims"),
      (tensor { $0.message(ONNXField.Tensor.segment) { _ in } }, "segment"),
      (tensor { $0.number(ONNXField.Tensor.raw, 3) }, "raw_data: found the wire type 0"),
      (tensor { $0.text(ONNXField.Tensor.element, "x") }, "data_type: found the wire type 2"),
      (graph { $0.message(ONNXField.Graph.sparseConstant) { _ in } }, "sparse_initializer"),
      (graph { $0.number(ONNXField.Graph.node, 1) }, "graph node 0"),
      (graph { $0.message(ONNXField.Graph.node) { $0.bytes(1, Data([0xff])) } }, "UTF-8"),
      (
        graph {
          $0.message(ONNXField.Graph.node) { node in
            for _ in 0..<2 {
              node.message(ONNXField.Node.attribute) { $0.text(ONNXField.Attribute.name, "a") }
            }
          }
        }, "twice"
      ),
    ]
    for (data, word) in cases {
      let found = error(data)
      #expect(found?.description.contains(word) == true, "\(word): \(found as Any)")
      #expect(found?.file == "test")
    }
    // Types that are not read are no error: a layer that needs one is listed.
    #expect(try ONNXGraph(sized([3], type: 8), file: "test").constants[0].value.element == nil)
  }

  @Test("Graphs within graphs are read to some depth, and refused past it")
  func nesting() throws {
    let read = try ONNXGraph(nested(10), file: "test")
    guard case .graph(let inner)? = read.nodes[0].attributes.values.first else {
      Issue.record("no graph")
      return
    }
    #expect(read.nodes.count == 1 && inner.nodes.count == 1)
    #expect(error(nested(2_000))?.value.contains("graphs within graphs") == true)
  }

  private func nested(_ depth: Int) -> Data {
    var inner = Data()
    for _ in 0..<depth {
      var attribute = WireWriter()
      attribute.bytes(6, inner)  // a graph
      var node = WireWriter()
      node.bytes(ONNXField.Node.attribute, attribute.data)
      var graph = WireWriter()
      graph.bytes(ONNXField.Graph.node, node.data)
      inner = graph.data
    }
    var model = WireWriter()
    model.bytes(ONNXField.Model.graph, inner)
    return model.data
  }

  @Test("External constants next to the file are read, and nothing elsewhere is")
  func external() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("m.onnx").path
    try Data((0..<24).map { UInt8($0) }).write(to: folder.appendingPathComponent("m.data"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.appendingPathComponent("link").path, withDestinationPath: "/etc/hostname")
    func data(_ entries: [String: String], count: Int = 1) -> Data {
      tensor { tensor in
        tensor.number(ONNXField.Tensor.axes, count)
        tensor.number(ONNXField.Tensor.element, ONNXGraph.Element.int64.rawValue)
        tensor.number(ONNXField.Tensor.location, 1)
        for (key, value) in entries {
          tensor.message(ONNXField.Tensor.external) {
            $0.text(ONNXField.Entry.key, key)
            $0.text(ONNXField.Entry.value, value)
          }
        }
      }
    }
    let read = try ONNXGraph(
      data(["location": "m.data", "offset": "8", "length": "16"], count: 2), file: file)
    #expect(read.constants[0].value.integers == [0x0f0e_0d0c_0b0a_0908, 0x1716_1514_1312_1110])
    let cases: [([String: String], String)] = [
      ([:], "location"), (["location": "../m.data"], "location"),
      (["location": "/etc/hostname"], "location"), (["location": "."], "location"),
      (["location": "link"], "leads elsewhere"), (["location": "./../m.data"], "location"),
      (["location": "m.data", "offset": "17"], "external_data"),
      (["location": "m.data", "offset": "-1"], "offset"),
      (["location": "m.data", "offset": "99999999999999999999"], "offset"),
      (["location": "m.data", "length": "7"], "external_data"),
    ]
    for (entries, word) in cases {
      let found = error(data(entries), file: file)
      #expect(found?.description.contains(word) == true, "\(entries): \(found as Any)")
    }
    // Without the file the shape is known, and the file is reported as missing.
    let missing = try ONNXGraph(data(["location": "none"], count: 2), file: file).constants[0].value
    #expect(missing.missing == "none" && missing.shape == [2] && missing.integers.isEmpty)
  }

  @Test(
    "Constants are read below the folder of the model, through links that stay there, as caches have"
  )
  func externalLinks() throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("onnx-\(UUID())")
    let snapshot = root.appendingPathComponent("snapshots/1")
    let blobs = root.appendingPathComponent("blobs")
    for folder in [snapshot.appendingPathComponent("sub"), blobs] {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    defer { try? FileManager.default.removeItem(at: root) }
    let values = Data((0..<8).map { UInt8($0) })
    func model(_ location: String) -> Data {
      tensor { tensor in
        tensor.number(ONNXField.Tensor.axes, 1)
        tensor.number(ONNXField.Tensor.element, ONNXGraph.Element.int64.rawValue)
        tensor.number(ONNXField.Tensor.location, 1)
        tensor.message(ONNXField.Tensor.external) {
          $0.text(ONNXField.Entry.key, "location")
          $0.text(ONNXField.Entry.value, location)
        }
      }
    }
    func read(_ location: String, _ file: URL) throws(InputError) -> [Int] {
      try ONNXGraph(model(location), file: file.path).constants[0].value.integers
    }
    try values.write(to: snapshot.appendingPathComponent("sub/a.data"))
    let plain = snapshot.appendingPathComponent("plain.onnx")
    #expect(try read("./sub/a.data", plain) == [0x0706_0504_0302_0100])
    #expect(try read("sub/a.data", plain).count == 1)
    // Names in the snapshot are links to files that are called by their content.
    try values.write(to: blobs.appendingPathComponent("123"))
    try model("model.data").write(to: blobs.appendingPathComponent("456"))
    for (name, blob) in [("model.data", "123"), ("model.onnx", "456")] {
      try FileManager.default.createSymbolicLink(
        atPath: snapshot.appendingPathComponent(name).path,
        withDestinationPath: "../../blobs/" + blob)
    }
    let linked = snapshot.appendingPathComponent("model.onnx")
    #expect(try read("model.data", linked).count == 1)
    // A model that is no link has no business there.
    let error = #expect(throws: InputError.self) { try read("model.data", plain) }
    #expect(error?.value.contains("leads elsewhere") == true)
  }

  @Test("Nodes are sorted into an executable order; cycles and undefined values are refused")
  func order() throws {
    func node(_ name: String, _ inputs: [String]) -> ONNXGraph.Node {
      .init("Relu", name: name, inputs: inputs, output: name)
    }
    var graph = ONNXGraph(name: "g")
    graph.inputs = [.init("x", size: nil)]
    graph.nodes = [
      node("d", ["b", "c"]), node("c", ["a"]), node("b", ["a", ""]), node("a", ["x"]),
    ]
    #expect(try graph.order(file: "test").map { graph.nodes[$0].name } == ["a", "b", "c", "d"])
    graph.nodes.reverse()
    #expect(try graph.order(file: "test") == [0, 1, 2, 3])

    let cases: [(nodes: [ONNXGraph.Node], word: String)] = [
      ([node("a", ["a"])], "cycle"), ([node("a", ["x", "b"]), node("b", ["a"])], "cycle"),
      ([node("a", ["x"]), node("a", ["x"])], "two makers"), ([node("x", ["x"])], "two makers"),
      ([node("a", ["y"])], "'y', which nothing makes"),
      (
        (0..<20_000).map { node("n\($0)", ["n\(($0 + 1) % 20_000)"]) }, "cycle"
      ),
    ]
    for (nodes, word) in cases {
      graph.nodes = nodes
      let found = #expect(throws: InputError.self) { try graph.order(file: "test") }
      #expect(found?.value.contains(word) == true, "\(word): \(found as Any)")
    }
    // A long chain in the worst order.
    graph.nodes = (0..<20_000).map { node("n\($0)", [$0 == 19_999 ? "x" : "n\($0 + 1)"]) }
    #expect(try graph.order(file: "test") == (0..<20_000).reversed())
  }

  @Test("Every truncation and every changed byte is read or refused, never worse")
  func hostile() throws {
    let (accepted, refused) = attack(encoded(Self.small()), values: [0, 0x7f, 0xff]) {
      data throws(InputError) in
      let network = try ONNXNetwork(ONNXGraph(data, file: "test"), file: "test")
      _ = try network.masks()
    }
    #expect(accepted > 0 && refused > 500, "\(accepted), \(refused)")
    for name in ["torch.onnx", "dynamo.onnx"] {
      let data = try corpus(name)
      for length in stride(from: 0, to: data.count, by: 97) {
        // A shorter file may end between two fields of a model; then it has no graph.
        #expect(error(data.prefix(length)) != nil, "\(name): \(length)")
      }
    }
  }
}
