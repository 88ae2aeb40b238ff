public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A rate that goes to `endLearningRate` along a power of the time that is left, with `n = decaySteps`:
///
///     s' = min(s, n)                              or, where it cycles, n' = n * (s == 0 ? 1 : ceil(s / n))
///     (initialLearningRate - endLearningRate) * pow(1 - s' / n', power) + endLearningRate
///
/// Source: `PolynomialDecay` in `keras/optimizers/schedules/learning_rate_schedule.py` (Keras 2.12),
/// `keras/src/optimizers/schedules/learning_rate_schedule.py` (3.15).
public struct PolynomialDecay: LearningRateSchedule, Hashable {
  /// The rate that the schedule starts from.
  public let initialLearningRate: Double
  /// Steps; positive (Keras 3 requires it, Keras 2 gives what the formula gives).
  public let decaySteps: Double
  /// The rate at the end of a cycle.
  public let endLearningRate: Double
  /// The power of the time that is left: 1 for a straight line.
  public let power: Double
  /// Whether the rate rises again after its end, over ever longer cycles; else it stays there.
  public let cycles: Bool

  /// Nothing is refused, as in Keras 2.12: the formula gives what it gives, NaN included.
  public init(
    initialLearningRate: Double, decaySteps: Double, endLearningRate: Double = 0.0001,
    power: Double = 1, cycles: Bool = false
  ) {
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.endLearningRate = endLearningRate
    self.power = power
    self.cycles = cycles
  }

  public func learningRate(at iterations: Int64) -> Float {
    let (start, end) = (Float(initialLearningRate), Float(endLearningRate))
    var step = Float(iterations)
    var length = Float(decaySteps)
    if cycles {
      length = length * (iterations == 0 ? 1 : (step / length).rounded(.up))
    } else {
      step = min(step, length)
    }
    let remaining = 1 - step / length
    let share = powf(remaining, Float(power))
    let product = (start - end) * share
    return product + end
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .polynomialDecay(
        initialLearningRate: JSONNumber(initialLearningRate), decaySteps: JSONNumber(decaySteps),
        endLearningRate: JSONNumber(endLearningRate), power: JSONNumber(power), cycles: cycles))
  }
}
