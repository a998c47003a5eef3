// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The terminal that standard error shows its lines on.
enum Terminal {
  /// Whether it is one.
  static let isThere = isatty(STDERR_FILENO) != 0

  /// Its columns now, for it may be resized; 80 where it is none or does not tell.
  static var columns: Int {
    var size = winsize()
    guard isThere, ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return 80
    }
    return Int(size.ws_col)
  }

  /// The parts of a line that fit beside each other in `columns`, two spaces between them: those of the
  /// lowest ranks, in their order. A line as wide as the terminal would wrap on some.
  static func line(_ parts: [(rank: Int, text: String)], columns: Int) -> String {
    var parts = parts
    func joined() -> String { parts.map(\.text).joined(separator: "  ") }
    while joined().count >= columns, parts.count > 1,
      let last = parts.indices.max(by: { (parts[$0].rank, $0) < (parts[$1].rank, $1) })
    {
      parts.remove(at: last)
    }
    return String(joined().prefix(max(1, columns - 1)))
  }
}
