public import KerasConfiguration

/// A learning rate as a function of the optimizer's counter. Conform to it for a schedule of your own:
///
/// ```swift
/// struct Halving: LearningRateSchedule {
///   func learningRate(at iterations: Int64) -> Float { 0.1 / Float(1 + iterations / 1000) }
/// }
/// var optimizer = try Optimizer(Adagrad(), learningRate: .schedule(Halving()))
/// ```
///
/// Keras's own are ``ExponentialDecay``, ``InverseTimeDecay``, ``PolynomialDecay``,
/// ``PiecewiseConstantDecay``, ``CosineDecay`` and ``CosineDecayRestarts``. They compute in float32, every
/// argument rounded to it first and every operation once, with `s = float32(iterations)`: the bits of eager
/// Keras, except that where a power is taken (exponential and polynomial decay, restarts) a rare value is
/// off by an ulp, since TensorFlow's `pow` is not correctly rounded.
public protocol LearningRateSchedule: Sendable {
  /// The rate of the step taken when the counter stands at `iterations`, before it is increased; 0 is
  /// the first step. Under gradient accumulation the counter counts every call, not the updates alone.
  func learningRate(at iterations: Int64) -> Float

  /// How Keras writes this schedule; nil, the default, for one that Keras does not have. An optimizer
  /// with such a schedule has no configuration to be saved.
  var configuration: ScheduleConfiguration? { get }
}

extension LearningRateSchedule {
  public var configuration: ScheduleConfiguration? { nil }
}

extension ScheduleConfiguration {
  /// The schedule that this describes. Throws ``OptimizerError/invalidArgument(name:value:requirement:)``
  /// for lists of wrong lengths.
  public func schedule() throws(OptimizerError) -> any LearningRateSchedule {
    switch kind {
    case .exponentialDecay(let initial, let steps, let rate, let isStaircase):
      ExponentialDecay(
        initialLearningRate: initial.double, decaySteps: steps.double, decayRate: rate.double,
        isStaircase: isStaircase)
    case .piecewiseConstantDecay(let boundaries, let values):
      try PiecewiseConstantDecay(
        boundaries: boundaries.map(\.double), values: values.map(\.double))
    case .polynomialDecay(let initial, let steps, let end, let power, let cycles):
      PolynomialDecay(
        initialLearningRate: initial.double, decaySteps: steps.double,
        endLearningRate: end.double, power: power.double, cycles: cycles)
    case .inverseTimeDecay(let initial, let steps, let rate, let isStaircase):
      InverseTimeDecay(
        initialLearningRate: initial.double, decaySteps: steps.double, decayRate: rate.double,
        isStaircase: isStaircase)
    case .cosineDecay(let initial, let steps, let alpha, let target, let warmupSteps):
      CosineDecay(
        initialLearningRate: initial.double, decaySteps: steps.double, alpha: alpha.double,
        warmupTarget: target?.double, warmupSteps: warmupSteps.double)
    case .cosineDecayRestarts(let initial, let steps, let tMul, let mMul, let alpha):
      CosineDecayRestarts(
        initialLearningRate: initial.double, firstDecaySteps: steps.double, tMul: tMul.double,
        mMul: mMul.double, alpha: alpha.double)
    }
  }

  /// The number of steps that Keras 3 wants to be positive; nil if there is none.
  var stepCount: (name: String, value: Double)? {
    switch kind {
    case .exponentialDecay(_, let steps, _, _), .polynomialDecay(_, let steps, _, _, _),
      .inverseTimeDecay(_, let steps, _, _), .cosineDecay(_, let steps, _, _, _):
      ("decay_steps", steps.double)
    case .cosineDecayRestarts(_, let steps, _, _, _): ("first_decay_steps", steps.double)
    case .piecewiseConstantDecay: nil
    }
  }
}
