// SPDX-License-Identifier: Apache-2.0

extension ConstantRule {
  /// Reductions over axes.
  static let reducing: [String: ConstantRule] = {
    var table: [String: ConstantRule] = [:]
    for (name, fold) in folds {
      table[name] = ConstantRule { node throws(Unsupported) in
        let values = try node.input(0)
        let axes = Set(try node.facts.reducedAxes(of: values.shape.count))
        let kept = values.shape.indices.map { axes.contains($0) ? 1 : values.shape[$0] }
        let own = TensorValues.strides(kept)
        let strides = values.shape.indices.map { axes.contains($0) ? 0 : own[$0] }
        var results = [Double](repeating: fold.start, count: kept.reduce(1, *))
        let targets = TensorValues.places(values.shape, strides: strides)
        for (target, value) in zip(targets, values.reals) {
          results[target] = fold.step(results[target], value)
        }
        let each = Double(values.count / max(1, results.count))
        results = results.map { fold.end($0, each) }
        if values.integers != nil {
          let whole = results.map(TensorValues.whole)
          return [TensorValues(whole, shape: node.output, element: values.element)]
        }
        return [TensorValues(results, shape: node.output, element: values.element)]
      }
    }
    return table
  }()

  /// A reduction: where it starts, what a value adds, and what the result is for so many values.
  private struct Fold: Sendable {
    let start: Double
    let step: @Sendable (Double, Double) -> Double
    let end: @Sendable (Double, Double) -> Double

    init(
      _ start: Double, _ step: @escaping @Sendable (Double, Double) -> Double,
      end: @escaping @Sendable (Double, Double) -> Double = { result, _ in result }
    ) {
      self.start = start
      self.step = step
      self.end = end
    }
  }

  private static let folds: [String: Fold] = [
    "ReduceSum": Fold(0, { $0 + $1 }), "ReduceMean": Fold(0, { $0 + $1 }, end: { $0 / $1 }),
    "ReduceProd": Fold(1, { $0 * $1 }), "ReduceMax": Fold(-.infinity, { max($0, $1) }),
    "ReduceMin": Fold(.infinity, { min($0, $1) }), "ReduceL1": Fold(0, { $0 + abs($1) }),
    "ReduceL2": Fold(0, { $0 + $1 * $1 }, end: { result, _ in result.squareRoot() }),
    "ReduceSumSquare": Fold(0, { $0 + $1 * $1 }),
  ]
}
