/// The size of a step: a number, or a schedule that gives one for every step.
///
/// Keras holds a rate in float32, whatever the dtype of the variables: 0.001 acts as
/// 0.0010000000474974513 on float64 variables too.
public enum LearningRate: Sendable {
  /// The same rate at every step.
  case constant(Float)
  /// A rate that follows the counter. (`indirect` for the reason given at `Optimizer.StoredRule`.)
  indirect case schedule(any LearningRateSchedule)

  /// The rate of the step taken when the counter stands at `iterations`, before it is increased.
  public func value(at iterations: Int64) -> Float {
    switch self {
    case .constant(let rate): rate
    case .schedule(let schedule): schedule.learningRate(at: iterations)
    }
  }
}

extension LearningRate: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A constant rate, rounded to float32.
  public init(floatLiteral value: Double) { self = .constant(Float(value)) }

  /// A constant rate, rounded to float32. (Keras 3 refuses integers.)
  public init(integerLiteral value: Int) { self = .constant(Float(value)) }
}
