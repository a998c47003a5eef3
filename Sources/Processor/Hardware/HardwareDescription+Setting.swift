// SPDX-License-Identifier: Apache-2.0
import Files
import Yams

extension HardwareDescription {
  /// The description with one key set to another value, for example `array.rows` to `32`. A kind of DRAM
  /// brings the bandwidth of a device of 32 pins, which the next setting may change.
  ///
  /// - Throws: `ConfigurationError` for a key that does not exist or a value that is not allowed.
  public func setting(_ key: String, to value: String, file: String = "command line")
    throws(ConfigurationError) -> HardwareDescription
  {
    let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let root = try? Yams.compose(yaml: yaml) else {
      preconditionFailure("a description's own YAML cannot be read")
    }
    let text: String?
    switch path.count {
    case 1 where root[path[0]]?.scalar != nil:
      var changed = root
      changed[path[0]] = Node(value)
      text = try? Yams.serialize(node: changed)
    case 2 where root[path[0]]?[path[1]]?.scalar != nil:
      var changed = root
      changed[path[0]]?[path[1]] = Node(value)
      text = try? Yams.serialize(node: changed)
    default:
      throw ConfigurationError(
        file, key, "is not a key; one is section.key, as in 'swpu hardware \(name)' prints them")
    }
    guard let text else {
      throw ConfigurationError(file, key, "'\(value)' cannot be written as YAML")
    }
    var description = try HardwareDescription(yaml: text, file: file)
    if key == "memory.dram" {
      description.memory.dramGigabytesPerSecond = description.memory.dram.gigabytesPerSecond
    }
    return description
  }
}
