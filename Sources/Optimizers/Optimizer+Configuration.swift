public import KerasConfiguration

extension Optimizer {
  /// The optimizer that a configuration describes, not yet built.
  ///
  /// Options that never act on a CPU (`jit_compile`) or are off as given (a momentum without averages, a
  /// clipping value of zero) are kept for ``configuration`` and have no effect.
  ///
  /// Throws ``OptimizerError/unsupportedOption(name:value:)`` for an option in use that Cairn does not
  /// have, ``OptimizerError/unsupportedArithmetic(_:)`` for the legacy classes, and
  /// ``OptimizerError/invalidArgument(name:value:requirement:)`` where the value of an option is refused.
  public init(
    configuration: OptimizerConfiguration, threadCount: Int? = nil
  ) throws(OptimizerError) {
    try Self.requireSupported(configuration)
    let rule = try configuration.rule.updateRule()
    try self.init(
      rule, learningRate: try LearningRate(configuration.learningRate),
      arithmetic: configuration.arithmetic,
      averages: try MovingAverages(configuration.average), name: configuration.name,
      threadCount: threadCount)
    inactiveOptions = configuration
  }

  /// The configuration of this optimizer as it is now, with the options that it was given and that have
  /// no effect. Throws ``OptimizerError/unsupportedClass(_:)`` for a rule of your own, for which Keras
  /// has no class.
  public func configuration() throws(OptimizerError) -> OptimizerConfiguration {
    guard let ruleConfiguration = OptimizerConfiguration.Rule(rule) else {
      throw .unsupportedClass(rule.className)
    }
    var configuration = inactiveOptions
    configuration.rule = ruleConfiguration
    switch learningRate {
    case .constant(let rate):
      // The double that was given may say more than the float32 that acts.
      if case .constant(let given) = configuration.learningRate, Float(given) == rate { break }
      configuration.learningRate = .constant(Double(rate))
    }
    configuration.arithmetic = arithmetic
    configuration.name =
      name == Self.defaultName(className: rule.className, arithmetic) ? nil : name
    configuration.average.isEnabled = averages != nil
    if let averages {
      configuration.average.momentum = averages.momentum
      // Zero means never, too.
      if averages.overwriteFrequency != nil || configuration.average.overwriteFrequency != 0 {
        configuration.average.overwriteFrequency = averages.overwriteFrequency
      }
    }
    return configuration
  }

  private static func requireSupported(
    _ configuration: OptimizerConfiguration
  ) throws(OptimizerError) {
    func isOn(_ value: Double?) -> Bool { value.map { !($0 <= 0) } ?? false }
    let options: [(name: String, value: String, isUsed: Bool)] = [
      ("weight_decay", text(configuration.weightDecay), configuration.weightDecay != nil),
      ("clipnorm", text(configuration.clipping.norm), isOn(configuration.clipping.norm)),
      ("clipvalue", text(configuration.clipping.value), isOn(configuration.clipping.value)),
      (
        "global_clipnorm", text(configuration.clipping.globalNorm),
        isOn(configuration.clipping.globalNorm)
      ),
      (
        "loss_scale_factor", text(configuration.lossScaleFactor),
        configuration.lossScaleFactor != nil
      ),
      (
        "gradient_accumulation_steps",
        configuration.gradientAccumulationSteps.map(String.init) ?? "null",
        (configuration.gradientAccumulationSteps ?? 0) != 0
      ),
      ("decay", "\(configuration.legacyDecay)", configuration.legacyDecay != 0),
    ]
    for option in options where option.isUsed {
      throw .unsupportedOption(name: option.name, value: option.value)
    }
  }

  private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "null" }
}

extension LearningRate {
  /// Throws ``OptimizerError/unsupportedOption(name:value:)`` for a schedule.
  fileprivate init(_ rate: OptimizerConfiguration.LearningRate) throws(OptimizerError) {
    switch rate {
    case .constant(let rate): self = .constant(Float(rate))
    case .schedule(let schedule):
      throw .unsupportedOption(name: "learning_rate", value: schedule.className)
    }
  }
}

extension MovingAverages {
  /// Nil if they are off. As in Keras, only options in use are checked, and a frequency of zero means
  /// never.
  fileprivate init?(_ average: OptimizerConfiguration.Average) throws(OptimizerError) {
    guard average.isEnabled else { return nil }
    let frequency = average.overwriteFrequency == 0 ? nil : average.overwriteFrequency
    try self.init(momentum: average.momentum, overwriteFrequency: frequency)
  }
}
