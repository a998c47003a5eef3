// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Training

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "List and fetch data sets.",
    discussion: """
      Examples:
        swpu data list
        swpu data fetch cifar10
        swpu data fetch mnist               then: swpu train --data idx
        swpu data fetch cifar100 --to ~/data --from https://mirror.example/kriz/
      """,
    subcommands: [List.self, Fetch.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the data sets: size, source, terms, and local copies.")

    @Option(help: ArgumentHelp("Folder of the local copies.", valueName: "dir"))
    var to = PublishedDataset.defaultFolder

    @Flag(help: "Print JSON on standard output.")
    var json = false

    private struct Row: Encodable {
      let name, content, terms: String
      let downloadBytes: Int?
      let source: String
      let folder: String?
    }

    private var rows: [Row] {
      [
        Row(
          name: "synthetic", content: "generated shapes, 32x32, 10 classes",
          terms: "none", downloadBytes: nil, source: "generated from the random seed", folder: nil)
      ]
        + PublishedDataset.all.map { set in
          Row(
            name: set.name, content: set.content, terms: set.terms,
            downloadBytes: set.byteCount, source: set.address,
            folder: set.isPresent(in: to) ? set.path(in: to) : nil)
        } + [
          Row(
            name: "idx", content: "Fashion-MNIST and others in the IDX files of MNIST",
            terms: "those of your files", downloadBytes: nil,
            source: "your files: --data idx --data-path DIR", folder: nil),
          Row(
            name: "folder", content: "PNG and JPEG images in train/CLASS and val/CLASS",
            terms: "those of your files", downloadBytes: nil,
            source: "your files: --data folder --data-path DIR", folder: nil),
        ]
    }

    func run() throws {
      if json { return try printJSON(rows) }
      for row in rows {
        print("\(row.name)\n  holds   \(row.content)\n  source  \(row.source)")
        if let bytes = row.downloadBytes {
          print("  size    \(mebibytes(bytes)) MiB to download")
          print("  here    \(row.folder ?? "no; swpu data fetch \(row.name)")")
        }
        print("  terms   \(row.terms)")
      }
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Download a data set, verify and unpack it.",
      discussion: """
        Ctrl-C keeps what has been downloaded; the same command resumes the download. Needs curl.
        """)

    @Argument(help: "Data set: \(PublishedDataset.all.map(\.name).joined(separator: ", ")).")
    var name: String

    @Option(help: ArgumentHelp("Folder to unpack into.", valueName: "dir"))
    var to = PublishedDataset.defaultFolder

    @Option(
      help: ArgumentHelp(
        "Mirror to download from; the checksums must be the official ones.",
        valueName: "url"))
    var from: String?

    func run() throws {
      guard let set = PublishedDataset.all.first(where: { $0.name == name }) else {
        let names = PublishedDataset.all.map(\.name).joined(separator: ", ")
        throw ValidationError("\(name) cannot be fetched; what can: \(names)")
      }
      let target = set.path(in: to)
      if set.isPresent(in: to) {
        note("\(name) is in \(target) already.")
      } else {
        Interrupt.watch()
        note("Fetching \(from ?? set.address)\nTerms: \(set.terms); see \(set.home)")
        var display = FetchDisplay(set)
        let finished = try set.fetch(
          to: to, from: from, shouldStop: { Interrupt.isRequested },
          progress: { display.show($0) })
        guard finished else {
          note("\nStopped; the same command goes on from here.")
          throw ExitCode(130)
        }
        note("\(name) is in \(target).")
      }
      let path = to == PublishedDataset.defaultFolder ? "" : " --data-path \(target)"
      note("Next: swpu train --data \(set.source.rawValue)\(path)")
    }
  }
}

/// Shows a fetch on standard error: a live line on a terminal, a plain line now and then elsewhere.
private struct FetchDisplay {
  private let total: Int
  private let isTerminal = isatty(STDERR_FILENO) != 0
  private var last: ContinuousClock.Instant?
  private var start: (time: ContinuousClock.Instant, bytes: Int)?

  init(_ set: PublishedDataset) { total = set.byteCount }

  mutating func show(_ progress: PublishedDataset.Progress) {
    switch progress {
    case .downloading(let bytes):
      let now = ContinuousClock.now
      let isLast = bytes == total
      if !isLast, let last, now - last < (isTerminal ? .milliseconds(200) : .seconds(10)) { return }
      last = now
      let start = start ?? (now, bytes)
      self.start = start
      let seconds = (now - start.time) / .seconds(1)
      let speed = seconds > 0 ? Double(bytes - start.bytes) / seconds : 0
      var text = String(
        format: "%3.0f%%  %@ of %@ MiB", 100 * Double(bytes) / Double(total),
        mebibytes(bytes), mebibytes(total))
      if speed > 0 && !isLast {
        text += String(format: "  %.1f MiB/s  ", speed / Double(1 << 20))
        text += duration(Double(total - bytes) / speed) + " left"
      }
      let clear = isTerminal ? "\r\u{1B}[K" : ""
      let end = isTerminal && !isLast ? "" : "\n"
      StandardStreams.note(clear + text + end)
    case .checking: note("Checking SHA-256 …")
    case .unpacking: note("Unpacking …")
    }
  }
}

private func mebibytes(_ bytes: Int) -> String { String((bytes + 1 << 19) >> 20) }
