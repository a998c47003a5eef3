// SPDX-License-Identifier: Apache-2.0
@testable import Tensor

/// A tensor of random values between guards that must stay as they are and must not be read: they
/// are not numbers.
struct GuardedTensor {
  let tensor: Tensor
  private let whole: Tensor
  private static let margin = 1024

  /// Without values, for what is written before it is read.
  init(count: Int) throws {
    let margin = Self.margin
    let storage = try Storage(bytes: (count + 2 * margin + 16) * 4)
    whole = Tensor(storage: storage, byteOffset: 0, count: count + 2 * margin)
    whole.fill(.nan)
    tensor = Tensor(storage: storage, byteOffset: margin * 4, count: count)
  }

  init(_ values: [Float]) throws {
    try self.init(count: values.count)
    tensor.store(values)
  }

  var isIntact: Bool {
    let values = whole.array()
    return values.prefix(Self.margin).allSatisfy(\.isNaN)
      && values.suffix(Self.margin).allSatisfy(\.isNaN)
  }
}
