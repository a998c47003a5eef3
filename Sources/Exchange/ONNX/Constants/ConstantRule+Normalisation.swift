// SPDX-License-Identifier: Apache-2.0

extension ConstantRule {
  /// Normalisations, by which some networks standardise their weights.
  static let normalisation: [String: ConstantRule] = [
    "BatchNormalization": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      let channels = values.shape.count > 1 ? values.shape[1] : 1
      let inner = values.shape.dropFirst(2).reduce(1, *)
      let channel = (0..<values.count).map { $0 / max(1, inner) % max(1, channels) }
      let isTrained = try node.facts.integer("training_mode", 0) != 0
      return try normalised(
        node, groups: channel, count: channels, channels: channel,
        statistics: isTrained
          ? nil : (mean: node.input(3).reals, variance: node.input(4).reals))
    },
    "InstanceNormalization": ConstantRule { node throws(Unsupported) in
      let values = try node.input(0)
      guard values.shape.count > 1 else { throw Unsupported("no channels") }
      let inner = max(1, values.shape.dropFirst(2).reduce(1, *))
      let planes = (0..<values.count).map { $0 / inner }
      return try normalised(
        node, groups: planes, count: values.shape[0] * values.shape[1],
        channels: planes.map { $0 % values.shape[1] }, statistics: nil)
    },
  ]

  /// Values less the mean of their group, over its standard deviation, with the scale and bias of
  /// their channel.
  ///
  /// - Parameter statistics: mean and variance of each group; nil for those of the values.
  private static func normalised(
    _ node: ConstantNode, groups: [Int], count: Int, channels: [Int],
    statistics: (mean: [Double], variance: [Double])?
  ) throws(Unsupported) -> [TensorValues] {
    let values = try node.input(0)
    let (scale, bias) = (try node.input(1).reals, try node.input(2).reals)
    guard let most = channels.max() else { return [values] }
    var epsilon = 1e-5
    if case .float(let value)? = node.facts.node.attributes["epsilon"] { epsilon = Double(value) }
    let reals = values.reals
    var (mean, variance) = statistics ?? ([], [])
    if statistics == nil {
      mean = .init(repeating: 0, count: count)
      variance = mean
      let size = Double(values.count / max(1, count))
      for (group, value) in zip(groups, reals) { mean[group] += value / size }
      for (group, value) in zip(groups, reals) {
        variance[group] += (value - mean[group]) * (value - mean[group]) / size
      }
    }
    guard min(mean.count, variance.count) >= count, min(scale.count, bias.count) > most else {
      throw Unsupported("statistics of fewer than \(most + 1) channels")
    }
    let results = reals.indices.map { place in
      let (group, channel) = (groups[place], channels[place])
      return (reals[place] - mean[group]) / (variance[group] + epsilon).squareRoot()
        * scale[channel] + bias[channel]
    }
    let first = TensorValues(results, shape: values.shape, element: values.element)
    // The other outputs of a training are statistics, which no weights are made of.
    return [first]
  }
}
