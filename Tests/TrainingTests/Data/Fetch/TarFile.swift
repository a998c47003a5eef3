// SPDX-License-Identifier: Apache-2.0
/// The bytes of a tar archive, for tests.
enum TarFile {
  /// An entry with its header; `kind` is "0" for a file, "5" for a folder, "2" for a link.
  static func entry(
    _ name: String, _ data: [UInt8] = [], kind: Character = "0", link: String = "",
    prefix: String = "", size: String? = nil
  ) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at place: Int) {
      for (index, byte) in text.utf8.enumerated() { header[place + index] = byte }
    }
    func octal(_ number: Int, digits: Int) -> String {
      let text = String(number, radix: 8)
      return String(repeating: "0", count: digits - text.count) + text
    }
    put(name, at: 0)
    put("0000644", at: 100)
    put(size ?? octal(data.count, digits: 11), at: 124)
    put("00000000000", at: 136)
    put(String(repeating: " ", count: 8), at: 148)
    put(String(kind), at: 156)
    put(link, at: 157)
    put("ustar", at: 257)
    put("00", at: 263)
    put(prefix, at: 345)
    put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6), at: 148)
    header[154] = 0
    return header + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
  }

  /// The blocks that end an archive.
  static let end = [UInt8](repeating: 0, count: 1024)
}
