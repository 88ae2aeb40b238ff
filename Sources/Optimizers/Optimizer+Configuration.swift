public import KerasConfiguration

extension Optimizer {
  /// The optimizer that a configuration describes, not yet built.
  ///
  /// Options that never act on a CPU (`jit_compile`) or are off as given (a momentum without averages, a
  /// clipping value of zero) are kept for ``configuration()`` and have no effect.
  ///
  /// - Parameter acceptsNegativeStart: true to read old files whose accumulators started below zero; see
  ///   ``Adagrad/init(uncheckedInitialAccumulatorValue:epsilon:)``.
  ///
  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)``, naming the key, where the value of
  /// an option is refused, ``OptimizerError/unsupportedArithmetic(_:)`` for a legacy class whose
  /// formulas Cairn does not have, and ``OptimizerError/unsupportedOption(name:value:)`` for the legacy
  /// classes' `decay` in another class.
  public init(
    configuration: OptimizerConfiguration, threadCount: Int? = nil,
    acceptsNegativeStart: Bool = false
  ) throws(OptimizerError) {
    guard configuration.legacyDecay == 0 || configuration.arithmetic == .kerasLegacy else {
      throw .unsupportedOption(name: "decay", value: "\(configuration.legacyDecay)")
    }
    try self.init(
      try configuration.rule.updateRule(acceptsNegativeStart: acceptsNegativeStart),
      learningRate: try LearningRate(configuration.learningRate),
      arithmetic: configuration.arithmetic,
      clipping: try GradientClipping(configuration.clipping),
      weightDecay: configuration.weightDecay, averages: try MovingAverages(configuration.average),
      lossScaleFactor: configuration.lossScaleFactor,
      gradientAccumulationSteps: configuration.gradientAccumulationSteps,
      name: configuration.name, threadCount: threadCount)
    weightDecay = configuration.weightDecay
    legacyDecay = configuration.legacyDecay
    inactiveOptions = configuration
  }

  /// The configuration of this optimizer as it is now, with the options that it was given and that have
  /// no effect.
  ///
  /// Throws ``OptimizerError/unsupportedClass(_:)`` for a rule or a schedule of your own, for which Keras
  /// has no class.
  public func configuration() throws(OptimizerError) -> OptimizerConfiguration {
    var configuration = inactiveOptions
    guard let ruleConfiguration = OptimizerConfiguration.Rule(rule) else {
      throw .unsupportedClass(rule.className)
    }
    configuration.rule = ruleConfiguration
    configuration.learningRate = try learningRate.configuration(given: configuration.learningRate)
    configuration.arithmetic = arithmetic
    configuration.name =
      name == Self.defaultName(className: rule.className, arithmetic) ? nil : name
    configuration.clipping = .init(clipping)
    configuration.weightDecay = weightDecay
    configuration.lossScaleFactor = lossScaleFactor
    // Zero means none, too.
    if gradientAccumulationSteps != nil || configuration.gradientAccumulationSteps != 0 {
      configuration.gradientAccumulationSteps = gradientAccumulationSteps
    }
    configuration.legacyDecay = legacyDecay
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
}

// MARK: - Learning rates

extension LearningRate {
  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` for a schedule's lists of wrong
  /// lengths.
  fileprivate init(_ rate: OptimizerConfiguration.LearningRate) throws(OptimizerError) {
    switch rate {
    case .constant(let rate): self = .constant(Float(rate))
    case .schedule(let configuration): self = .schedule(try configuration.schedule())
    }
  }

  /// This rate as a configuration. `given` is what it was made from: if it still says the same, its
  /// spelling is kept.
  fileprivate func configuration(
    given: OptimizerConfiguration.LearningRate
  ) throws(OptimizerError) -> OptimizerConfiguration.LearningRate {
    switch self {
    case .constant(let rate):
      // The double that was given may say more than the float32 that acts.
      if case .constant(let given) = given, Float(given) == rate { return .constant(given) }
      return .constant(Double(rate))
    case .schedule(let schedule):
      guard let configuration = schedule.configuration else {
        throw .unsupportedClass("\(type(of: schedule))")
      }
      if case .schedule(let given) = given,
        try given.schedule().configuration?.kind == configuration.kind
      {
        return .schedule(given)
      }
      return .schedule(configuration)
    }
  }
}

// MARK: - Clipping and averages

extension GradientClipping {
  /// Nil if no limit is given. Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` for both
  /// norms.
  fileprivate init?(_ clipping: OptimizerConfiguration.Clipping) throws(OptimizerError) {
    switch (clipping.norm, clipping.globalNorm) {
    case (let norm?, nil): self = .norm(norm, value: clipping.value)
    case (nil, let globalNorm?): self = .globalNorm(globalNorm, value: clipping.value)
    case (nil, nil):
      guard let value = clipping.value else { return nil }
      self = .value(value)
    case (_?, let globalNorm?):
      throw .invalidArgument(
        name: "global_clipnorm", value: "\(globalNorm)", requirement: "null beside a clipnorm")
    }
  }
}

extension OptimizerConfiguration.Clipping {
  fileprivate init(_ clipping: GradientClipping?) {
    switch clipping {
    case nil: self.init()
    case .norm(let norm, let value): self.init(norm: norm, value: value)
    case .globalNorm(let norm, let value): self.init(value: value, globalNorm: norm)
    case .value(let value): self.init(value: value)
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
