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
  /// One of the command's options that is nearly the same, or that other programs call so.
  let likely: String?

  /// What other programs call our options. Names are no aliases, so that each option has one name in
  /// commands, files and documents; who types another one learns ours.
  private static let synonyms: [String: [String]] = [
    "learning-rate": ["lr", "base-lr", "learningrate", "max-lr", "lr0"],
    "learning-rate-decay": ["lr-schedule", "lr-scheduler", "scheduler", "lr-decay"],
    "batch": ["bs", "b", "batch-size", "batchsize"],
    "weight-decay": ["wd", "l2", "decay"],
    "epochs": ["e", "n-epochs", "num-epochs", "max-epochs"],
    "model": ["m", "arch", "architecture", "net", "network", "backbone"],
    "data": ["d", "dataset"], "data-path": ["data-dir", "root", "dataset-path", "path"],
    "image-size": ["img-size", "imgsz", "input-size", "resolution", "size"],
    "train-images": ["limit", "max-samples", "subset"],
    "initialize-from": [
      "pretrained", "weights", "init", "load", "checkpoint", "finetune", "fine-tune",
      "initialise-from", "init-from", "finetune-from",
    ],
    "optimizer": ["opt", "optim", "optimiser"], "momentum": ["mom"],
    "warm-up-epochs": ["warmup", "warm-up", "warmup-epochs"],
    "clip": ["grad-clip", "clip-grad", "gradient-clipping", "max-norm", "clip-norm"],
    "label-smoothing": ["smoothing"], "distill-from": ["teacher", "distill"],
    "distill-temperature": ["temperature"], "augment": ["augmentation", "aug"],
    "sparsity": ["prune", "pruning", "pruning-rate", "density", "target-sparsity"],
    "recipe": ["method", "algorithm"], "update-interval": ["delta-t", "update-frequency"],
    "grow-fraction": ["death-rate", "prune-rate", "alpha"],
    "output": ["o", "out", "out-dir", "output-dir", "save", "save-dir", "dir"],
    "resume": ["r", "continue", "resume-from"], "config": ["c", "cfg", "configuration"],
    "threads": ["j", "t", "jobs", "workers", "num-workers", "num-threads", "cpus"],
    "seed": ["s", "random-seed"], "json": ["format-json"],
    "tensorboard": ["tb", "logdir", "log"], "granularity": ["structure", "unit"],
  ]

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
    let typed = rest.prefix { $0 != "--" }.compactMap(Self.option)
    guard let option = typed.first(where: { $0.dashes == "-" || !known.contains($0.name) }) else {
      return nil
    }
    name = option.dashes + option.name
    likely = Self.likely(option.name, among: names).map { "--" + $0 }
  }

  /// The name of an option in a word; nil for what is none, a negative number among them.
  private static func option(_ word: String) -> (dashes: String, name: String)? {
    let dashes = word.prefix { $0 == "-" }
    let name = word.dropFirst(dashes.count).prefix { $0 != "=" }
    guard (1...2).contains(dashes.count), name.first?.isLetter == true, word != "-h",
      !["-inf", "-infinity", "-nan"].contains(word)
    else { return nil }
    return (String(dashes), String(name))
  }

  private static func likely(_ name: String, among names: [String]) -> String? {
    let name = name.lowercased().replacing("_", with: "-")
    if names.contains(name) { return name }
    if let ours = names.first(where: { synonyms[$0]?.contains(name) == true }) { return ours }
    return names.map { (name: $0, distance: distance($0, name)) }
      .filter { $0.distance <= 2 && $0.distance < name.count }
      .min { $0.distance < $1.distance }?.name
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
