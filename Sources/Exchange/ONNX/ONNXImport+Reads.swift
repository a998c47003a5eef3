// SPDX-License-Identifier: Apache-2.0

/// Where a computed value comes from.
enum ValueOrigin: Sendable {
  /// It is what a layer makes, whole, perhaps with other axes or in another order.
  case layer(String)
  /// It is the images.
  case images
  /// It is a part of that, several of it side by side, or made by what is no layer: which.
  case other(String)
}

/// Which layers read what: the model of the processor streams a step whose layers all tell.
extension ONNXImport {
  /// The layers that make these values; none, where they are the images.
  ///
  /// - Throws: `Unsupported` where a value is no whole output of a layer.
  func layers(of inputs: [String]) throws(Unsupported) -> [String] {
    var layers: [String] = []
    var readsImages = false
    for input in inputs where !input.isEmpty && values.constants[input] == nil {
      switch origins[input] {
      case .layer(let name): layers.append(name)
      case .images: readsImages = true
      case .other(let what): throw Unsupported(what)
      case nil: throw Unsupported("'\(input)'")
      }
    }
    if readsImages, let first = layers.first { throw Unsupported("the images beside '\(first)'") }
    return layers
  }

  /// A value that is another one's values.
  mutating func follow(_ value: String, into output: String) {
    origins[output] = origins[value] ?? .other("'\(value)'")
  }

  /// Says where what a node makes comes from that is no layer.
  mutating func followOrigin(_ node: ONNXGraph.Node) {
    let other = ValueOrigin.other("'\(node.label)' (\(node.operation))")
    for output in node.outputs where !output.isEmpty { origins[output] = other }
    guard let output = node.outputs.first, let input = node.inputs.first, node.domain.isEmpty,
      values.constants[input] == nil, let before = values.shapes[input],
      let after = values.shapes[output]
    else { return }
    let keepsAll = before.reduce(1, *) == after.reduce(1, *)
    switch node.operation {
    case "Identity", "Cast", "CastLike", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose",
      "DepthToSpace", "SpaceToDepth", "Pad":
      // What a padding adds is nowhere stored.
      follow(input, into: output)
    case "Slice" where keepsAll, "Split" where keepsAll, "Expand" where keepsAll,
      "Tile" where keepsAll, "Resize" where keepsAll, "Upsample" where keepsAll:
      follow(input, into: output)
    case "Concat" where keepsAll: follow(input, into: output)
    default: break
    }
  }
}
