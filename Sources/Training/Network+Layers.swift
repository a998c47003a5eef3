// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A convolution, or a linear layer as a 1x1 convolution on a 1x1 map.
public struct Convolution: Hashable, Sendable {
  /// Sizes.
  public let geometry: ConvolutionGeometry
  /// Whether a bias is added to each filter.
  public let bias: Bool
  /// Whether pruning may touch the weights. First convolutions, 1x1 shortcuts and classifiers stay
  /// dense.
  public let prunable: Bool
}

/// A batch normalisation (Ioffe and Szegedy 2015) with what commonly follows it.
public struct BatchNorm: Hashable, Sendable {
  /// Added to the variance.
  public let epsilon: Float
  /// Share of a new batch in the running statistics.
  public let momentum: Float
  /// Applied last, after the residual is added.
  public let activation: Activation
}

extension Network {
  /// Appends a convolution.
  ///
  /// - Parameters:
  ///   - name: unique name.
  ///   - value: what it reads.
  ///   - kernel: side of a square kernel.
  ///   - groups: groups of channels; as many as channels for a depthwise convolution.
  ///   - prunable: whether pruning may touch it.
  /// - Throws: `NetworkError.misfit` when the sizes do not fit.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ value: Value, filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    groups: Int = 1, bias: Bool = false, prunable: Bool = true
  ) throws(NetworkError) -> Value {
    try convolution(
      name, value, filters: filters, rows: kernel, columns: kernel, stride: stride,
      paddingRows: padding, paddingColumns: padding, groups: groups, bias: bias, prunable: prunable)
  }

  /// Appends a convolution whose kernel need not be square.
  ///
  /// - Throws: `NetworkError.misfit` when the sizes do not fit.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ value: Value, filters: Int, rows: Int, columns: Int, stride: Int = 1,
    paddingRows: Int = 0, paddingColumns: Int = 0, groups: Int = 1, bias: Bool = false,
    prunable: Bool = true
  ) throws(NetworkError) -> Value {
    guard
      let geometry = ConvolutionGeometry(
        input: map(value), filters: filters, rows: rows, columns: columns, stride: stride,
        paddingRows: paddingRows, paddingColumns: paddingColumns, groups: groups)
    else {
      throw .misfit(
        layer: name, input: map(value),
        reason: "a kernel of \(rows)x\(columns) (at most 16 columns), stride \(stride), padding "
          + "\(paddingRows)x\(paddingColumns), \(groups) groups and \(filters) filters does not fit: "
          + "the padded map must hold a kernel, and the groups must divide channels and filters")
    }
    let layer = Convolution(geometry: geometry, bias: bias, prunable: prunable)
    return try append(name, .convolution(layer), [value], map: geometry.output)
  }

  /// Appends a linear layer; the map it reads is flattened first.
  @discardableResult
  public mutating func linear(
    _ name: String, _ value: Value, outputs: Int, bias: Bool = true, prunable: Bool = true
  ) throws(NetworkError) -> Value {
    var value = value
    if map(value).pixels > 1 { value = try flatten(name + ".flatten", value) }
    return try convolution(
      name, value, filters: outputs, kernel: 1, bias: bias, prunable: prunable)
  }

  /// Appends a batch normalisation; `adding` is a residual of the same size, added before the
  /// activation.
  ///
  /// - Throws: `NetworkError.unequal` when the residual has another size.
  @discardableResult
  public mutating func batchNorm(
    _ name: String, _ value: Value, adding residual: Value? = nil, activation: Activation = .none,
    epsilon: Float = 1e-5, momentum: Float = 0.1
  ) throws(NetworkError) -> Value {
    if let residual, map(residual) != map(value) {
      throw .unequal(layer: name, map(value), map(residual))
    }
    let layer = BatchNorm(epsilon: epsilon, momentum: momentum, activation: activation)
    return try append(
      name, .batchNorm(layer), [value] + (residual.map { [$0] } ?? []), map: map(value))
  }

  /// Appends an activation.
  @discardableResult
  public mutating func activation(_ name: String, _ value: Value, _ activation: Activation = .relu)
    throws(NetworkError) -> Value
  {
    try append(name, .activation(activation), [value], map: map(value))
  }

  /// Appends a pooling over square windows; the stride is the size unless given.
  ///
  /// - Throws: `NetworkError.misfit` when a window does not fit.
  @discardableResult
  public mutating func pool(
    _ name: String, _ value: Value, _ kind: PoolingGeometry.Kind, size: Int, stride: Int? = nil,
    padding: Int = 0
  ) throws(NetworkError) -> Value {
    guard
      let geometry = PoolingGeometry(
        kind: kind, input: map(value), size: size, stride: stride ?? size, padding: padding)
    else {
      throw .misfit(
        layer: name, input: map(value),
        reason: "windows of \(size)x\(size), padding \(padding), do not fit: sizes are 1...15, the "
          + "padding is less than the size, and the padded map must hold a window")
    }
    return try append(name, .pooling(geometry), [value], map: geometry.output)
  }

  /// Appends the mean of each plane.
  @discardableResult
  public mutating func globalAveragePool(_ name: String, _ value: Value) throws(NetworkError)
    -> Value
  {
    let channels = map(value).channels
    return try append(
      name, .globalAveragePool, [value], map: MapShape(channels: channels, height: 1, width: 1))
  }

  /// Appends the sum of two values.
  ///
  /// - Throws: `NetworkError.unequal` when they have different sizes.
  @discardableResult
  public mutating func add(_ name: String, _ first: Value, _ second: Value) throws(NetworkError)
    -> Value
  {
    if map(first) != map(second) { throw .unequal(layer: name, map(first), map(second)) }
    return try append(name, .add, [first, second], map: map(first))
  }

  /// Appends a flattening: every value of the map becomes a channel.
  @discardableResult
  public mutating func flatten(_ name: String, _ value: Value) throws(NetworkError) -> Value {
    let flat = MapShape(channels: map(value).count, height: 1, width: 1)
    return try append(name, .flatten, [value], map: flat)
  }

  /// Appends a dropout.
  ///
  /// - Throws: `NetworkError.misfit` when the probability is not in 0..<1.
  @discardableResult
  public mutating func dropout(_ name: String, _ value: Value, probability: Float)
    throws(NetworkError) -> Value
  {
    guard (0..<1).contains(probability) else {
      throw .misfit(
        layer: name, input: map(value), reason: "a dropout of \(probability) is not in 0..<1")
    }
    return try append(name, .dropout(probability), [value], map: map(value))
  }
}
