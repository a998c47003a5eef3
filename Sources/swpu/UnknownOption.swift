// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// An option that a command does not have.
///
/// The parser looks for those last: the value of one that is misspelt would first be taken for the
/// command's argument, and the error be about that.
struct UnknownOption {
  /// The option as it was typed.
  let name: String
  /// One of the command's options that is nearly the same.
  let likely: String?

  /// What the parser says of itself (`--experimental-dump-help`).
  private struct Tool: Decodable {
    let command: Command
  }
  private struct Command: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { let name: String }
      let names: [Name]?
    }
    let commandName: String
    let subcommands: [Command]?
    let arguments: [Argument]?
  }

  /// Looks for one among the words of a command line; nil where there is none.
  init?(in words: [String], of root: any ParsableCommand.Type) {
    guard var command = Self.description(of: root) else { return nil }
    var rest = words[...]
    while let word = rest.first,
      let next = command.subcommands?.first(where: { $0.commandName == word })
    {
      command = next
      rest = rest.dropFirst()
    }
    let names = (command.arguments ?? []).flatMap { $0.names ?? [] }.map(\.name)
    let known = Set(names + ["help", "version", "experimental-dump-help"])
    let typed = rest.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }
      .map { String($0.dropFirst(2).prefix { $0 != "=" }) }
    guard let name = typed.first(where: { !known.contains($0) }) else { return nil }
    self.name = "--" + name
    likely = names.map { (name: $0, distance: Self.distance($0, name)) }
      .filter { $0.distance <= 2 }.min { $0.distance < $1.distance }.map { "--" + $0.name }
  }

  /// The mistake and what would be right.
  var message: String {
    "Unknown option '\(name)'" + (likely.map { ". Did you mean '\($0)'?" } ?? "")
  }

  private static func description(of root: any ParsableCommand.Type) -> Command? {
    do {
      _ = try root.parseAsRoot(["--experimental-dump-help"])
      return nil
    } catch {
      let text = Data(root.message(for: error).utf8)
      return try? JSONDecoder().decode(Tool.self, from: text).command
    }
  }

  /// How many letters have to be put in, left out or changed.
  private static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let changed = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
