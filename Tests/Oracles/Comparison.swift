// SPDX-License-Identifier: Apache-2.0

// How every test compares arrays. `max(0, nan)` is 0 and `nan <= x` is false, so a fold of differences
// that is written manually lets an output pass that holds nothing but NaN.

/// The largest difference between values found and expected.
///
/// - Returns: infinity where a value is NaN, where one is infinite and the other is another
///   value, and where there are more values on one side.
public func largestDifference(_ found: [Float], _ expected: [Float]) -> Double {
  if found.count != expected.count { return .infinity }
  var largest = 0.0
  for (a, b) in zip(found, expected) { widen(&largest, Double(a), Double(b)) }
  return largest
}

/// The same for expectations in double precision.
public func largestDifference(_ found: [Float], _ expected: [Double]) -> Double {
  if found.count != expected.count { return .infinity }
  var largest = 0.0
  for (a, b) in zip(found, expected) { widen(&largest, Double(a), b) }
  return largest
}

/// The largest difference over the largest expected magnitude, which counts as `least` where it is
/// smaller; infinity as for `largestDifference`.
public func relativeDifference(
  _ found: [Float], _ expected: [Float], least: Double = 1
) -> Double {
  largestDifference(found, expected) / max(least, largestMagnitude(expected))
}

/// The same for expectations in double precision.
public func relativeDifference(
  _ found: [Float], _ expected: [Double], least: Double = 1
) -> Double {
  largestDifference(found, expected) / max(least, largestMagnitude(expected))
}

/// The largest magnitude among finite values: a scale for tolerances, which what is not finite must
/// not widen.
public func largestMagnitude(_ values: [Float]) -> Double {
  values.reduce(0) { $1.isFinite ? max($0, Double(abs($1))) : $0 }
}

/// The same in double precision.
public func largestMagnitude(_ values: [Double]) -> Double {
  values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
}

private func widen(_ largest: inout Double, _ a: Double, _ b: Double) {
  if a == b { return }  // equal infinities too
  let difference = abs(a - b)
  if !(difference <= largest) { largest = difference.isFinite ? difference : .infinity }
}
