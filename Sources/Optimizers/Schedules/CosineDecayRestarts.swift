public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A rate that falls along half a cosine again and again, each time over `tMul` times as many steps and
/// from `mMul` times the rate. With `p = s / firstDecaySteps`:
///
///     tMul == 1:  i = floor(p);                                      p' = p - i
///     otherwise:  i = floor(log(1 - p * (1 - tMul)) / log(tMul));    q = pow(tMul, i)
///                 p' = (p - (1 - q) / (1 - tMul)) / q
///     d = (0.5 * pow(mMul, i)) * (1 + cos(pi * p'))
///     initialLearningRate * ((1 - alpha) * d + alpha)
///
/// Source: Loshchilov, Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, as
/// `CosineDecayRestarts` in `keras/optimizers/schedules/learning_rate_schedule.py` (Keras 2.12),
/// `keras/src/optimizers/schedules/learning_rate_schedule.py` (3.15).
public struct CosineDecayRestarts: LearningRateSchedule, Hashable {
  /// The rate that the schedule starts from.
  public let initialLearningRate: Double
  /// Steps of the first period; positive (Keras 3 requires it, Keras 2 gives what the formula gives).
  public let firstDecaySteps: Double
  /// How many times as long each period is as the one before.
  public let tMul: Double
  /// How many times as high each period begins as the one before.
  public let mMul: Double
  /// The share of the rate that is left at the end of the first period.
  public let alpha: Double

  /// Nothing is refused, as in Keras 2.12: the formula gives what it gives, NaN included.
  public init(
    initialLearningRate: Double, firstDecaySteps: Double, tMul: Double = 2, mMul: Double = 1,
    alpha: Double = 0
  ) {
    self.initialLearningRate = initialLearningRate
    self.firstDecaySteps = firstDecaySteps
    self.tMul = tMul
    self.mMul = mMul
    self.alpha = alpha
  }

  public func learningRate(at iterations: Int64) -> Float {
    let lengthening = Float(tMul)
    var share = Float(iterations) / Float(firstDecaySteps)
    let restart: Float
    if lengthening == 1 {
      restart = share.rounded(.down)
      share = share - restart
    } else {
      let product = share * (1 - lengthening)
      restart = (logf(1 - product) / logf(lengthening)).rounded(.down)
      let stretch = powf(lengthening, restart)
      let before = (1 - stretch) / (1 - lengthening)
      share = (share - before) / stretch
    }
    let amplitude = 0.5 * powf(Float(mMul), restart)
    let decayed = amplitude * (1 + cosf(Float.pi32 * share))
    let product = (1 - Float(alpha)) * decayed
    return Float(initialLearningRate) * (product + Float(alpha))
  }

  public var configuration: ScheduleConfiguration? {
    ScheduleConfiguration(
      .cosineDecayRestarts(
        initialLearningRate: JSONNumber(initialLearningRate),
        firstDecaySteps: JSONNumber(firstDecaySteps), tMul: JSONNumber(tMul),
        mMul: JSONNumber(mMul), alpha: JSONNumber(alpha)))
  }
}
