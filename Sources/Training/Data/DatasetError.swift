// SPDX-License-Identifier: Apache-2.0
/// What is wrong with the files of a data set.
///
/// The description names the file, what was found, what was expected, and the official page of the
/// data set.
public struct DatasetError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kinds of fault.
  public enum Fault: String, Sendable {
    /// The file or the folder is not there.
    case missing
    /// The file is there and cannot be read.
    case unreadable
    /// The file does not have the number of bytes that its format or its header asks for.
    case wrongSize
    /// The file starts with other bytes than its format.
    case wrongMagic
    /// A label is not one of the classes.
    case wrongLabel
    /// Rows, columns or the number of images are 0, too large, or differ between the splits.
    case wrongDimensions
    /// There are not as many labels as images, or not as many names as classes.
    case wrongCount
    /// The file cannot be decompressed.
    case wrongCompression
    /// The program was built without what reads these files.
    case notBuilt
    /// A file that is derived from the data set could not be written, for example to a full disk.
    case notWritten
    /// The system starts no thread that prepares batches.
    case noThread
    /// A file could not be downloaded.
    case failedDownload
    /// The file is not the one that its publisher made.
    case wrongChecksum
    /// The archive is damaged, or holds links or devices, which no data set needs.
    case wrongArchive
  }

  /// The kind of fault.
  public let fault: Fault
  /// The path of the file or folder.
  public let file: String
  /// What the file holds instead, such as "1,000 bytes".
  public let found: String
  /// What is allowed, such as "a multiple of 3,073 bytes".
  public let expected: String
  /// Where to read about the data set: the address of its official page, or a document of ours.
  public let home: String

  /// The fault in one sentence for the person who gave the path.
  public var description: String {
    "\(file): found \(found); expected \(expected). See \(home)."
  }
}

/// A number with commas between its thousands, for messages.
func grouped(_ number: Int) -> String {
  let digits = String(number.magnitude)
  var text = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}
