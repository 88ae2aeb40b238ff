/// What an optimizer was made with: Keras's base-class options and the rule's own.
///
/// A value without files and formulas. ``OptimizerEntry`` is what a file holds; it decodes to this.
public struct OptimizerConfiguration: Sendable, Hashable {
  /// Nil stands for the dialect's default; see ``defaultName(className:in:)``.
  public var name: String?
  /// The update rule with its own options.
  public var rule: Rule
  /// A constant or a schedule.
  public var learningRate: LearningRate
  /// Decoupled decay of the weights, none if nil; Keras computes with it rounded to float32.
  public var weightDecay: Double?
  /// Limits on the gradients.
  public var clipping: Clipping
  /// The moving average of the weights.
  public var average: Average
  /// Keras 2's flag. It never changes results, and is false wherever Keras 2 runs on a CPU.
  public var jitCompile: Bool
  /// Keras 3: gradients are divided by it, none if nil.
  public var lossScaleFactor: Double?
  /// Keras 3: calls whose gradients are averaged into one update; nil and 0 mean every call.
  public var gradientAccumulationSteps: Int?
  /// The legacy classes only: the rate at iteration `t` is `rate / (1 + decay * t)`.
  public var legacyDecay: Double
  /// Whose formulas the optimizer computes by.
  public var arithmetic: Arithmetic

  public init(
    rule: Rule = .adagrad(), learningRate: LearningRate = .constant(0.001), name: String? = nil,
    weightDecay: Double? = nil, clipping: Clipping = Clipping(), average: Average = Average(),
    jitCompile: Bool = false, lossScaleFactor: Double? = nil,
    gradientAccumulationSteps: Int? = nil, legacyDecay: Double = 0,
    arithmetic: Arithmetic = .keras2
  ) {
    self.name = name
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipping = clipping
    self.average = average
    self.jitCompile = jitCompile
    self.lossScaleFactor = lossScaleFactor
    self.gradientAccumulationSteps = gradientAccumulationSteps
    self.legacyDecay = legacyDecay
    self.arithmetic = arithmetic
  }

  public enum LearningRate: Sendable, Hashable {
    /// Keras holds it as float32 and writes the float32's value.
    case constant(Double)
    case schedule(ScheduleConfiguration)
  }

  /// Every clipping value that was given. Keras applies one: by norm, else by global norm, else by
  /// value; nil, 0 and negative values are off.
  public struct Clipping: Sendable, Hashable {
    /// `clipnorm`: the greatest norm of one variable's gradient.
    public var norm: Double?
    /// `clipvalue`: the greatest magnitude of an element.
    public var value: Double?
    /// `global_clipnorm`: the greatest norm of all gradients together.
    public var globalNorm: Double?

    public init(norm: Double? = nil, value: Double? = nil, globalNorm: Double? = nil) {
      self.norm = norm
      self.value = value
      self.globalNorm = globalNorm
    }
  }

  /// The moving average of the weights.
  public struct Average: Sendable, Hashable {
    /// `use_ema`.
    public var isEnabled: Bool
    /// The share of the old average, 0...1 when enabled.
    public var momentum: Double
    /// Updates between two copies of the averages into the weights; nil and 0 mean never.
    public var overwriteFrequency: Int?

    public init(
      isEnabled: Bool = false, momentum: Double = 0.99, overwriteFrequency: Int? = nil
    ) {
      self.isEnabled = isEnabled
      self.momentum = momentum
      self.overwriteFrequency = overwriteFrequency
    }
  }

  /// The name that stands in a file of `dialect`.
  public func name(in dialect: Dialect) -> String {
    name ?? Self.defaultName(className: rule.className, in: dialect)
  }

  /// The name of an optimizer that was given none: the class, in Keras 3 in snake case (`rm_sprop`).
  public static func defaultName(className: String, in dialect: Dialect) -> String {
    dialect == .keras3 ? snakeCase(className) : className
  }
}

// MARK: - What Keras refuses

extension OptimizerConfiguration {
  /// Throws where the constructor of the generation that ``arithmetic`` names would: clipping values
  /// that exclude each other, a momentum outside 0...1, a frequency or step count that is too small.
  public func validate() throws(ConfigurationError) {
    let object = "optimizer `\(name ?? rule.className)`"
    try validateRule(object)
    let given = [
      ("clipnorm", clipping.norm), ("global_clipnorm", clipping.globalNorm),
      ("clipvalue", clipping.value),
    ].filter { $0.1 != nil }
    let excludesValue = arithmetic == .keras3
    if given.count > 1 && (excludesValue || clipping.value == nil || given.count == 3) {
      let second = given[1]
      throw .unexpectedValue(
        key: second.0, object: object, expected: "null where `\(given[0].0)` is given",
        found: JSONValue(second.1))
    }
    if average.isEnabled {
      guard (0...1).contains(average.momentum) else {
        throw .unexpectedValue(
          key: "ema_momentum", object: object, expected: "a number from 0 to 1",
          found: JSONValue(average.momentum))
      }
      if let frequency = average.overwriteFrequency, frequency < 0 {
        throw .unexpectedValue(
          key: "ema_overwrite_frequency", object: object, expected: "an integer of at least 1",
          found: JSONValue(frequency))
      }
    }
    if let steps = gradientAccumulationSteps, steps != 0, steps < 2 {
      throw .unexpectedValue(
        key: "gradient_accumulation_steps", object: object,
        expected: "null or an integer of at least 2", found: JSONValue(steps))
    }
  }
}
