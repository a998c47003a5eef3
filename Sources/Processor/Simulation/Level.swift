// SPDX-License-Identifier: Apache-2.0
import Files
import Masks

/// How a pass is run on the SWPU. All levels give the same cycles and counts.
public enum Level: String, Codable, Sendable, CaseIterable {
  /// Analytical: the timing recurrence, jumping over what repeats. Baselines have this level only.
  case fast
  /// Cycle-accurate: the units' state machines, a cycle at a time.
  case cycle
  /// Functional: random values through the units, checked in every bit against plain loops; time as at
  /// the fast level.
  case value
}

/// A level whose values differ from the reference: an error of the program, but one that only a run
/// can find.
public struct LevelError: Error, CustomStringConvertible {
  /// Layer and pass.
  public let place: String
  /// What differs.
  public let problem: String

  /// Place and problem.
  public var description: String { "\(place): \(problem)" }
}

extension LayerPass {
  /// The pass at some level, and the checksum of its values where it has any.
  ///
  /// - Throws: `LevelError` when the values differ from the reference.
  func run(_ level: Level) throws(LevelError) -> (run: PassRun, checksum: UInt64?) {
    var run = self.run()
    switch level {
    case .fast: return (run, nil)
    case .cycle:
      let stepped = swpuSchedule.cycleStepped(hardware)
      run.timing = stepped.timing
      // What no unit sees is kept: products of the dense layer, and the layer's shares of zeros.
      let known = run.activity
      run.activity = stepped.activity
      run.activity.denseMACs = known.denseMACs
      run.activity.zeroShare = known.zeroShare
      run.activity.sourceZeroShare = known.sourceZeroShare
      run.activity.maskedShare = known.maskedShare
      return (run, nil)
    case .value:
      let operands = PassOperands(layer, pass: pass, images: images, seed: 1)
      let found = ValuePass.run(
        layer.geometry, mask: layer.mask, images: images, hardware: hardware, operands: operands)
      let expected = ReferencePass.run(
        layer.geometry, mask: layer.mask, images: images, hardware: hardware, operands: operands)
      if let index = found.firstDifference(from: expected) {
        throw LevelError(
          place: "\(layer.name) \(pass.rawValue)",
          problem: "value \(index) is \(found.values[index]), by the definition "
            + "\(expected[index])")
      }
      return (run, found.valueChecksum)
    }
  }
}
