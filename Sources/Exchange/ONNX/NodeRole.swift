// SPDX-License-Identifier: Apache-2.0

import Masks

/// The role of a node in the processor model.
enum NodeRole {
  /// Multiplies by weights: a convolution or linear layer.
  case weighted
  /// Work of the vector unit.
  case vector(NetworkDescription.VectorLayer.Kind)
  /// Changes which axes there are, or what type values are of; no work.
  case free
  /// Moves or picks values without multiply-accumulates; the model has no layer for it.
  case moving
  /// Multiply-accumulates that are no layer of the model.
  case product
  /// Nothing is known of it.
  case unknown

  /// The role of an operation.
  init(_ node: ONNXGraph.Node) {
    guard node.domain.isEmpty || node.domain == "com.microsoft" else {
      self = .unknown
      return
    }
    self = Self.table[node.operation] ?? .unknown
  }

  private static let table: [String: NodeRole] = {
    var table: [String: NodeRole] = [:]
    func set(_ role: NodeRole, _ names: String) {
      for name in names.split(separator: " ") { table[String(name)] = role }
    }
    set(
      .weighted,
      "Conv ConvTranspose QLinearConv ConvInteger FusedConv Gemm MatMul QLinearMatMul MatMulInteger "
        + "QGemm FusedGemm")
    set(
      .vector(.activation),
      "Relu LeakyRelu PRelu Elu Selu Celu ThresholdedRelu Sigmoid HardSigmoid HardSwish Swish Tanh "
        + "Softplus Softsign Gelu FastGelu QuickGelu BiasGelu Mish Erf Exp Log Sqrt Reciprocal Neg "
        + "Abs Floor Ceil Round Sign Clip Sin Cos Shrink QLinearSigmoid QLinearLeakyRelu "
        + "QuantizeLinear DequantizeLinear DynamicQuantizeLinear")
    set(.vector(.add), "Add Sub Sum Mean Min Max QLinearAdd")
    set(.vector(.multiply), "Mul Div Pow Mod QLinearMul")
    set(.vector(.batchNorm), "BatchNormalization")
    set(
      .vector(.normalization),
      "LayerNormalization InstanceNormalization GroupNormalization RMSNormalization LRN "
        + "MeanVarianceNormalization LpNormalization Softmax LogSoftmax SkipLayerNormalization "
        + "QLinearSoftmax")
    set(.vector(.dropout), "Dropout")
    set(
      .vector(.pooling),
      "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool ReduceMean ReduceSum "
        + "ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
        + "ReduceSumSquare QLinearAveragePool QLinearGlobalAveragePool")
    set(
      .free,
      "Identity Cast CastLike Constant ConstantOfShape Flatten Reshape Squeeze Unsqueeze Shape Size "
        + "Range")
    set(
      .moving,
      "Concat QLinearConcat Split Slice Gather GatherElements GatherND Pad Tile Expand Resize "
        + "Upsample Transpose DepthToSpace SpaceToDepth Where Equal Greater GreaterOrEqual Less "
        + "LessOrEqual Not And Or Xor ArgMax ArgMin TopK OneHot ScatterND ScatterElements Scatter "
        + "GridSample RoiAlign MaxRoiPool NonMaxSuppression NonZero CumSum Trilu CenterCropPad "
        + "Hardmax IsNaN IsInf EyeLike ReverseSequence RandomNormal RandomNormalLike RandomUniform "
        + "RandomUniformLike Bernoulli Unique Compress")
    set(.product, "Einsum DeformConv Attention MultiHeadAttention LSTM GRU RNN")
    return table
  }()
}

extension NodeFacts {
  /// Multiply-accumulates of a node on all images, without a bias; nil where sizes are not known.
  ///
  /// - Parameter output: the shape of what it makes.
  func multiplyAccumulates(output: [Int]?) -> Int? {
    do throws(Unsupported) {
      switch node.operation {
      case "Conv", "FusedConv", "ConvInteger", "DeformConv", "QLinearConv":
        let kernels = try shape(node.operation == "QLinearConv" ? 3 : 1)
        guard let output, kernels.count > 1 else { return nil }
        return try checkedCount(output + kernels[1...])
      case "ConvTranspose":
        return try checkedCount(shape(0) + shape(1)[1...])
      case "MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "QGemm", "FusedGemm":
        guard let output else { return nil }
        let first = try shape(0)
        let isTurned = try integer("transA", 0) != 0
        return try checkedCount(output + [(isTurned ? first.first : first.last) ?? 1])
      case "Einsum": return try EinsteinSum(self).products
      case "Attention" where shapes.count > 2:
        // Scores of all queries and keys, and the sums of values by them.
        let (queries, keys) = (try shape(0), try shape(1))
        guard queries.count == keys.count, queries.count > 2 else { return nil }
        return try 2 * checkedCount(queries + [keys[keys.count - 2]])
      case "LSTM", "GRU", "RNN":
        let input = try shape(0)
        let (first, second) = (try shape(1), try shape(2))
        guard input.count == 3 else { return nil }
        let each = try checkedCount(first) + checkedCount(second)
        return try checkedCount([input[0], input[1], each])
      default: return nil
      }
    } catch {
      return nil
    }
  }
}
