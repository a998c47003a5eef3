// SPDX-License-Identifier: Apache-2.0
import Files
import MaskSamples
import Pruning
import Tensor
import Testing

@testable import Masks

@Suite struct MaskSnapshotTests {
  private func snapshot(seed: UInt64) -> MaskSnapshot {
    var random = SeededRandom(seed: seed)
    let units: [Granularity] = [.subStructured, .unstructured, .line, .dense]
    return MaskSnapshot(
      step: 1234, epoch: 5,
      layers: units.map { unit in
        let shape = random.layer()
        let pruner = LayerPruner(
          shape: shape, configuration: PruningConfiguration(granularity: unit))
        return MaskSnapshot.Layer(
          name: "stage1.conv\(unit.rawValue)", granularity: unit,
          mask: pruner.initialMask(weights: random.values(shape.count), density: 0.3),
          inputSparsity: unit == .dense ? nil : 0.5, gradientSparsity: unit == .line ? 0 : nil)
      })
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func roundTrips(seed: UInt64) throws {
    let snapshot = snapshot(seed: seed)
    let bytes = snapshot.encoded()
    #expect(bytes.starts(with: Array("SWPUMASK".utf8)))
    #expect(try MaskSnapshot(decoding: bytes, file: "a.mask") == snapshot)
    let empty = MaskSnapshot(step: 0, epoch: 0, layers: [])
    #expect(try MaskSnapshot(decoding: empty.encoded(), file: "a.mask") == empty)
  }

  @Test func everyTruncationAndEveryFlippedByteIsRejected() {
    let bytes = snapshot(seed: 3).encoded()
    for length in bytes.indices {
      #expect(throws: InputError.self) {
        try MaskSnapshot(decoding: Array(bytes[..<length]), file: "a.mask")
      }
    }
    for index in bytes.indices {
      for flip in [0x01, 0x80, 0xFF] as [UInt8] {
        var damaged = bytes
        damaged[index] ^= flip
        #expect(throws: InputError.self) { try MaskSnapshot(decoding: damaged, file: "a.mask") }
      }
    }
    #expect(throws: InputError.self) { try MaskSnapshot(decoding: bytes + [0], file: "a.mask") }
  }

  /// Damage with a checksum that fits, as an attacker would write it: an error or a sound snapshot.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func hostileBytesNeverCrash(seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 1)
    let content = snapshot(seed: seed).encoded().dropLast(8)
    func sealed(_ content: [UInt8]) -> [UInt8] {
      var writer = ByteWriter()
      writer.append(content)
      writer.integer(wordChecksum(content))
      return writer.bytes
    }
    #expect(throws: InputError.self) {
      try MaskSnapshot(decoding: sealed(content + [0]), file: "a.mask")
    }
    for index in content.indices {
      var damaged = Array(content)
      damaged[index] = UInt8(truncatingIfNeeded: random.next())
      if let other = try? MaskSnapshot(decoding: sealed(damaged), file: "a.mask") {
        #expect(other.layers.allSatisfy { $0.mask.invariantViolations().isEmpty })
      }
      let cut = Array(content[..<index])
      #expect(throws: InputError.self) { try MaskSnapshot(decoding: sealed(cut), file: "a.mask") }
    }
  }

  @Test func errorsNameFileFieldValueAndWhatIsAllowed() throws {
    var writer = ByteWriter()
    writer.append(Array("SWPUMASK".utf8))
    for number in [1, 0, 0, 0] { writer.number(number) }
    writer.integer(checksum(writer.bytes))
    let error = try #require(throws: InputError.self) {
      try MaskSnapshot(decoding: writer.bytes, file: "run/masks/7.mask")
    }
    #expect(error.description == "run/masks/7.mask: version: found 1, allowed is 2 to 3")
  }

  @Test("a file of version 2, which repeats the sizes of layers, is read as before")
  func readsVersion2() throws {
    let snapshot = snapshot(seed: 5)
    var writer = ByteWriter()
    writer.append(Array("SWPUMASK".utf8))
    for number in [2, snapshot.step, snapshot.epoch, snapshot.layers.count] {
      writer.number(number)
    }
    for layer in snapshot.layers {
      writer.text(layer.name)
      for size in [1, 2, 1, 0, 32, 31, 16, 15] { writer.number(size) }
      writer.text(layer.granularity.rawValue)
      for sparsity in [layer.inputSparsity, layer.gradientSparsity] {
        writer.number(sparsity == nil ? 0 : 1)
        if let sparsity { writer.fraction(sparsity) }
      }
      layer.mask.write(to: &writer)
    }
    writer.integer(checksum(writer.bytes))
    #expect(try MaskSnapshot(decoding: writer.bytes, file: "old.masks") == snapshot)
    // One byte changed is found in it too.
    var damaged = writer.bytes
    damaged[30] ^= 1
    #expect(throws: InputError.self) { try MaskSnapshot(decoding: damaged, file: "old.masks") }
  }
}
