// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The values of a constant while an expression is worked out, the last axis fastest.
///
/// Reals are kept in double precision and rounded to their type after each operation, which gives the
/// same values as arithmetic in that type for +, -, x, / and square roots.
struct TensorValues: Sendable, Equatable {
  /// Values of a kind.
  enum Storage: Sendable, Equatable {
    case reals([Double])
    case integers([Int])
  }

  /// Sizes of the axes.
  let shape: [Int]
  /// The type that the values are of.
  let element: ONNXGraph.Element
  /// The values.
  let storage: Storage

  /// Reals, rounded to their type.
  init(_ reals: [Double], shape: [Int], element: ONNXGraph.Element) {
    self.shape = shape
    self.element = element
    storage = .reals(element == .float64 ? reals : reals.map(element.rounded))
  }

  /// Whole numbers, wrapped to their type.
  init(_ integers: [Int], shape: [Int], element: ONNXGraph.Element = .int64) {
    self.shape = shape
    self.element = element
    storage = .integers(element == .int64 ? integers : integers.map(element.wrapped))
  }

  private init(shape: [Int], element: ONNXGraph.Element, storage: Storage) {
    self.shape = shape
    self.element = element
    self.storage = storage
  }

  /// The values of a constant; nil where they are missing or of a type that is not read.
  init?(_ constant: ONNXGraph.Constant) {
    guard let element = constant.element, constant.missing == nil else { return nil }
    shape = constant.shape
    self.element = element
    if element == .float64 {
      storage = .reals(Data(constant.bytes).words(bytes: 8).map { Double(bitPattern: $0) })
    } else if let floats = constant.floats {
      storage = .reals(floats.map { Double($0) })
    } else {
      storage = .integers(constant.integers)
    }
  }

  /// Number of values.
  var count: Int {
    switch storage {
    case .reals(let values): values.count
    case .integers(let values): values.count
    }
  }

  /// The values in double precision.
  var reals: [Double] {
    switch storage {
    case .reals(let values): values
    case .integers(let values): values.map { Double($0) }
    }
  }

  /// Whole numbers; nil for reals.
  var integers: [Int]? {
    if case .integers(let values) = storage { values } else { nil }
  }

  /// The same values with other sizes of as many values.
  func reshaped(_ shape: [Int]) -> TensorValues {
    TensorValues(shape: shape, element: element, storage: storage)
  }

  /// The values of another type: reals are cut towards zero to whole numbers, and these wrap.
  func converted(to type: ONNXGraph.Element) -> TensorValues {
    if type == element { return self }
    switch storage {
    case .reals(let values) where type == .bool:
      return TensorValues(values.map { $0 == 0 ? 0 : 1 }, shape: shape, element: type)
    case .reals(let values):
      guard type.integerRange != nil else {
        return TensorValues(values, shape: shape, element: type)
      }
      return TensorValues(values.map(Self.whole), shape: shape, element: type)
    case .integers(let values):
      return type.isFloat
        ? TensorValues(values.map { Double($0) }, shape: shape, element: type)
        : TensorValues(values, shape: shape, element: type)
    }
  }

  /// A real cut towards zero; what does not fit becomes the nearest that does, NaN becomes 0.
  static func whole(_ value: Double) -> Int {
    if value.isNaN { return 0 }
    if value >= 0x1p63 { return Int.max }
    return value <= -0x1p63 ? Int.min : Int(value)
  }

  /// The values at some places, in order.
  func picking(_ places: [Int], shape: [Int]) -> TensorValues {
    switch storage {
    case .reals(let values):
      TensorValues(shape: shape, element: element, storage: .reals(places.map { values[$0] }))
    case .integers(let values):
      TensorValues(shape: shape, element: element, storage: .integers(places.map { values[$0] }))
    }
  }

  /// The values that a walk reads: axis i of `shape` moves by `strides[i]` places.
  func walked(_ shape: [Int], strides: [Int], from offset: Int = 0) -> TensorValues {
    picking(Self.places(shape, strides: strides, from: offset), shape: shape)
  }

  /// The places of a walk.
  static func places(_ shape: [Int], strides: [Int], from offset: Int = 0) -> [Int] {
    var places = [offset]
    for (size, stride) in zip(shape, strides).reversed() {
      // The axes behind this one, once for each of its positions.
      let inner = places
      places = []
      places.reserveCapacity(inner.count * size)
      for position in 0..<size { places += inner.map { $0 + position * stride } }
    }
    return places
  }

  /// Places from one position of each axis to the next.
  static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// The values repeated along axes of one position, or new ones in front.
  func broadcast(to target: [Int]) -> TensorValues {
    if target == shape { return self }
    let missing = target.count - shape.count
    let own = Self.strides(shape)
    let strides = target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
    return walked(target, strides: strides)
  }
}
