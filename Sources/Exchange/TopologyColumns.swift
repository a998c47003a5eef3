// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation

/// A line of a topology file with its cells.
struct TopologyRow {
  let line: Int
  let cells: [String]

  /// The lines with content that are no comments.
  static func rows(of text: String) -> [TopologyRow] {
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    let separator = separator(of: lines)
    return lines.enumerated().compactMap { place, line in
      let start = line.drop(while: \.isWhitespace)
      if start.hasPrefix("#") || start.hasPrefix("//") { return nil }
      let cells = cells(line, separator)
      return cells.contains { !$0.isEmpty } ? TopologyRow(line: place + 1, cells: cells) : nil
    }
  }

  /// The most frequent of comma, semicolon and tab.
  private static func separator(of lines: [Substring]) -> Character {
    func count(_ separator: Character) -> Int {
      lines.reduce(0) { $0 + $1.count { $0 == separator } }
    }
    return ([",", ";", "\t"] as [Character]).map { ($0, count($0)) }
      .reduce((",", 0)) { $1.1 > $0.1 ? $1 : $0 }.0
  }

  /// The cells of a line; in quotes, separators and doubled quotes are content.
  private static func cells(_ line: Substring, _ separator: Character) -> [String] {
    var cells = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case separator where !isQuoted: cells.append("")
      default: cells[cells.count - 1].append(character)
      }
    }
    return cells.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// Whether it is a layer: all cells with content but the first and some at the end are numbers.
  var isLayer: Bool { cells.count > 3 && cells[1...3].allSatisfy { Int($0) != nil } }
}

/// The places of the columns that are read.
struct TopologyColumns {
  enum Kind {
    case convolutions(
      rows: Int, columns: Int, kernelRows: Int, kernelColumns: Int, channels: Int, filters: Int,
      strides: [Int])
    case products(m: Int, n: Int, k: Int, count: Int?)
  }

  let kind: Kind
  let name: Int
  private let titles: [String]
  private let used: Set<Int>

  /// The columns of a header, or for want of names in it those of the first layer.
  init(_ header: [String], first: [String], file: String) throws(InputError) {
    titles = header
    let found = header.map {
      $0.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
    }
    if let (kind, name, used) = Self.named(found) {
      self.kind = kind
      self.name = name
      self.used = used
      return
    }
    // By place, as in SCALE-Sim: a product has at most six columns, a convolution at least eight.
    let width = first.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0
    func isNumber(_ place: Int) -> Bool { place < first.count && Int(first[place]) != nil }
    name = 0
    if width >= 8 {
      let strides = isNumber(8) ? [7, 8] : [7]
      kind = .convolutions(
        rows: 1, columns: 2, kernelRows: 3, kernelColumns: 4, channels: 5, filters: 6,
        strides: strides)
      used = Set(0...6).union(strides)
    } else if (4...6).contains(width), (1...3).allSatisfy(isNumber) {
      let count = isNumber(5) ? 5 : isNumber(4) ? 4 : nil
      kind = .products(m: 1, n: 2, k: 3, count: count)
      used = Set(0...3).union(count.map { [$0] } ?? [])
    } else {
      throw InputError(
        file: file, field: "header", value: header.joined(separator: ", "),
        allowed: "the columns of SCALE-Sim: Layer name, IFMAP Height, IFMAP Width, Filter Height, "
          + "Filter Width, Channels, Num Filter, Strides; or Layer, M, N, K")
    }
  }

  /// The columns by names, if each is there once.
  private static func named(_ found: [String]) -> (Kind, name: Int, used: Set<Int>)? {
    var used = Set<Int>()
    func column(_ names: String...) -> Int? {
      let places = found.indices.filter { names.contains(found[$0]) }
      guard places.count == 1 else { return nil }
      used.insert(places[0])
      return places[0]
    }
    guard let name = column("layername", "layer") else { return nil }
    if let m = column("m"), let n = column("n"), let k = column("k") {
      return (.products(m: m, n: n, k: k, count: column("batch")), name, used)
    }
    guard let rows = column("ifmapheight"), let columns = column("ifmapwidth"),
      let kernelRows = column("filterheight"), let kernelColumns = column("filterwidth"),
      let channels = column("channels", "channel"),
      let filters = column("numfilter", "numfilters")
    else { return nil }
    let strides: [Int]
    if let vertical = column("strideheight"), let horizontal = column("stridewidth") {
      strides = [vertical, horizontal]
    } else if let stride = column("strides", "stride") {
      strides = [stride]
    } else {
      return nil
    }
    return (
      .convolutions(
        rows: rows, columns: columns, kernelRows: kernelRows, kernelColumns: kernelColumns,
        channels: channels, filters: filters, strides: strides), name, used
    )
  }

  /// The columns with content that nothing was read from.
  func leftOut(_ rows: [[String]]) -> [String] {
    let width = max(titles.count, rows.map(\.count).max() ?? 0)
    return (0..<width).compactMap { column in
      let cells = rows.compactMap { $0.indices.contains(column) ? $0[column] : nil }
        .filter { !$0.isEmpty }
      guard !used.contains(column), let first = cells.first else { return nil }
      let title =
        titles.indices.contains(column) && !titles[column].isEmpty
        ? "'\(titles[column])'" : "\(column + 1)"
      return "column \(title) of \(cells.count) layers (\(first)\(cells.count > 1 ? ", …" : ""))"
    }
  }
}
