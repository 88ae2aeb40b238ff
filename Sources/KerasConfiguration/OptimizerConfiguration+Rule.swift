extension OptimizerConfiguration {
  /// The update rule with its own options. Defaults are Keras's, the same in both generations.
  public enum Rule: Sendable, Hashable {
    /// Start value of the accumulators, and what is added inside the root.
    case adagrad(initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7)
    /// The share of the velocity that is kept (0...1), and whether the variable moves ahead of it.
    case sgd(momentum: Double = 0, nesterov: Bool = false)
    /// The shares of the averages and of the momentum that are kept, what is added inside the root, and
    /// whether the variance divides.
    case rmsprop(
      rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false)
    /// The shares of both averages that are kept, what is added to the root, and whether the greatest
    /// average of squares divides.
    case adam(
      beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false)
    /// As ``adam(beta1:beta2:epsilon:amsgrad:)``; needs ``OptimizerConfiguration/weightDecay``.
    case adamW(
      beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false)
  }
}

extension OptimizerConfiguration.Rule {
  /// Keras's class name.
  public var className: String {
    switch self {
    case .adagrad: "Adagrad"
    case .sgd: "SGD"
    case .rmsprop: "RMSprop"
    case .adam: "Adam"
    case .adamW: "AdamW"
    }
  }

  /// The rule's own keys, in the order in which every Keras writes them.
  var options: JSONObject {
    switch self {
    case .adagrad(let initialAccumulatorValue, let epsilon):
      [
        "initial_accumulator_value": JSONValue(initialAccumulatorValue),
        "epsilon": JSONValue(epsilon),
      ]
    case .sgd(let momentum, let nesterov):
      ["momentum": JSONValue(momentum), "nesterov": .bool(nesterov)]
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      [
        "rho": JSONValue(rho), "momentum": JSONValue(momentum), "epsilon": JSONValue(epsilon),
        "centered": .bool(centered),
      ]
    case .adam(let beta1, let beta2, let epsilon, let amsgrad),
      .adamW(let beta1, let beta2, let epsilon, let amsgrad):
      [
        "beta_1": JSONValue(beta1), "beta_2": JSONValue(beta2), "epsilon": JSONValue(epsilon),
        "amsgrad": .bool(amsgrad),
      ]
    }
  }

  /// Reads the rule's own keys; nil for a class that is not known.
  init?(className: String, _ reader: inout ConfigurationReader) throws(ConfigurationError) {
    switch className {
    case "Adagrad", "adagrad":
      self = .adagrad(
        initialAccumulatorValue: try reader.double("initial_accumulator_value", default: 0.1),
        epsilon: try reader.double("epsilon", default: 1e-7))
    case "SGD", "sgd":
      self = .sgd(
        momentum: try reader.double("momentum", default: 0),
        nesterov: try reader.bool("nesterov", default: false))
    case "RMSprop", "rmsprop":
      self = .rmsprop(
        rho: try reader.double("rho", default: 0.9),
        momentum: try reader.double("momentum", default: 0),
        epsilon: try reader.double("epsilon", default: 1e-7),
        centered: try reader.bool("centered", default: false))
    case "Adam", "adam":
      let (beta1, beta2, epsilon, amsgrad) = try Self.readAdam(&reader)
      self = .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    case "AdamW", "adamw":
      let (beta1, beta2, epsilon, amsgrad) = try Self.readAdam(&reader)
      self = .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    default: return nil
    }
  }

  private static func readAdam(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> (Double, Double, Double, Bool) {
    (
      try reader.double("beta_1", default: 0.9), try reader.double("beta_2", default: 0.999),
      try reader.double("epsilon", default: 1e-7), try reader.bool("amsgrad", default: false)
    )
  }

  // MARK: Defaults of the base class's options, which depend on the class

  /// The rate of an optimizer that was given none.
  public var defaultLearningRate: Double {
    if case .sgd = self { 0.01 } else { 0.001 }
  }

  /// The decay of the weights where the key is absent.
  public var defaultWeightDecay: Double? {
    if case .adamW = self { 0.004 } else { nil }
  }

  /// `ema_overwrite_frequency` where the key is absent.
  func defaultOverwriteFrequency(in dialect: Dialect) -> Int? {
    if case .rmsprop = self, dialect != .keras3 { 100 } else { nil }
  }
}

// MARK: - What Keras refuses

extension OptimizerConfiguration {
  /// Throws for the rule's own options as its constructor would.
  func validateRule(_ object: String) throws(ConfigurationError) {
    switch rule {
    case .sgd(let momentum, _) where !(0...1).contains(momentum):
      throw .unexpectedValue(
        key: "momentum", object: object, expected: "a number from 0 to 1",
        found: JSONValue(momentum))
    case .adamW where weightDecay == nil:
      throw .unexpectedValue(
        key: "weight_decay", object: object, expected: "a number", found: .null)
    default: break
    }
  }
}
