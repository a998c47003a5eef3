// SPDX-License-Identifier: Apache-2.0
import Tensor

extension Network {
  /// The names of weighted layers in other programs, by our names. ResNet, VGG-16 and MobileNetV2 follow
  /// torchvision (`vgg16_bn` for VGG-16); the names of other networks are ours.
  public var exchangeNames: [String: String] {
    switch ModelName(rawValue: name) {
    case .vgg16: vggNames
    case .mobilenetv2: mobileNetNames
    default: [:]
    }
  }

  /// torchvision counts the layers of one sequence, activations and pooling included, and the
  /// classifier in a second one.
  private var vggNames: [String: String] {
    var names: [String: String] = [:]
    var position = 0
    for node in nodes {
      switch node.layer {
      case let layer as Convolution where !layer.bias:
        names[node.name] = "features.\(position)"
        position += 1
      case is BatchNorm:
        names[node.name] = "features.\(position)"
        position += 2  // and the activation
      case is Pooling: position += 1
      default: break
      }
    }
    names["fc1"] = "classifier.0"
    names["fc2"] = "classifier.3"
    // Small images have one linear layer, which PyTorch users put in place of the sequence.
    names["fc"] = nodes.contains { $0.name == "fc1" } ? "classifier.6" : "classifier"
    return names
  }

  private var mobileNetNames: [String: String] {
    var names = ["conv1": "features.0.0", "bn1": "features.0.1"]
    var block = 1
    while nodes.contains(where: { $0.name == "block\(block).depthwise" }) {
      let prefix = "features.\(block).conv."
      let ours = "block\(block)."
      var parts: [(convolution: String, norm: String)] = [("depthwise", "bn2")]
      if nodes.contains(where: { $0.name == ours + "expand" }) {
        parts.insert(("expand", "bn1"), at: 0)
      }
      for (index, part) in parts.enumerated() {
        names[ours + part.convolution] = prefix + "\(index).0"
        names[ours + part.norm] = prefix + "\(index).1"
      }
      names[ours + "project"] = prefix + "\(parts.count)"
      names[ours + "bn3"] = prefix + "\(parts.count + 1)"
      block += 1
    }
    names["conv2"] = "features.\(block).0"
    names["bn2"] = "features.\(block).1"
    names["fc"] = "classifier.1"
    return names
  }

  /// Every tensor that other programs have for this network, with its shape, in order.
  var exchangeShapes: [(name: String, shape: [Int])] {
    let names = exchangeNames
    return nodes.flatMap { node in
      (node.layer.tensorShapes(map(node.output)) + [addedBias(node)].compactMap { $0 }).map {
        ("\(names[node.name] ?? node.name).\($0.suffix)", $0.shape)
      }
    }
  }

  /// The bias that other programs have in a convolution where we have none, zeros: those of
  /// `vgg16_bn`, which its norms undo.
  func addedBias(_ node: Node) -> (suffix: String, shape: [Int])? {
    guard name == ModelName.vgg16.rawValue, let layer = node.layer as? Convolution, !layer.bias
    else { return nil }
    return ("bias", [layer.geometry.filters])
  }

  /// The last layer with weights: the classifier.
  var classifier: String? { convolutions.last?.name }
}
