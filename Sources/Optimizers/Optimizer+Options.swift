internal import KerasConfiguration
public import Tensors

// MARK: - Learning rate

extension Optimizer {
  /// Sets the rate for the steps to come: a number over a number, or a schedule over either. Throws
  /// ``OptimizerError/learningRateIsScheduled`` for a number over a schedule, as Keras does, and
  /// ``OptimizerError/invalidArgument(name:value:requirement:)`` for a schedule that Keras 3 refuses.
  public mutating func setLearningRate(_ rate: LearningRate) throws(OptimizerError) {
    if case .constant = rate, case .schedule = learningRate { throw .learningRateIsScheduled }
    try check(rate)
    if case .constant = rate { usedLearningRate = nil }
    // A rate that was a number until now counts as the one used last.
    if case .constant(let number) = learningRate, case .schedule = rate {
      usedLearningRate = number
    }
    replaceLearningRate(with: rate)
  }

  /// The rate as Keras's `learning_rate` gives it. Under a schedule that is, in Keras 3, the rate of
  /// the next step; in Keras 2 the one that the last step used, before the first step that of counter 0,
  /// and after a change of schedules still the old one until a step is taken.
  public var currentLearningRate: Float {
    guard arithmetic != .keras3, case .schedule(let schedule) = learningRate else {
      return learningRate.value(at: iterations)
    }
    return usedLearningRate ?? schedule.learningRate(at: 0)
  }

  /// The number of updates so far, which Keras calls `iterations`: the counter, divided by the number
  /// of calls that make one update.
  public var updateCount: Int64 { iterations / Int64(gradientAccumulationSteps ?? 1) }

  /// Throws where the generation refuses a schedule's number of steps.
  func check(_ rate: LearningRate) throws(OptimizerError) {
    guard arithmetic == .keras3, case .schedule(let schedule) = rate,
      let steps = schedule.configuration?.stepCount, !(steps.value > 0)
    else { return }
    throw .invalidArgument(name: steps.name, value: "\(steps.value)", requirement: "positive")
  }

  /// Throws for options that ``arithmetic`` does not have, and for limits that exclude each other.
  func checkOptions() throws(OptimizerError) {
    func require(_ isRight: Bool, _ name: String, _ value: Any) throws(OptimizerError) {
      guard !isRight else { return }
      throw .invalidArgument(
        name: name, value: "\(value)",
        requirement: "left out: \(arithmetic.rawValue) has no such option")
    }
    if arithmetic != .keras3 {
      if let lossScaleFactor { try require(false, "loss_scale_factor", lossScaleFactor) }
      if let gradientAccumulationSteps {
        try require(false, "gradient_accumulation_steps", gradientAccumulationSteps)
      }
    }
    if arithmetic == .kerasLegacy {
      if let weightDecay { try require(false, "weight_decay", weightDecay) }
      try require(averages == nil, "use_ema", true)
      for limit in clipping?.limits ?? [] where !(limit >= 0) {
        throw .invalidArgument(
          name: "clipping limit", value: "\(limit)", requirement: "zero or more")
      }
    }
    switch clipping {
    case .norm(_, let value?) where arithmetic == .keras3,
      .globalNorm(_, let value?) where arithmetic == .keras3:
      throw .invalidArgument(
        name: "clipvalue", value: "\(value)", requirement: "left out: Keras 3 takes one limit")
    default: break
    }
  }
}

// MARK: - The rule's own variables

/// A variable that a rule keeps once, whatever the model's variables are.
public struct OwnVariable: Sendable {
  /// What the rule asked for.
  public let description: OwnVariableDescription
  /// Its present value, of the shape and dtype that were asked for.
  public internal(set) var value: Tensor

  init(_ description: OwnVariableDescription) {
    self.description = description
    value = Tensor(
      repeating: description.initialValue, shape: description.shape, dtype: description.dtype)
  }
}

extension Optimizer {
  /// Replaces the value of one of ``ownVariables``, as a checkpoint has it. Throws
  /// ``OptimizerError/notBuilt``, ``OptimizerError/unknownOwnVariable(_:)``, or
  /// ``OptimizerError/ownVariableMismatch(name:shape:dtype:foundShape:foundDType:)``.
  public mutating func setOwnVariable(
    _ name: String, to value: Tensor
  ) throws(OptimizerError) {
    guard isBuilt else { throw .notBuilt }
    guard let index = ownVariables.firstIndex(where: { $0.description.name == name }) else {
      throw .unknownOwnVariable(name)
    }
    let present = ownVariables[index].value
    guard present.shape == value.shape, present.dtype == value.dtype else {
      throw .ownVariableMismatch(
        name: name, shape: present.shape, dtype: present.dtype, foundShape: value.shape,
        foundDType: value.dtype)
    }
    ownVariables[index].value = value
  }
}
