public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A rate that falls along half a cosine, after a linear warmup if `warmupTarget` is given. With
/// `n = decaySteps`, `w = warmupSteps`:
///
///     s' = min(s, n)                          without warmup, base = initialLearningRate
///     base * ((1 - alpha) * (0.5 * (1 + cos(pi * (s' / n)))) + alpha)
///
///     s' = min(s, n + w)                      with warmup
///     (warmupTarget - initialLearningRate) * (s' / w) + initialLearningRate       while s' < w
///     the cosine from base = warmupTarget at s' - w                               then
///
/// `1 - alpha` is formed in double.
///
/// Source: `CosineDecay` in `keras/src/optimizers/schedules/learning_rate_schedule.py` (Keras 3.15; Keras
/// 2.12 has no warmup).
public struct CosineDecay: LearningRateSchedule, Hashable {
  /// The rate that the schedule starts from. With a warmup, where that begins.
  public let initialLearningRate: Double
  /// Steps of the cosine; positive (Keras 3 requires it, Keras 2 gives what the formula gives).
  public let decaySteps: Double
  /// The share of the rate that is left in the end.
  public let alpha: Double
  /// The rate at the end of the warmup; nil for none.
  public let warmupTarget: Double?
  /// Steps of the warmup; without a target it has no effect.
  public let warmupSteps: Double

  /// Nothing is refused, as in Keras 2.12: the formula gives what it gives, NaN included.
  public init(
    initialLearningRate: Double, decaySteps: Double, alpha: Double = 0,
    warmupTarget: Double? = nil, warmupSteps: Double = 0
  ) {
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.alpha = alpha
    self.warmupTarget = warmupTarget
    self.warmupSteps = warmupSteps
  }

  public func learningRate(at iterations: Int64) -> Float {
    let start = Float(initialLearningRate)
    let (length, warmup) = (Float(decaySteps), Float(warmupSteps))
    guard let warmupTarget else {
      return decayed(from: start, at: min(Float(iterations), length))
    }
    let target = Float(warmupTarget)
    let step = min(Float(iterations), length + warmup)
    guard step < warmup else { return decayed(from: target, at: step - warmup) }
    let rise = (target - start) * (step / warmup)
    return rise + start
  }

  private func decayed(from rate: Float, at step: Float) -> Float {
    let cosine = 0.5 * (1 + cosf(Float.pi32 * (step / Float(decaySteps))))
    let product = Float(1 - alpha) * cosine
    return rate * (product + Float(alpha))
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .cosineDecay(
        initialLearningRate: JSONNumber(initialLearningRate), decaySteps: JSONNumber(decaySteps),
        alpha: JSONNumber(alpha), warmupTarget: warmupTarget.map { JSONNumber($0) },
        warmupSteps: JSONNumber(warmupSteps)))
  }
}

extension Float {
  /// Pi, rounded to nearest. (Swift's `Float.pi` is rounded toward zero.)
  static let pi32 = Float(Double.pi)
}
