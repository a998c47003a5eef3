// SPDX-License-Identifier: Apache-2.0
import Files
import Tensor

extension Model {
  /// Leaves layers as they are: the optimiser does not change their weights, pruning not their masks, and
  /// their normalisations use the running statistics that they have.
  ///
  /// - Parameters:
  ///   - names: names of layers, or of stages: `layer1` includes `layer1.0.conv1`.
  ///   - norms: whether all batch normalisations of the network are left as they are.
  /// - Throws: `ConfigurationError` for a name that no layer has.
  func freeze(_ names: [String], norms: Bool) throws(ConfigurationError) {
    for name in names where !network.nodes.contains(where: { $0.isNamed(name) }) {
      var stages: [String] = []
      for node in network.nodes {
        let stage = String(node.name.prefix { $0 != "." })
        if !stages.contains(stage) { stages.append(stage) }
      }
      throw ConfigurationError(
        "command line", "freeze",
        "'\(name)' is no layer of \(network.name); there is \(stages.joined(separator: ", "))")
    }
    for (layer, node) in zip(layers, network.nodes) {
      let isNamed = names.contains(where: node.isNamed)
      guard isNamed || norms && layer is BatchNormLayer else { continue }
      for tensor in layer.tensors { tensor.parameter?.isFrozen = true }
      (layer as? BatchNormLayer)?.isFrozen = true
    }
  }
}

extension Network.Node {
  /// Whether it is the layer of a name, or one of the stage of that name.
  fileprivate func isNamed(_ name: String) -> Bool {
    self.name == name || self.name.hasPrefix(name + ".")
  }
}
