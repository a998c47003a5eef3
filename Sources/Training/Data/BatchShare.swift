// SPDX-License-Identifier: Apache-2.0
/// The part of each batch that one of several processes takes.
struct BatchShare: Sendable, Equatable {
  /// All of it.
  static let whole = BatchShare(index: 0, count: 1)

  /// The process, from 0, of how many.
  let index, count: Int

  /// Its images, of a batch of so many; shares differ by one image at most.
  func range(of images: Int) -> Range<Int> {
    images * index / count..<images * (index + 1) / count
  }

  /// The images of the largest share.
  func largest(of images: Int) -> Int { (images + count - 1) / count }
}
