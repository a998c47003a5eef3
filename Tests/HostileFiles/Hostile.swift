// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Feeds a reader every truncation of a file and every file with one byte changed. Each has to be read
/// or refused with an `InputError` of the file `test`; anything else ends the program.
public func attack(
  _ data: Data, values: [UInt8]? = nil, _ read: (Data) throws(InputError) -> Void
) -> (accepted: Int, refused: Int) {
  var (accepted, refused) = (0, 0)
  func feed(_ data: Data) {
    do {
      try read(data)
      accepted += 1
    } catch {
      precondition(!error.field.isEmpty && error.file == "test", "\(error)")
      refused += 1
    }
  }
  for length in 0..<data.count { feed(data.prefix(length)) }
  var changed = data
  for index in data.indices {
    let original = data[index]
    for value in values ?? Array(0...255) where value != original {
      changed[index] = value
      feed(changed)
    }
    changed[index] = original
  }
  return (accepted, refused)
}

/// A file of the corpus: what a parser once met or may meet.
public func corpus(_ name: String) throws -> Data {
  let folder = Bundle.module.bundleURL.appendingPathComponent("Corpus")
  return try Data(contentsOf: folder.appendingPathComponent(name))
}
