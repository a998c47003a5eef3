// SPDX-License-Identifier: Apache-2.0

import Masks

/// A layer of a network among those that it reads and that read it.
struct DataflowNode {
  let name: String
  /// Number of the convolution in the workload; nil for other layers.
  let layer: Int?
  /// What other layers do.
  let kind: NetworkDescription.VectorLayer.Kind?
  /// Values that it makes of one image.
  let elements: Int
  /// The nodes that it reads; -1 for the images.
  let inputs: [Int]
  /// The nodes that read it.
  private(set) var consumers: [Int] = []

  /// Whether each value that it makes depends on single values of what it reads, once the statistics
  /// of a normalisation are known.
  var isElementwise: Bool { kind != nil && kind != .pooling }

  var isNormalisation: Bool { kind == .batchNorm || kind == .batchNormWithResidual }

  /// Whether it may end with an activation.
  var mayActivate: Bool { isNormalisation || kind == .activation }

  /// The layers of a workload in an order in which each comes after all that it reads; nil if a layer
  /// does not say what it reads, or there is no such order.
  static func ordered(_ workload: Workload) -> [DataflowNode]? {
    // A transposed convolution swaps what its passes read and write; it moves layer by layer.
    if workload.layers.contains(where: \.convolution.isTransposed) { return nil }
    var nodes: [DataflowNode] = []
    var numbers: [String: Int] = [:]
    var (layer, vector) = (0, 0)
    func inputs(_ reads: [String]) -> [Int]? {
      if reads.isEmpty { return [-1] }
      let found = reads.compactMap { numbers[$0] }
      return found.count == reads.count ? found : nil
    }
    func append(_ node: DataflowNode) {
      // A layer that reads a value twice reads it once here.
      for input in Set(node.inputs) where input >= 0 { nodes[input].consumers.append(nodes.count) }
      numbers[node.name] = nodes.count
      nodes.append(node)
    }
    while layer < workload.layers.count || vector < workload.vectorLayers.count {
      if vector < workload.vectorLayers.count {
        let next = workload.vectorLayers[vector]
        guard let reads = next.reads else { return nil }
        if let inputs = inputs(reads) {
          append(
            DataflowNode(
              name: next.name, layer: nil, kind: next.kind, elements: next.outputElements,
              inputs: inputs))
          vector += 1
          continue
        }
      }
      guard layer < workload.layers.count else { return nil }
      let next = workload.layers[layer]
      guard let reads = next.convolution.reads, let inputs = inputs(reads), inputs.count == 1 else {
        return nil
      }
      append(
        DataflowNode(
          name: next.name, layer: layer, kind: nil, elements: next.geometry.output.count,
          inputs: inputs))
      layer += 1
    }
    return nodes.isEmpty ? nil : nodes
  }
}
