// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Processor
import Testing

@testable import Studies

@Suite("The pruning ratio from a study's data") struct RatioStudyTests {
  private func study(_ rows: [(String, Double, [Double])], missing: Int = 0) throws -> RatioStudy {
    let list = rows.flatMap { variant, sparsity, accuracies in
      accuracies.enumerated().map { seed, accuracy in
        #"{"variant": "\#(variant)", "sparsity": \#(sparsity), "seed": \#(seed + 1), "#
          + #""testAccuracy": \#(accuracy), "epochs": 30, "hours": 1.5}"#
      }
    }
    return try read(
      #"{"set": "s", "runsNotFinished": \#(missing), "rows": [\#(list.joined(separator: ","))]}"#)
  }

  private func read(_ text: String) throws -> RatioStudy {
    let path = FileManager.default.temporaryDirectory.path + "/study-\(UUID().uuidString).json"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    defer { unlink(path) }
    return try RatioStudy(path: path)
  }

  @Test("The highest sparsity lies on the line between two means, or is the last one measured")
  func highest() throws {
    let study = try study([
      ("dense", 0, [0.91, 0.89]), ("line", 0.5, [0.898]), ("line", 0.9, [0.888]),
      ("line", 0.95, [0.8]), ("shape", 0.5, [0.89]), ("filter", 0.6, [0.9]),
    ])
    #expect(study.dense == 0.9)
    let line = try #require(study.highestSparsity(of: "line", within: 0.01))
    #expect(abs(line.sparsity - 0.82) < 1e-9 && !line.isOpen)
    #expect(
      study.highestSparsity(of: "line", within: 0.1)
        == RatioStudy.Bound(sparsity: 0.95, isOpen: true))
    // Half of the way down from dense.
    let shape = try #require(study.highestSparsity(of: "shape", within: 0.005))
    #expect(abs(shape.sparsity - 0.25) < 1e-9)
    #expect(study.highestSparsity(of: "channel", within: 0.01) == nil)
    #expect(study.highestSparsity(of: "filter", within: 0)?.isOpen == true)
  }

  @Test("The three readings compare with the better of channels and filters")
  func readings() throws {
    let rows = [
      ("dense", 0.0, [0.9]), ("channel", 0.6, [0.895]), ("channel", 0.8, [0.8]),
      ("filter", 0.5, [0.895]), ("filter", 0.8, [0.8]), ("sub-structured", 0.8, [0.895]),
      ("sub-structured", 0.95, [0.8]),
    ]
    #expect(try study(rows + [("erk", 0.9, [0.7, 0.7, 0.7])]).origin.contains(" 1 seed a point"))
    #expect(
      try study(rows + [("filter", 0.9, [0.7, 0.7])]).origin.contains(" 1 to 2 seeds a point"))
    let text = try #require(try study(rows).reading(within: 0.005))
    #expect(
      text == "2.00x fewer weights left (80.0 % sparse, channel 60.0 %); 1.33x the sparsity; "
        + "+20.0 points")
    #expect(try study(rows).equalAccuracy == "2.00x at 80 %, at most 4.00x at 95 %")
    #expect(try study(rows.filter { $0.0 != "dense" }).equalAccuracy == nil)
    let best = try study(rows + [("sub-structured", 0.97, [0.7])]).equalAccuracy
    #expect(best?.hasSuffix("at most 6.67x at 97 %") == true)
    let open = try #require(try study(Array(rows.dropLast())).reading(within: 0.005))
    #expect(open.hasPrefix("at least 2.00x"))
    #expect(try study(rows.filter { $0.0 != "dense" }).reading(within: 0.005) == nil)
    #expect(try study(rows.filter { $0.0 != "sub-structured" }).reading(within: 0.005) == nil)
    let origin = try study(rows, missing: 3).origin
    #expect(origin == "set s, 30 epochs, 1 seed a point; 3 runs are not finished")
  }

  @Test("What is no study is refused with file and field")
  func wrong() {
    for (text, field) in [
      ("{", "content"), (#"{"rows": []}"#, "content"),
      (#"{"set": "s", "runsNotFinished": 0, "rows": []}"#, "rows"),
      (
        #"{"set": "s", "runsNotFinished": 0, "rows": [{"variant": "a", "sparsity": 1.5, "seed": 1, "#
          + #""testAccuracy": 0.5, "epochs": 1}]}"#, "rows[0].sparsity"
      ),
      (
        #"{"set": "s", "runsNotFinished": 0, "rows": [{"variant": "a", "sparsity": 0.5, "seed": 1, "#
          + #""testAccuracy": 50, "epochs": 1}]}"#, "rows[0].testAccuracy"
      ),
    ] {
      let error = #expect(throws: InputError.self) { try read(text) }
      #expect(error?.field == field)
    }
    #expect(throws: InputError.self) { try RatioStudy(path: "/no/such/file.json") }
  }
}
