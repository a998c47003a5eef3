// SPDX-License-Identifier: Apache-2.0
/// The windows of a group for the tiles in which the same taps read inside the map: which entry is
/// at which lane, and how each row's network is set.
package struct ControllerWindows: Sendable {
  /// Entries of one window.
  package struct Window: Sendable {
    /// The entry at each lane, in the order of the group's lines.
    package var entries: [Int] = []
    /// The switches of each row.
    package var settings: [CompressNetwork.Settings] = []
  }

  package private(set) var windows: [Window]

  /// What the controller emits for tiles with these taps: the entries that a row of the group needs
  /// (with detect-before-load off, all that it can read), in the order of
  /// the group's lines, E a window.
  package init(
    _ part: LoweredPart, group: [Int], order: LineOrder, active: [Bool],
    network: CompressNetwork, detects: Bool
  ) {
    windows = []
    for entry in (0..<order.places).lazy.map(order.entry) where active[entry % part.tapCount] {
      let isWanted = group.contains { row in
        detects
          ? part.needs(row: row, entry: entry) : part.reachedEntries(row).contains(entry)
      }
      if !isWanted { continue }
      if windows.last.map({ $0.entries.count == network.lanes }) ?? true {
        windows.append(Window())
      }
      windows[windows.count - 1].entries.append(entry)
    }
    for index in windows.indices { windows[index].set(network, part, group) }
  }

  /// The same windows without the entries that read nothing but padding in some tile.
  package func only(
    _ active: [Bool], network: CompressNetwork, part: LoweredPart, group: [Int]
  ) -> ControllerWindows {
    var rest = self
    for index in windows.indices {
      rest.windows[index].entries.removeAll { !active[$0 % part.tapCount] }
      rest.windows[index].set(network, part, group)
    }
    return rest
  }
}

extension ControllerWindows.Window {
  fileprivate mutating func set(_ network: CompressNetwork, _ part: LoweredPart, _ group: [Int]) {
    settings = group.map { row in
      var mask: UInt64 = 0
      for (lane, entry) in entries.enumerated() where part.needs(row: row, entry: entry) {
        mask |= 1 << UInt64(lane)
      }
      return network.settings(needed: mask)
    }
  }
}
