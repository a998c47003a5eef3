// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The kind of a file that is commonly mistaken for another: a pointer of Git LFS, a web page, an answer
/// of a server, a file of PyTorch or Keras. Nil for anything else.
///
/// - Parameter isText: whether the file should be a text.
public func foreignKind(_ data: Data, isText: Bool = false) -> String? {
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
  // The length of a safetensors header may start with the same two bytes; of its eight the last four
  // are zeros.
  let isLength = data.count >= 8 && data.dropFirst(4).prefix(4).allSatisfy { $0 == 0 }
  if !isLength, data.count > 1, data.first == 0x80, (2...5).contains(data[data.startIndex + 1]) {
    return "a pickle, as old files of torch.save"
  }
  if starts("GGUF") { return "a GGUF file, as llama.cpp reads it" }
  if data.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "an HDF5 file, as Keras writes it" }
  if data.starts(with: [0x1f, 0x8b, 8]) { return "a gzip file; unpack it" }
  // What a server says in place of a file.
  let isPlain = data.allSatisfy { (0x20..<0x7f).contains($0) || (0x09...0x0d).contains($0) }
  if !isText, !data.isEmpty, data.count <= 4096, isPlain {
    return "a text, '\(words.prefix(40))'"
  }
  return nil
}
