import KerasConfiguration

/// What is known about the learning rates of the updates between two files.
struct RateBound: Sendable, Hashable {
  /// Not less than any of the rates.
  var greatest: Double
  /// Not more than any of them, where all are known; nil elsewhere.
  var least: Double?
  /// Not less than the sum of their squares.
  var squaredSum: Double
  /// Whether the rate is a number that may have been set to something else and back meanwhile.
  var isAssumed: Bool

  /// A rate that was one of two numbers, or between them.
  init(_ before: Double, _ after: Double, updateCount: Double) {
    greatest = max(before.magnitude, after.magnitude)
    least = before == after ? greatest : nil
    squaredSum = greatest * greatest * updateCount
    isAssumed = true
  }

  /// A schedule over counters that are not empty.
  ///
  /// - Parameter callsPerUpdate: with accumulated gradients, calls of which the last one updates.
  /// - Returns: nil for a schedule without numbers.
  init?(_ schedule: ScheduleConfiguration, counters: ClosedRange<Int64>, callsPerUpdate: Int64) {
    guard let greatest = schedule.greatestRate(over: counters) else { return nil }
    self.greatest = greatest
    isAssumed = false
    squaredSum = 0
    // So many pieces tell a falling rate well; each is taken for as high as its highest step.
    let count = counters.upperBound - counters.lowerBound + 1
    let length = max(callsPerUpdate, (count + 4095) / 4096)
    var first = counters.lowerBound
    while first <= counters.upperBound {
      let last = min(counters.upperBound, first + length - 1)
      guard let rate = schedule.greatestRate(over: first...last) else { return nil }
      // The call at counter c updates if c + 1 is a multiple.
      let updates = Double((last + 1) / callsPerUpdate - first / callsPerUpdate)
      squaredSum += rate * rate * updates
      first = last + 1
    }
    least = count == 1 ? greatest * (1 - 1e-4) : nil
  }

  /// A limit that the user gives.
  init(limit: Double, updateCount: Double) {
    greatest = limit
    squaredSum = limit * limit * updateCount
    isAssumed = false
  }
}
