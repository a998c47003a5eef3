// SPDX-License-Identifier: Apache-2.0
import Tensor

extension Network {
  /// What other programs call the layers that have weights, by our names. ResNet, VGG-16 and
  /// MobileNetV2 follow torchvision (`vgg16_bn` for VGG-16); the names of other networks are ours.
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
      case .convolution(let layer) where !layer.bias:
        names[node.name] = "features.\(position)"
        position += 1
      case .batchNorm:
        names[node.name] = "features.\(position)"
        position += 2  // and the activation
      case .pooling: position += 1
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
    return nodes.flatMap { node -> [(String, [Int])] in
      let name = names[node.name] ?? node.name
      switch node.layer {
      case .convolution(let layer):
        let weight = (name + ".weight", Self.exchangeShape(layer))
        let hasBias = layer.bias || addsConvolutionBiases
        return [weight] + (hasBias ? [(name + ".bias", [layer.geometry.filters])] : [])
      case .batchNorm:
        let channels = [map(node.output).channels]
        return ["weight", "bias", "running_mean", "running_var"].map { ("\(name).\($0)", channels) }
      case .activation, .pooling, .globalAveragePool, .add, .flatten, .dropout: return []
      }
    }
  }

  /// Whether other programs have biases in convolutions where we have none: those of `vgg16_bn`,
  /// which its norms undo.
  var addsConvolutionBiases: Bool { name == ModelName.vgg16.rawValue }

  /// The last layer with weights, which tells the classes apart.
  var classifier: String? { convolutions.last?.name }

  /// Shape of a layer's weights for other programs: `[K][C][R][S]`, of a linear layer `[K][C]`.
  static func exchangeShape(_ convolution: Convolution) -> [Int] {
    let geometry = convolution.geometry
    let matrix = [geometry.filters, geometry.channelsPerGroup]
    // A layer on single pixels is linear where it has a bias: convolutions leave it to the norm.
    let isLinear = geometry.input.pixels == 1 && geometry.rows * geometry.columns == 1
    return isLinear && convolution.bias ? matrix : matrix + [geometry.rows, geometry.columns]
  }
}
