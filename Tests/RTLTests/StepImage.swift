// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

@testable import RTL

/// An image of the DRAM before a step and behind it, with the commands of the step.
struct StepImage {
  private(set) var before: [UInt16] = []
  private(set) var behind: [UInt16] = []
  /// Where values lie.
  private(set) var regions: [(name: String, halves: Range<Int>)] = []
  private var commands: [[UInt32]] = []
  private var packed: Set<UInt32> = []

  /// What a command does, as `command_e` numbers it.
  enum Command: UInt32 {
    case end, loadMasks, loadWeights, streamIn, runPass, streamOut, update
  }

  /// Numbers in a command.
  private static let fields = 24

  /// Gives values a place; what they are behind the step is the same, if nothing else is said.
  mutating func place(_ name: String, _ halves: [UInt16], behind changed: [UInt16]? = nil) -> UInt32
  {
    precondition(changed == nil || changed?.count == halves.count, name)
    let first = before.count
    before += halves
    behind += changed ?? halves
    // Space that nothing may write.
    before += [0xDEAD, 0xBEEF]
    behind += [0xDEAD, 0xBEEF]
    regions.append((name, first..<first + halves.count))
    return UInt32(first)
  }

  /// A place for what the step makes.
  mutating func result(_ name: String, _ halves: [UInt16]) -> UInt32 {
    place(name, [UInt16](repeating: 0xAAAA, count: halves.count), behind: halves)
  }

  /// A place for a map that the step makes, [images][channels][pixels], with its zeros packed: channel by
  /// channel, image by image, each word of so many lanes a bitmap and the values that are not zero.
  mutating func packedResult(
    _ name: String, _ codes: [UInt16], images: Int, channels: Int, pixels: Int, lanes: Int
  ) -> UInt32 {
    var halves: [UInt16] = []
    for channel in 0..<channels {
      for image in 0..<images {
        let first = (image * channels + channel) * pixels
        for word in stride(from: first, to: first + pixels, by: lanes) {
          let packed = PackedZeros(Array(codes[word..<min(word + lanes, first + pixels)]))
          halves += (0..<(lanes + 15) / 16).map {
            UInt16(truncatingIfNeeded: packed.bitmap[0] >> UInt64(16 * $0))
          }
          halves += packed.codes
        }
      }
    }
    // Behind the last word nothing is written, in the room that all values without a zero would take.
    let room = codes.count + (lanes + 15) / 16 * ((pixels + lanes - 1) / lanes) * images * channels
    let rest = [UInt16](repeating: 0xAAAA, count: room - halves.count)
    let first = place(
      name, [UInt16](repeating: 0xAAAA, count: room), behind: halves + rest)
    packed.insert(first)
    return first
  }

  /// Whether the zeros of the map at a place are packed.
  func isPacked(_ place: UInt32?) -> Bool { place.map { packed.contains($0) } ?? false }

  /// FP32 numbers, each as two halves.
  static func halves(_ values: [Float]) -> [UInt16] {
    halves(values.map(\.bitPattern))
  }

  /// Numbers of 32 bits, each as two halves.
  static func halves(_ words: [UInt32]) -> [UInt16] {
    words.flatMap { [UInt16(truncatingIfNeeded: $0), UInt16($0 >> 16)] }
  }

  /// Adds a command with its fields by number.
  mutating func add(_ command: Command, _ fields: [Int: UInt32]) {
    var words = [UInt32](repeating: 0, count: Self.fields)
    words[0] = command.rawValue
    for (field, value) in fields { words[field] = value }
    commands.append(words)
  }

  /// The image as the bench reads it.
  mutating func text() -> String {
    add(.end, [:])
    let first = place("commands", Self.halves(commands.flatMap { $0 }))
    var text = "\(hex(before.count)) \(hex(first))\n"
    for (before, behind) in zip(before, behind) { text += "\(hex(before)) \(hex(behind))\n" }
    return text
  }

  /// The region of a half.
  func region(_ half: Int) -> String? { regions.first { $0.halves.contains(half) }?.name }
}
