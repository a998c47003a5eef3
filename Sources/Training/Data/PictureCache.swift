#if Pictures
  import Foundation

  /// Pictures of a split as they came out of decoding and scaling, kept on the disk so that the next
  /// run need not decode them. It stands for the files that its fingerprint tells of, and is written
  /// anew when those have changed.
  struct PictureCache {
    /// What decoding gave.
    struct Content: Equatable {
      /// `[image][channel][row][column]`.
      var pixels: [UInt8] = []
      var labels: [UInt16] = []
      var leftOut: [LeftOutFile] = []
    }

    private struct Header: Codable {
      let fingerprint: String
      let labels: [UInt16]
      let leftOut: [LeftOutFile]
    }

    /// Bytes that are read or written at a time, so that no second copy of all pictures is made.
    private static let piece = 1 << 24

    let file: URL
    private let imageBytes: Int
    private let fingerprint: String
    private let entries: Int
    private let lastLabel: UInt16

    /// The place in `folder` for the pictures of `split` of `source`, scaled to `side`.
    init(folder: String, source: String, split: String, side: Int, entries: [PictureFolder.Entry]) {
      var name = SHA256()
      let path = URL(fileURLWithPath: source).standardizedFileURL.path
      name.add(Array("\(path)\0\(split)\0\(side)".utf8))
      file = URL(fileURLWithPath: folder).appendingPathComponent(name.finish() + ".pictures")
      imageBytes = 3 * side * side
      var sum = SHA256()
      for entry in entries {
        let target = URL(fileURLWithPath: entry.path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        let size = (attributes?[.size] as? NSNumber)?.intValue ?? -1
        let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let text = "\(entry.path)\0\(target)\0\(entry.label)\0\(size)\0\(time.bitPattern)\n"
        sum.add(Array(text.utf8))
      }
      fingerprint = sum.finish()
      self.entries = entries.count
      lastLabel = entries.map(\.label).max() ?? 0
    }

    /// What is kept for exactly these files; nil where there is nothing, or anything is amiss.
    func read() -> Content? {
      guard let handle = try? FileHandle(forReadingFrom: file) else { return nil }
      defer { try? handle.close() }
      guard let first = try? handle.read(upToCount: 8), first.count == 8 else { return nil }
      let headerBytes = first.reduce(0) { $0 << 8 | UInt64($1) }
      guard headerBytes <= 1 << 30, let text = try? handle.read(upToCount: Int(headerBytes)),
        let header = try? JSONDecoder().decode(Header.self, from: text),
        header.fingerprint == fingerprint,
        header.labels.count + header.leftOut.count == entries,
        header.labels.allSatisfy({ $0 <= lastLabel })
      else { return nil }
      var content = Content(pixels: [], labels: header.labels, leftOut: header.leftOut)
      let count = imageBytes * header.labels.count
      content.pixels.reserveCapacity(count)
      while let bytes = try? handle.read(upToCount: Self.piece), !bytes.isEmpty {
        content.pixels.append(contentsOf: bytes)
        if content.pixels.count > count { return nil }
      }
      return content.pixels.count == count ? content : nil
    }

    /// Keeps `content`. Where the disk is full or read-only nothing is kept, which only costs time.
    func write(_ content: Content) {
      let files = FileManager.default
      let folder = file.deletingLastPathComponent()
      let temporary = folder.appendingPathComponent(".\(file.lastPathComponent).\(getpid())")
      defer { try? files.removeItem(at: temporary) }
      do {
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        let header = try JSONEncoder().encode(
          Header(fingerprint: fingerprint, labels: content.labels, leftOut: content.leftOut))
        let size = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (56 - 8 * $0)) }
        try (Data(size) + header).write(to: temporary)
        let handle = try FileHandle(forWritingTo: temporary)
        try handle.seekToEnd()
        for start in stride(from: 0, to: content.pixels.count, by: Self.piece) {
          let end = min(start + Self.piece, content.pixels.count)
          try handle.write(contentsOf: Data(content.pixels[start..<end]))
        }
        try handle.close()
        if files.fileExists(atPath: file.path) { try files.removeItem(at: file) }
        try files.moveItem(at: temporary, to: file)
      } catch {
        return
      }
    }
  }
#endif
