// SPDX-License-Identifier: Apache-2.0

import Masks

/// A layer that is too large to be simulated: which one, and what it would take.
public struct WorkloadSizeError: Error, Equatable, CustomStringConvertible {
  /// The layer.
  public let layer: String
  /// What is too large, and what is allowed.
  public let problem: String

  /// Layer and problem.
  public var description: String { "layer '\(layer)': \(problem)" }
}

/// Bounds of memory and time, checked before either is spent.
enum WorkloadSize {
  /// Words of 64 mask bits of a pass at most: 2 GiB.
  static let mostMaskWords = 1 << 28
  /// Entries that the groups of a pass go through at most, over all of its groups.
  static let mostPlannedEntries = 1 << 32

  /// - Throws: `WorkloadSizeError`.
  static func check(
    _ layer: Workload.Layer, images: Int, array: HardwareDescription.Array
  ) throws(WorkloadSizeError) {
    let geometry = layer.geometry
    let taps = geometry.rows * geometry.columns
    let sides = [
      (geometry.filters, geometry.input.channels), (geometry.input.channels, geometry.filters),
    ]
    for (rows, planes) in sides {
      let words = rows.multipliedReportingOverflow(by: (planes * taps + 63) / 64)
      if words.overflow || words.partialValue > mostMaskWords {
        throw WorkloadSizeError(
          layer: layer.name,
          problem: "the masks of \(rows) output planes of \(planes) input planes and \(taps) taps, "
            + "grouped or not, are more than the model holds; at most \(mostMaskWords * 64) bits")
      }
      let entries = ceilingDivision(rows, array.rows).multipliedReportingOverflow(
        by: planes * taps)
      if entries.overflow || entries.partialValue > mostPlannedEntries {
        throw WorkloadSizeError(
          layer: layer.name,
          problem:
            "\(ceilingDivision(rows, array.rows)) groups of rows of \(planes * taps) entries "
            + "are more than the model plans; at most \(mostPlannedEntries) entries in all")
      }
    }
  }
}
