// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation

/// The nodes of an ONNX file that are not simulated.
public struct Unmodelled: Encodable, Sendable {
  /// The nodes.
  public let nodes: [ONNXNetwork.LeftOut]
  /// Their fraction of the network's multiply-accumulates; nil where those of a node are not known.
  public let shareOfMACs: Double?
  /// Multiply-accumulates of one image in the layers that are simulated.
  private let modelled: Int

  private enum CodingKeys: CodingKey { case nodes, shareOfMACs }

  init(_ network: ONNXNetwork) {
    nodes = network.leftOut
    shareOfMACs = network.leftOutShare
    modelled = network.multiplyAccumulates
  }

  /// What a title says of it; nil where no multiply-accumulates are left out.
  public var title: String? {
    guard let shareOfMACs else { return "Nodes of unknown cost are not simulated" }
    return shareOfMACs == 0
      ? nil : String(format: "%.2g %% of the network's MACs are not simulated", 100 * shareOfMACs)
  }

  /// A paragraph of at most 80 columns that says what is left out; nil where nothing is.
  public var text: String? {
    if nodes.isEmpty { return nil }
    var rows: [String] = []
    for word in "Not simulated: \(lines.joined(separator: "; ")).".split(separator: " ") {
      if let row = rows.last, row.count + word.count < 80 {
        rows[rows.count - 1] = row + " " + word
      } else {
        rows.append((rows.isEmpty ? "" : "  ") + word)
      }
    }
    return rows.joined(separator: "\n")
  }

  /// A line for each operation and reason, those with multiply-accumulates first.
  var lines: [String] {
    var groups: [String: [ONNXNetwork.LeftOut]] = [:]
    for node in nodes { groups[node.operation + ": " + node.reason, default: []].append(node) }
    func products(_ group: [ONNXNetwork.LeftOut]) -> Int {
      group.reduce(0) { $0 + ($1.multiplyAccumulates ?? 0) }
    }
    let total = Double(modelled + products(nodes))
    let working = groups.filter { $0.value.contains { $0.multiplyAccumulates != 0 } }
    var lines = working.sorted { (-products($0.value), $0.key) < (-products($1.value), $1.key) }
      .map { key, group in
        let names = group.prefix(3).map { "'\($0.name)'" } + (group.count > 3 ? ["…"] : [])
        let isKnown = group.allSatisfy { $0.multiplyAccumulates != nil }
        let share =
          isKnown
          ? String(format: "%.2g %% of the network's MACs", 100 * Double(products(group)) / total)
          : "MACs not known"
        return "\(group.count) \(key) (\(share); \(names.joined(separator: ", ")))"
      }
    let still = groups.filter { group in working[group.key] == nil }.values
      .sorted { ($1.count, $0[0].operation) < ($0.count, $1[0].operation) }
    if !still.isEmpty {
      let counts = still.map { "\($0.count) \($0[0].operation)" }
      lines.append("without MACs: \(counts.joined(separator: ", "))")
    }
    return lines
  }
}
