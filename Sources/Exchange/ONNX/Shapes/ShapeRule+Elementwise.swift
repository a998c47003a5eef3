// SPDX-License-Identifier: Apache-2.0

extension ShapeRule {
  /// Operations on each value by itself, or on the values of the same place of several.
  static let elementwise: [String: ShapeRule] = {
    var table: [String: ShapeRule] = [:]
    for name in ElementwiseKind.unary { table[name] = .same }
    for name in ElementwiseKind.combining {
      table[name] = ShapeRule { node throws(Unsupported) in
        var shape: [Int] = []
        for input in try node.allShapes() { shape = try broadcastShape(shape, input) }
        return [shape]
      }
    }
    for name in [
      "Softmax", "LogSoftmax", "Hardmax", "LRN", "LayerNormalization", "InstanceNormalization",
      "GroupNormalization", "RMSNormalization", "MeanVarianceNormalization", "LpNormalization",
      "BatchNormalization", "Dropout", "CumSum", "Trilu", "ScatterND", "ScatterElements",
      "Scatter", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "EyeLike", "FakeQuantize",
      "RotaryEmbedding", "ReverseSequence",
    ] { table[name] = .same }
    table["Dropout"] = ShapeRule { node throws(Unsupported) in
      [try node.shape(0), try node.shape(0)]
    }
    table["DynamicQuantizeLinear"] = ShapeRule { node throws(Unsupported) in
      [try node.shape(0), [], []]
    }
    return table
  }()
}

/// The elementwise operations.
enum ElementwiseKind {
  /// Of one value; further inputs are settings.
  static let unary: Set<String> = [
    "Identity", "Cast", "CastLike", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu",
    "ThresholdedRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Swish", "Tanh", "Softplus",
    "Softsign", "Gelu", "Mish", "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Neg", "Abs", "Floor",
    "Ceil", "Round", "Sign", "Clip", "Not", "BitwiseNot", "IsNaN", "IsInf", "Sin", "Cos", "Tan",
    "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Shrink",
    "QuantizeLinear", "DequantizeLinear",
  ]
  /// Of several values.
  static let combining: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "And", "Or", "Xor",
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "BitShift",
    "BitwiseAnd", "BitwiseOr", "BitwiseXor",
  ]
}
