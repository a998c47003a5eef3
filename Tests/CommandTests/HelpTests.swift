// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import swpu

/// What `--help` prints of every command, as a terminal of 80 columns shows it.
@Suite("Help") struct HelpTests {
  /// The words that choose each command.
  static let commands: [[String]] = words(of: SWPU.self, [])

  private static func words(of command: any ParsableCommand.Type, _ before: [String]) -> [[String]]
  {
    [before]
      + command.configuration.subcommands.flatMap { words(of: $0, before + [name(of: $0)]) }
  }

  private static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? "\(command)".lowercased()
  }

  private func help(_ command: [String]) throws -> [Substring] {
    var type: any ParsableCommand.Type = SWPU.self
    for word in command {
      type = try #require(type.configuration.subcommands.first { Self.name(of: $0) == word })
    }
    return SWPU.helpMessage(for: type, columns: 80)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("Lines fit 80 columns", arguments: commands)
  func width(command: [String]) throws {
    for line in try help(command) { #expect(line.count <= 80, "\(line)") }
  }

  @Test("Examples are one line each", arguments: commands)
  func examples(command: [String]) throws {
    let lines = try help(command)
    guard let start = lines.firstIndex(where: { $0 == "Examples:" || $0 == "Example:" }) else {
      return
    }
    // What an example was broken into would begin at the margin.
    let examples = lines[(start + 1)...].prefix { !$0.isEmpty }
    for line in examples { #expect(line.hasPrefix("  "), "\(line)") }
    #expect(!examples.isEmpty)
  }

  @Test("No option lists its choices or its default twice", arguments: commands)
  func choices(command: [String]) throws {
    var entry = ""
    let options = try help(command).drop { !$0.hasPrefix("  -") }
    for line in options + ["  --end"] {
      if line.hasPrefix("  -") || line.isEmpty {
        for word in ["values:", "Values:", "default:", "Default:"] {
          let count = entry.components(separatedBy: word).count - 1
          #expect(count <= 1, "\(entry)")
        }
        let names = entry.split { " ,:();".contains($0) }.map(String.init)
        for choice in [
          "sub-structured", "resnet18", "synthesised", "safetensors", "input-gradient",
        ] {
          let count = names.count { $0 == choice }
          // A choice and the default that it is.
          #expect(count <= (entry.contains("default:") ? 2 : 1), "\(entry)")
        }
        entry = ""
      }
      entry += line + " "
    }
  }
}
