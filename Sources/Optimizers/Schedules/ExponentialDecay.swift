public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A rate that falls by the same factor in every `decaySteps` steps:
/// `initialLearningRate * pow(decayRate, s / decaySteps)`.
///
/// Source: `ExponentialDecay` in `keras/optimizers/schedules/learning_rate_schedule.py` (Keras 2.12),
/// `keras/src/optimizers/schedules/learning_rate_schedule.py` (3.15).
public struct ExponentialDecay: LearningRateSchedule, Hashable {
  /// The rate that the schedule starts from.
  public let initialLearningRate: Double
  /// Steps; positive (Keras 3 requires it, Keras 2 gives what the formula gives).
  public let decaySteps: Double
  /// What the rate is multiplied by in every `decaySteps` steps.
  public let decayRate: Double
  /// Whether the exponent is cut to an integer, so that the rate falls at once every `decaySteps` steps.
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
    return Float(initialLearningRate) * powf(Float(decayRate), p)
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .exponentialDecay(
        initialLearningRate: JSONNumber(initialLearningRate), decaySteps: JSONNumber(decaySteps),
        decayRate: JSONNumber(decayRate), isStaircase: isStaircase))
  }
}
