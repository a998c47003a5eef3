// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation

/// The nodes of an ONNX file that are not simulated.
public struct Unmodelled: Encodable, Sendable {
  /// The nodes.
  public let nodes: [ONNXNetwork.LeftOut]
  /// Their fraction of the network's multiply-accumulates; nil where those of a node are not known.
  public let shareOfMACs: Double?

  init(_ network: ONNXNetwork) {
    nodes = network.leftOut
    shareOfMACs = network.leftOutShare
  }

  /// A line for each operation and reason, those with multiply-accumulates first.
  func lines(of all: Int) -> [String] {
    var groups: [String: [ONNXNetwork.LeftOut]] = [:]
    for node in nodes { groups[node.operation + ": " + node.reason, default: []].append(node) }
    func products(_ group: [ONNXNetwork.LeftOut]) -> Int {
      group.reduce(0) { $0 + ($1.multiplyAccumulates ?? 0) }
    }
    let total = Double(all + products(nodes))
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
