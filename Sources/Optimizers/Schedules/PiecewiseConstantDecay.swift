public import KerasConfiguration

/// A rate that is constant between boundaries: `values[i]` for the first i with
/// `iterations <= boundaries[i]`, else the last value.
///
/// Source: `PiecewiseConstantDecay` in `keras/optimizers/schedules/learning_rate_schedule.py` (Keras
/// 2.12), `keras/src/optimizers/schedules/learning_rate_schedule.py` (3.15).
public struct PiecewiseConstantDecay: LearningRateSchedule, Hashable {
  /// Steps, ascending; cut to integers.
  public let boundaries: [Double]
  /// One rate more than there are boundaries.
  public let values: [Double]

  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` for lists of wrong lengths.
  public init(boundaries: [Double], values: [Double]) throws(OptimizerError) {
    guard values.count == boundaries.count + 1 else {
      throw .invalidArgument(
        name: "values", value: "a list of \(values.count)",
        requirement: "one longer than boundaries, which has \(boundaries.count)")
    }
    self.boundaries = boundaries
    self.values = values
  }

  public func learningRate(at iterations: Int64) -> Float {
    let step = Double(iterations)
    let interval = boundaries.firstIndex { step <= $0.rounded(.towardZero) }
    return Float(values[interval ?? boundaries.count])
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .piecewiseConstantDecay(
        boundaries: boundaries.map { JSONNumber($0) }, values: values.map { JSONNumber($0) }))
  }
}
