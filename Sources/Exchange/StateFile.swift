// SPDX-License-Identifier: Apache-2.0
import Files

/// The tensors of a safetensors file by the names that a network has for them.
///
/// A weight that PyTorch prunes is two tensors, `weight_orig` and `weight_mask`; here it is `weight`,
/// their product.
public struct StateFile: Sendable {
  /// A tensor of the network: one of the file, or one with its mask.
  private struct Source {
    let entry: SafetensorsFile.Entry
    var mask: SafetensorsFile.Entry?
  }

  /// The file.
  public let file: SafetensorsFile
  /// Names of tensors in the file that are not below the network's prefix, in order.
  public let others: [String]
  private let sources: [String: Source]
  private let fileNames: [String: [String]]

  private static let original = "_orig"
  private static let mask = "_mask"

  /// The tensors of a file.
  ///
  /// - Parameter needed: names that the network has, by which the file's prefix is found.
  public init(_ file: SafetensorsFile, needed: some Collection<String>) {
    let entries = Dictionary(file.entries.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    let names = StateNames(
      found: file.entries.map(\.name), needed: needed.flatMap { [$0, $0 + Self.original] })
    var sources: [String: Source] = [:]
    var fileNames: [String: [String]] = [:]
    for (name, found) in names.byName {
      guard let entry = entries[found] else { continue }
      let stem = String(name.dropLast(Self.original.count))
      if name.hasSuffix(Self.mask), names.byName[stem + Self.original] != nil { continue }
      if name.hasSuffix(Self.original), let mask = names.byName[stem + Self.mask],
        names.byName[stem] == nil
      {
        sources[stem] = Source(entry: entry, mask: entries[mask])
        fileNames[stem] = [found, mask]
      } else {
        sources[name] = Source(entry: entry)
        fileNames[name] = [found]
      }
    }
    self.file = file
    self.sources = sources
    self.fileNames = fileNames
    others = names.others
  }

  /// The names, in no order.
  public var names: [String] { Array(sources.keys) }

  /// The file's names of the tensors that make one tensor of the network.
  public func fileNames(of name: String) -> [String] { fileNames[name] ?? [] }

  /// The shape of a tensor; nil for one that is not there.
  public func shape(_ name: String) -> [Int]? { sources[name]?.entry.shape }

  /// Whether a tensor is of a type of floats.
  public func isFloat(_ name: String) -> Bool {
    [.float16, .bfloat16, .float32, .float64].contains(sources[name]?.entry.element)
  }

  /// The values of a tensor.
  ///
  /// - Throws: `InputError` for one that is missing, of another type than floats, with values that are not
  ///   finite, or with a mask of another shape.
  public func values(_ name: String) throws(InputError) -> [Float] {
    guard let source = sources[name] else {
      throw InputError(
        file: file.file, field: "tensor '\(name)'",
        value: "no such tensor; there is \(StateNames.list(file.entries.map(\.name)))",
        allowed: "a tensor of this name")
    }
    let values = try file.array(source.entry).values
    guard let mask = source.mask else { return values }
    guard mask.shape == source.entry.shape else {
      throw InputError(
        file: file.file, field: "tensor '\(mask.name)' shape", value: "\(mask.shape)",
        allowed: "\(source.entry.shape), as of '\(source.entry.name)'")
    }
    let kept = try file.nonZero(mask)
    return zip(values, kept).map { $1 ? $0 : 0 }
  }
}
