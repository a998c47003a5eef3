// SPDX-License-Identifier: Apache-2.0

/// The names that the tensors of a network have in a file of another program, where wrappers put more
/// before them or between their parts: `module.` of data parallelism, `_orig_mod.` of compilation,
/// `model.` or `state_dict.` of trainers, in any depth.
public struct StateNames: Sendable {
  /// Names in the file by the names in the network.
  public let byName: [String: String]
  /// Names in the file that are not below the network's prefix.
  public let others: [String]

  /// Parts that wrappers add anywhere in a name.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
    "state_dict",
  ]

  /// Finds the prefix below which most of the needed names are; of several, the shortest.
  ///
  /// - Parameters:
  ///   - found: the names in the file.
  ///   - needed: names that the network has, among others.
  public init(found: [String], needed: some Collection<String>) {
    let needed = Set(needed)
    let plain = found.map { name in
      needed.contains(name) ? name : Self.unwrapped(name)
    }
    var votes: [String: Int] = [:]
    for name in plain {
      // Every ending of the name, from its first part on, that the network has.
      var rest = name[...]
      while true {
        if needed.contains(String(rest)) {
          votes[String(name.dropLast(rest.count)), default: 0] += 1
        }
        guard let dot = rest.firstIndex(of: ".") else { break }
        rest = rest[rest.index(after: dot)...]
      }
    }
    let prefix =
      votes.max { ($0.value, -$0.key.count, $1.key) < ($1.value, -$1.key.count, $0.key) }?.key ?? ""
    var byName: [String: String] = [:]
    var others: [String] = []
    for (name, plain) in zip(found, plain) {
      let inner = String(plain.dropFirst(prefix.count))
      if plain.hasPrefix(prefix), byName[inner] == nil {
        byName[inner] = name
      } else {
        others.append(name)
      }
    }
    self.byName = byName
    self.others = others
  }

  /// A name without the parts of wrappers; slashes are dots. A weight with a parametrisation of PyTorch is
  /// `parametrizations.weight.original`.
  private static func unwrapped(_ name: String) -> String {
    var parts = name.split { $0 == "." || $0 == "/" }.filter { !wrappers.contains($0) }
    if parts.count >= 3, parts.last == "original", parts[parts.count - 3] == "parametrizations" {
      parts.remove(at: parts.count - 3)
      parts.removeLast()
    }
    return parts.joined(separator: ".")
  }

  /// Some names for a message, at most eight.
  public static func list(_ names: some Collection<String>) -> String {
    names.isEmpty
      ? "nothing"
      : names.sorted().prefix(8).joined(separator: ", ")
        + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
