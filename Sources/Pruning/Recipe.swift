// SPDX-License-Identifier: Apache-2.0
/// A named set of values for the schedule, the exchange and the budget, as in published methods; for any
/// granularity and sparsity.
public enum Recipe: String, CaseIterable, Codable, Sendable {
  /// Sparse evolutionary training (Mocanu et al. 2018): sparse from scratch, random growth, to the end.
  case set
  /// RigL (Evci et al. 2020): sparse from scratch, growth by gradient, until three quarters.
  case rigl
  /// As GraNet (Liu et al. 2021): a ramp from half of the weights by one threshold over all layers,
  /// exchange from the first update on, to the end.
  case granet
  /// The defaults: a ramp from half of the weights, then exchange, then fixed masks.
  case swpu
}

extension PruningConfiguration {
  /// Sets the values of a recipe; granularity, sparsity, balance and the rest stay.
  public mutating func apply(_ recipe: Recipe) {
    let defaults = PruningConfiguration()
    schedule = defaults.schedule
    startDensity = defaults.startDensity
    rampEnd = defaults.rampEnd
    exchangeFrom = defaults.exchangeFrom
    freezeFrom = defaults.freezeFrom
    budget = defaults.budget
    growth = defaults.growth
    growFraction = defaults.growFraction
    switch recipe {
    case .set:
      schedule = .dynamic
      exchangeFrom = 0
      freezeFrom = 1
      budget = .erk
      growth = .random
    case .rigl:
      schedule = .dynamic
      exchangeFrom = 0
      budget = .erk
    case .granet:
      exchangeFrom = 0
      freezeFrom = 1
      growFraction = 0.5
      budget = .global
    case .swpu: break
    }
  }
}
