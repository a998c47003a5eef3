// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The words of a command line as the parser is to read them.
enum Arguments {
  /// Joins a negative number to its option (`--sparsity=-0.1`), which the parser would take for an
  /// option of its own, so that the range of the option is what is said.
  ///
  /// - Throws: `ValidationError` for an empty word: no option of ours has an empty value, and an empty
  ///   path would mean the folder that one is in.
  static func prepared(_ words: [String]) throws -> [String] {
    var result: [String] = []
    var isOption = false
    for (index, word) in words.enumerated() {
      if word.isEmpty {
        let before = index > 0 ? " after '\(words[index - 1])'" : ""
        throw ValidationError("an empty word stands\(before); give a value")
      }
      if word.hasPrefix("--"), word.hasSuffix("="), word.firstIndex(of: "=") == word.indices.last {
        throw ValidationError("\(word.dropLast()): the value is empty; give one")
      }
      if isOption, isNegativeNumber(word) {
        result[result.count - 1] += "=" + word
        isOption = false
      } else {
        result.append(word)
        isOption = word.hasPrefix("--") && word.count > 2 && !word.contains("=")
      }
      // What stands behind this is no option any more.
      if word == "--" { return result + words[(index + 1)...] }
    }
    return result
  }

  private static func isNegativeNumber(_ word: String) -> Bool {
    guard word.first == "-", let second = word.dropFirst().first else { return false }
    return second.isNumber || second == "." || ["-inf", "-nan", "-infinity"].contains(word)
  }
}
