// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import HostileFiles
import Masks
import Tensor
import Testing

@testable import Exchange

@Suite("Topologies of SCALE-Sim")
struct TopologyFileTests {
  private let header =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"

  private func read(_ text: String) throws(InputError) -> TopologyFile {
    try TopologyFile(Data(text.utf8), file: "test")
  }

  @Test("Outputs and products are those of SCALE-Sim's formulas")
  func products() throws {
    var random = SeededRandom(seed: 11)
    func draw(_ range: ClosedRange<Int>) -> Int {
      range.lowerBound + Int(random.next() % UInt64(range.count))
    }
    for round in 0..<200 {
      let (r, s) = (draw(1...7), draw(1...7))
      let (height, width) = (draw(r...40), draw(s...40))
      let (channels, filters, stride) = (draw(1...20), draw(1...20), draw(1...4))
      let file = try read(
        "\(header)\nlayer,\(height),\(width),\(r),\(s),\(channels),\(filters),\(stride),\n")
      let geometry = try #require(file.network.convolutions.first).geometry
      // Outputs: ceil((side - kernel + stride) / stride), see its topology_utils.py.
      func outputs(_ side: Int, _ kernel: Int) -> Int { (side - kernel + 2 * stride - 1) / stride }
      let pixels = outputs(height, r) * outputs(width, s)
      #expect(geometry.output.pixels == pixels, "round \(round)")
      #expect(geometry.denseMACs == pixels * r * s * channels * filters, "round \(round)")
    }
  }

  @Test("Networks as the files write them: spaces, empty lines, comments, missing last commas")
  func networks() throws {
    let file = try read(
      "\u{feff}" + header + "\r\n\r\nConv1, 224, 224, 7, 7, 3, 64, 2,\r\n"
        + "Conv2, 56,56,3,3,64,64,1,#note\r\nConv2,56,56,1,1,64,64,1\r\nDP_3,30,30,3,3,64,1,1,\r\n"
        + "FC,1,1,1,1,64,1000,1")
    let layers = file.network.convolutions
    #expect(layers.map(\.name) == ["Conv1", "Conv2", "Conv2 (line 5)", "DP_3", "FC"])
    #expect(layers.map(\.needsInputGradient) == [false, true, true, true, true])
    #expect(layers.map(\.prunable) == [false, true, true, false, true])
    #expect(layers[3].geometry.groups == 64 && layers[3].geometry.filters == 64)
    #expect(file.network.name == "test" && file.network.batch == 1)
    #expect(file.leftOut == ["column 9 of 1 layers (#note)"])
    let sparse = try read(
      "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Stride Height,"
        + "Stride Width,Sparsity\na,8,8,3,3,4,4,1,1,1:4,\nb,8,8,3,3,4,4,1,1,2:4,\n")
    #expect(sparse.leftOut == ["column 'Sparsity' of 2 layers (1:4, …)"])

    let products = try read("Layer,M,N,K,\nup,128,768,512,\n").network.convolutions[0].geometry
    #expect(products.denseMACs == 128 * 768 * 512)
    #expect(products.input == MapShape(channels: 512, height: 1, width: 128))
  }

  @Test("Columns go by place where the header does not name each of them once")
  func places() throws {
    // Multiply-accumulates of a line are outputs x kernel x channels x filters in every spelling.
    let convolution = "c1,12,10,3,5,8,16,1,"
    let products = 10 * 6 * 3 * 5 * 8 * 16
    let headers = [
      header,
      "Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides",
      "Layer name,Ifmap height,ifmap width,filter height,filter width,channel,num filters,strides,",
      "name,H,W,R,S,C,K,stride", "a title",
    ]
    for header in headers {
      let layer = try read("\(header)\n\(convolution)\n").network.convolutions[0]
      #expect(layer.name == "c1" && layer.geometry.denseMACs == products, "\(header)")
    }
    // By names in another order, and without a header.
    let turned = try read(
      "Layer,Channels,Num Filter,Strides,Filter Height,Filter Width,IFMAP Height,IFMAP Width\n"
        + "c1,8,16,1,3,5,12,10")
    #expect(turned.network.convolutions[0].geometry.denseMACs == products)
    #expect(try read(convolution).network.convolutions[0].geometry.denseMACs == products)
    let strides = try read(
      "L,IH,IW,FH,FW,C,K,SH,SW,\na,8,8,3,3,4,4,1,2,\n"
    ).network.convolutions[0].geometry
    #expect(strides.output == MapShape(channels: 4, height: 6, width: 4))
  }

  @Test("Quotes, semicolons, tabs and comments are no content")
  func dialects() throws {
    for text in [
      "# of a tool\n\(header)\n// first\n\"c, 1\",12,10,3,5,8,16,1,\n",
      "Layer;IFMAP Height;IFMAP Width;Filter Height;Filter Width;Channels;Num Filter;Strides\n"
        + "c, 1;12;10;3;5;8;16;1\n",
    ] {
      let layers = try read(text).network.convolutions
      #expect(layers.map(\.name) == ["c, 1"], "\(text)")
      #expect(layers[0].geometry.denseMACs == 10 * 6 * 3 * 5 * 8 * 16)
    }
    let tabs = try read("Layer\tM\tN\tK\nup\t3\t4\t5\n").network.convolutions[0]
    #expect(tabs.geometry.denseMACs == 60)
    #expect(try read(header + "\n,8,8,3,3,4,4,1,").network.convolutions[0].name == "line 2")
  }

  @Test("A product is a filter as wide as its map, or M, N and K, perhaps several times")
  func matrixProducts() throws {
    let wide = try read(header + "\nfc,4,32,1,32,1,10,1,\nbig,70000,1024,1,1024,1,7,1,\n")
    let geometries = wide.network.convolutions.map(\.geometry)
    #expect(geometries.map(\.denseMACs) == [4 * 32 * 10, 70000 * 1024 * 7])
    #expect(geometries.map(\.rows) == [1, 1] && geometries.map(\.columns) == [1, 1])
    #expect(geometries[1].input.pixels == 70000)
    let heads = try read("Layer,M,N,K,Batch\nqk,197,197,64,12,\n").network.convolutions[0].geometry
    #expect(heads.denseMACs == 12 * 197 * 197 * 64 && heads.groups == 12)
    // A linear layer behind a map keeps its kernel.
    let whole = try read(header + "\nfc6,7,7,7,7,512,4096,1,").network.convolutions[0].geometry
    #expect(whole.rows == 7 && whole.columns == 7)
  }

  @Test("What is wrong is named")
  func mistakes() {
    func line(_ cells: String) -> String { header + "\n" + cells }
    let cases: [(text: String, field: String)] = [
      ("", "lines"), ("a,b\n1,2", "header"), (header, "convolutions"),
      (line("a,8,8,3,3,4,4,0,"), "line 2 stride"), (line("a,8,8,3,3,4,-4,1,"), "line 2 filters"),
      (line("a,8,8,3,3,4,four,1,"), "line 2 filters"), (line("a,8,8"), "line 2"),
      (line("a,2,8,3,3,4,4,1,"), "line 2 filter"), (line("a,80,80,3,65,4,4,1,"), "line 2 filter"),
      (line("a,8,8,3,3,99999999999999999999,4,1,"), "line 2 channels"),
      (line("a,8,8,3,3,16777216,16777216,1,"), "line 2"),
      (line("DP,8,8,3,3,16777216,16777216,1,"), "line 2 filters"),
      (line("a,16777216,16777216,1,1,16777216,1,1,"), "line 2"),
      ("Layer,M,N,K,batch\nup,128,768,512,99999,\n", "line 2 batch"),
      (line("a,16777216,3,1,1,1,1,1,"), "a map"),
      (line((0..<80).map { "a\($0),8,8,1,1,8192,8192,1,\n" }.joined()), "line 66"),
      (line(String(repeating: "x,1,1,1,1,1,1,1,\n", count: 10_001)), "lines"),
      ("\u{feff}\u{feff}" + header, "header"),
    ]
    for (text, field) in cases {
      let error = #expect(throws: InputError.self, "\(field)") { _ = try read(text) }
      #expect(error?.file == "test", "\(field)")
      #expect(error?.field.contains(field) == true, "\(field): \(error as Any)")
    }
    #expect(throws: InputError.self) { try TopologyFile(Data([0xff, 0xfe, 0x41]), file: "test") }
  }

  @Test("Every truncation and every changed byte is read or refused, never worse")
  func hostile() {
    let text = header + "\nConv1,22,22,7,7,3,64,2,\nDP,5,5,3,3,8,1,1,\n"
    let (accepted, refused) = attack(Data(text.utf8), values: [0, 10, 44, 45, 48, 57, 255]) {
      data throws(InputError) in _ = try TopologyFile(data, file: "test")
    }
    #expect(accepted > 50 && refused > 500, "\(accepted), \(refused)")
  }
}
