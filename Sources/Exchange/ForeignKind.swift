// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The kind of a file that is commonly mistaken for another: a pointer of Git LFS, a web page, a file of
/// PyTorch or Keras. Nil for anything else.
public func foreignKind(_ data: Data) -> String? {
  func starts(_ text: String) -> Bool { data.starts(with: Data(text.utf8)) }
  if starts("version https://git-lfs") {
    return "a pointer of Git LFS, not the file itself; 'git lfs pull' fetches that"
  }
  let words = String(decoding: data.prefix(256), as: UTF8.self)
    .trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
  if words.hasPrefix("<!doctype") || words.hasPrefix("<html") || words.hasPrefix("<?xml") {
    return "a web page, not the file itself; download the raw file"
  }
  if data.starts(with: [0x50, 0x4b, 3, 4]) {
    return "a zip file, as torch.save and numpy.savez write it; save it with safetensors.torch"
  }
  if data.starts(with: [0x80, 2]) { return "a pickle, as old files of torch.save" }
  if data.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "an HDF5 file, as Keras writes it" }
  if data.starts(with: [0x1f, 0x8b]) { return "a gzip file; unpack it" }
  return nil
}
