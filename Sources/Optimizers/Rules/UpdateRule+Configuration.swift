internal import KerasConfiguration

extension OptimizerConfiguration.Rule {
  /// The rule that is meant. Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` for
  /// options that it refuses; with `acceptsNegativeStart`, not for accumulators that start below zero.
  func updateRule(acceptsNegativeStart: Bool) throws(OptimizerError) -> any UpdateRule {
    switch self {
    case .adagrad(let initialAccumulatorValue, let epsilon):
      acceptsNegativeStart
        ? Adagrad(uncheckedInitialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon)
        : try Adagrad(initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon)
    case .sgd(let momentum, let nesterov):
      try SGD(momentum: momentum, nesterov: nesterov)
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      RMSprop(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered)
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    case .adamW(let beta1, let beta2, let epsilon, let amsgrad):
      AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    }
  }

  /// Nil for a rule that is none of Keras's.
  init?(_ rule: any UpdateRule) {
    switch rule {
    case let rule as Adagrad:
      self = .adagrad(
        initialAccumulatorValue: rule.initialAccumulatorValue, epsilon: rule.epsilon)
    case let rule as SGD:
      self = .sgd(momentum: rule.momentum, nesterov: rule.isNesterov)
    case let rule as RMSprop:
      self = .rmsprop(
        rho: rule.rho, momentum: rule.momentum, epsilon: rule.epsilon, centered: rule.isCentered)
    case let rule as Adam:
      self = .adam(
        beta1: rule.beta1, beta2: rule.beta2, epsilon: rule.epsilon, amsgrad: rule.isAMSGrad)
    case let rule as AdamW:
      self = .adamW(
        beta1: rule.adam.beta1, beta2: rule.adam.beta2, epsilon: rule.adam.epsilon,
        amsgrad: rule.adam.isAMSGrad)
    default: return nil
    }
  }
}
