import KerasConfiguration

/// What is known about the learning rates of the updates between two files.
struct RateBound: Sendable, Hashable {
  /// Not less than any of the rates.
  var greatest: Double
  /// Not more than any of them, where all are known; nil elsewhere.
  var least: Double?
  /// Not less than the sum of their squares.
  var squaredSum: Double
  /// What is assumed of a rate that is a number, and may be set at any time.
  var assumption: Assumption

  enum Assumption: Sendable, Hashable {
    /// Nothing: it is a schedule, or the user told a limit.
    case none
    /// It is the same in both files, and was so between them.
    case constant
    /// It is not the same, and was never above both.
    case changed
  }

  /// A rate that was one of two numbers, or between them.
  init(_ before: Double, _ after: Double, updateCount: Double) {
    greatest = max(before.magnitude, after.magnitude)
    least = before == after ? greatest : nil
    squaredSum = greatest * greatest * updateCount
    assumption = before == after ? .constant : .changed
  }

  /// A schedule over counters that are not empty.
  ///
  /// - Parameter callsPerUpdate: with accumulated gradients, calls of which the last one updates.
  /// - Returns: nil for a schedule without numbers.
  init?(_ schedule: ScheduleConfiguration, counters: ClosedRange<Int64>, callsPerUpdate: Int64) {
    guard let greatest = schedule.greatestRate(over: counters) else { return nil }
    self.greatest = greatest
    assumption = .none
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
    least = count == 1 ? schedule.leastRate(at: counters.lowerBound) : nil
  }

  /// A limit that the user gives.
  init(limit: Double, updateCount: Double) {
    greatest = limit
    squaredSum = limit * limit * updateCount
    assumption = .none
  }
}
