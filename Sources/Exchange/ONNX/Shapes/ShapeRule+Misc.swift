// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Constants, sizes, and what detectors do behind their layers.
  static let misc: [String: ShapeRule] = [
    "Shape": ShapeRule { node throws(Unsupported) in
      let rank = try node.shape(0).count
      return [[try node.shapeRange(of: rank).count]]
    },
    "Size": ShapeRule { _ in [[]] },
    "ConstantOfShape": ShapeRule { node throws(Unsupported) in
      guard let shape = node.integers(0) else {
        throw Unsupported("a shape that is not known before the network runs")
      }
      return [shape]
    },
    "Range": ShapeRule { node throws(Unsupported) in
      guard let start = node.reals(0)?.first, let limit = node.reals(1)?.first,
        let step = node.reals(2)?.first, step != 0,
        case let count = ((limit - start) / step).rounded(.up), abs(count) < 0x1p30
      else { throw Unsupported("a range that is not known before the network runs") }
      return [[max(0, Int(count))]]
    },
    "RandomNormal": ShapeRule { node throws(Unsupported) in [try node.list("shape")] },
    "RandomUniform": ShapeRule { node throws(Unsupported) in [try node.list("shape")] },
    "LSTM": recurrent(hasCell: true), "GRU": recurrent(hasCell: false),
    "RNN": recurrent(hasCell: false),
  ]

  private static func recurrent(hasCell: Bool) -> ShapeRule {
    ShapeRule { node throws(Unsupported) in
      let (input, weights) = (try node.shape(0), try node.shape(2))
      guard input.count == 3, weights.count == 3 else {
        throw Unsupported("weights \(weights) on a value of \(input)")
      }
      let (steps, batch, directions, hidden) = (input[0], input[1], weights[0], weights[2])
      if try node.integer("layout", 0) != 0 {
        return [[input[0], input[1], directions, hidden], [input[0], directions, hidden]]
      }
      let state = [directions, batch, hidden]
      return [[steps, directions, batch, hidden], state] + (hasCell ? [state] : [])
    }
  }

  /// Operations that ONNX Runtime puts in the place of ONNX's own.
  static let runtimeTable: [String: ShapeRule] = [
    "FusedConv": convolution(weights: 1), "Gelu": .same, "FastGelu": .same, "BiasGelu": .same,
    "QuickGelu": .same, "QuantizeLinear": .same, "DequantizeLinear": .same,
    "SkipLayerNormalization": .same, "QLinearSigmoid": .same, "QLinearLeakyRelu": .same,
    "QLinearSoftmax": .same, "FusedGemm": gemm,
    "QLinearAdd": quantisedPair, "QLinearMul": quantisedPair,
    "QLinearAveragePool": pooling, "QLinearGlobalAveragePool": global,
    "QLinearConcat": ShapeRule { node throws(Unsupported) in
      // Scale and zero point of the result, then value, scale and zero point of each input.
      var shape = try node.shape(2)
      let axis = try node.axis(node.integer("axis", 1), of: shape.count)
      for input in stride(from: 5, to: node.node.inputs.count, by: 3) {
        let other = try node.shape(input)
        guard other.count == shape.count else { throw Unsupported("joins \(shape) and \(other)") }
        shape[axis] += other[axis]
      }
      return [shape]
    },
    "QGemm": ShapeRule { node throws(Unsupported) in
      let (first, second) = (try node.shape(0), try node.shape(3))
      guard first.count == 2, second.count == 2 else {
        throw Unsupported("multiplies \(first) and \(second)")
      }
      return [[first[0], try node.integer("transB", 0) != 0 ? second[0] : second[1]]]
    },
  ]

  private static let quantisedPair = ShapeRule { node throws(Unsupported) in
    [try broadcastShape(node.shape(0), node.shape(3))]
  }
}

extension NodeFacts {
  /// The axes whose sizes a Shape gives.
  func shapeRange(of rank: Int) throws(Unsupported) -> Range<Int> {
    func position(_ name: String, _ standard: Int) throws(Unsupported) -> Int {
      let value = try integer(name, standard)
      return min(max(value < 0 ? max(value, -rank) + rank : value, 0), rank)
    }
    let start = try position("start", 0)
    return start..<max(start, try position("end", rank))
  }
}
