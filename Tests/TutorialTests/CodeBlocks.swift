// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A fenced block of code of a document.
struct CodeBlock: Sendable {
  /// The language behind the fence, and the rest of the line: a file, or a requirement of the block.
  let language, note: String
  /// The number of its first line in the document.
  let line: Int
  let lines: [String]

  var text: String { lines.joined(separator: "\n") + "\n" }

  /// All blocks of a Markdown document.
  static func all(in markdown: String) -> [CodeBlock] {
    var blocks: [CodeBlock] = []
    var open: (info: [Substring], line: Int, lines: [String])?
    for (index, line) in markdown.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      if let block = open {
        if line == "```" {
          blocks.append(
            CodeBlock(
              language: block.info.first.map(String.init) ?? "",
              note: block.info.dropFirst().joined(separator: " "), line: block.line,
              lines: block.lines))
          open = nil
        } else {
          open?.lines.append(String(line))
        }
      } else if line.hasPrefix("```") {
        open = (line.dropFirst(3).split(separator: " "), index + 2, [])
      }
    }
    return blocks
  }

  /// Whether the block's lines follow each other in `source`, with any indentation.
  func stands(in source: String) -> Bool {
    func trimmed(_ lines: [some StringProtocol]) -> [String] {
      lines.map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let own = trimmed(lines)
    let others = trimmed(source.split(separator: "\n", omittingEmptySubsequences: false))
    return !own.isEmpty && others.count >= own.count
      && (0...others.count - own.count).contains { others[$0...].starts(with: own) }
  }
}
