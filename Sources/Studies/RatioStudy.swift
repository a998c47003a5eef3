// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Accuracies of trainings at several sparsities, as `Benchmarks/study/collect` writes them, and the highest
/// pruning ratio at nearly dense accuracy.
public struct RatioStudy: Decodable, Sendable {
  /// One training.
  struct Row: Decodable {
    let variant: String
    let sparsity: Double
    let seed: Int
    let testAccuracy: Double
    let epochs: Int
  }

  private static let structured = ["channel", "filter"]
  private static let subStructured = "sub-structured"
  /// The variants that the ratio is of.
  private static let variants = structured + [subStructured, "dense"]

  let set: String
  let runsNotFinished: Int
  let rows: [Row]

  /// Reads the data of one set.
  ///
  /// - Throws: `InputError` where it cannot be read, or holds no training.
  public init(path: String) throws(InputError) {
    let data = try fileBytes(path)
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw InputError(
        file: path, field: "content", value: plainReason(error),
        allowed: "data of a study, as Benchmarks/study/collect writes it")
    }
    for (index, row) in rows.enumerated() {
      guard (0..<1).contains(row.sparsity) else {
        throw InputError(
          file: path, field: "rows[\(index)].sparsity", value: "\(row.sparsity)",
          allowed: "0 to less than 1")
      }
      guard (0...1).contains(row.testAccuracy) else {
        throw InputError(
          file: path, field: "rows[\(index)].testAccuracy", value: "\(row.testAccuracy)",
          allowed: "0 to 1")
      }
    }
    if rows.isEmpty {
      throw InputError(file: path, field: "rows", value: "none", allowed: "one training or more")
    }
  }

  /// A sparsity, and whether none was measured that is too high.
  struct Bound: Equatable {
    let sparsity: Double
    let isOpen: Bool
  }

  /// Mean accuracy of the dense trainings; nil without any.
  var dense: Double? { mean(rows.filter { $0.variant == "dense" }) }

  /// The highest sparsity at which a variant's mean accuracy is within `loss` of the dense one's, between two
  /// measured sparsities by a straight line; nil where there are no trainings to tell it from.
  func highestSparsity(of variant: String, within loss: Double) -> Bound? {
    guard let dense else { return nil }
    let own = Dictionary(grouping: rows.filter { $0.variant == variant }, by: \.sparsity)
    let measured = own.compactMap { sparsity, rows in mean(rows).map { (sparsity, $0) } }
      .sorted { $0.0 < $1.0 }
    if measured.isEmpty { return nil }
    var bound = Bound(sparsity: 0, isOpen: false)
    var last = (sparsity: 0.0, accuracy: dense)
    for (sparsity, accuracy) in measured {
      if accuracy >= dense - loss {
        bound = Bound(sparsity: sparsity, isOpen: sparsity == measured.last?.0)
      } else if last.accuracy >= dense - loss {
        let share = (last.accuracy - (dense - loss)) / (last.accuracy - accuracy)
        bound = Bound(
          sparsity: last.sparsity + share * (sparsity - last.sparsity), isOpen: false)
      }
      last = (sparsity, accuracy)
    }
    return bound
  }

  /// Sub-structured pruning beside the better of channels and filters, in words; nil where trainings of
  /// one of them, or dense ones, are missing.
  func reading(within loss: Double) -> String? {
    let structured = Self.structured.compactMap { name in
      highestSparsity(of: name, within: loss).map { (name: name, bound: $0) }
    }.max { $0.bound.sparsity < $1.bound.sparsity }
    guard let structured, let own = highestSparsity(of: Self.subStructured, within: loss) else {
      return nil
    }
    // What lies beyond the last measured sparsity is not known.
    let bound = own.isOpen && !structured.bound.isOpen ? "at least " : ""
    let sparsities =
      structured.bound.sparsity > 0
      ? String(format: "%.2fx the sparsity", own.sparsity / structured.bound.sparsity)
      : "structured pruning bears none"
    return String(
      format: "%@%.2fx fewer weights left (%.1f %% sparse, %@ %.1f %%); %@; %+.1f points",
      bound, (1 - structured.bound.sparsity) / (1 - own.sparsity), 100 * own.sparsity,
      structured.name, 100 * structured.bound.sparsity, sparsities,
      100 * (own.sparsity - structured.bound.sparsity))
  }

  /// How many times fewer weights sub-structured pruning leaves than the better of channels and filters at the
  /// accuracy of each of its sparsities, in words; nil where trainings for it are missing.
  var equalAccuracy: String? {
    guard let dense else { return nil }
    let own = Dictionary(grouping: rows.filter { $0.variant == Self.subStructured }, by: \.sparsity)
    let parts = own.sorted { $0.key < $1.key }.compactMap { sparsity, rows -> String? in
      let found = Self.structured.compactMap { name in
        mean(rows).flatMap { highestSparsity(of: name, within: dense - $0) }
      }
      guard let best = found.max(by: { $0.sparsity < $1.sparsity }), sparsity > 0 else {
        return nil
      }
      return String(
        format: "%@%.2fx at %g %%", best.isOpen ? "at most " : "",
        (1 - best.sparsity) / (1 - sparsity), 100 * sparsity)
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// What was trained.
  var origin: String {
    let used = rows.filter { Self.variants.contains($0.variant) }
    let counts = Dictionary(grouping: used) { "\($0.variant) \($0.sparsity)" }.values.map(\.count)
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    let seeds = least == most ? "\(most)" : "\(least) to \(most)"
    let epochs = Set(rows.map(\.epochs)).sorted().map(String.init).joined(separator: ", ")
    let missing = runsNotFinished == 0 ? "" : "; \(runsNotFinished) runs are not finished"
    return
      "set \(set), \(epochs) epochs, \(seeds) \(most == 1 ? "seed" : "seeds") a point\(missing)"
  }

  private func mean(_ rows: [Row]) -> Double? {
    rows.isEmpty ? nil : rows.reduce(0) { $0 + $1.testAccuracy } / Double(rows.count)
  }
}
