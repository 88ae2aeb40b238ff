public import KerasConfiguration

/// A rate that falls with the reciprocal of time:
/// `initialLearningRate / (1 + decayRate * (s / decaySteps))`.
///
/// Source: `InverseTimeDecay` in `keras/optimizers/schedules/learning_rate_schedule.py` (Keras 2.12),
/// `keras/src/optimizers/schedules/learning_rate_schedule.py` (3.15).
public struct InverseTimeDecay: LearningRateSchedule, Hashable {
  /// The rate that the schedule starts from.
  public let initialLearningRate: Double
  /// Steps; positive (Keras 3 requires it, Keras 2 gives what the formula gives).
  public let decaySteps: Double
  /// How much the divisor grows in every `decaySteps` steps.
  public let decayRate: Double
  /// Whether `s / decaySteps` is cut to an integer.
  public let isStaircase: Bool

  /// Nothing is refused, as in Keras 2.12: the formula gives what it gives, NaN included.
  public init(
    initialLearningRate: Double, decaySteps: Double, decayRate: Double, isStaircase: Bool = false
  ) {
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.isStaircase = isStaircase
  }

  public func learningRate(at iterations: Int64) -> Float {
    var p = Float(iterations) / Float(decaySteps)
    if isStaircase { p = p.rounded(.down) }
    let share = Float(decayRate) * p
    return Float(initialLearningRate) / (1 + share)
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .inverseTimeDecay(
        initialLearningRate: JSONNumber(initialLearningRate), decaySteps: JSONNumber(decaySteps),
        decayRate: JSONNumber(decayRate), isStaircase: isStaircase))
  }
}
