/// An optimizer as a file holds it: any class, its JSON as it was read. Decoding it is a step of its
/// own, so that files with optimizers unknown to Cairn can be inspected, compared and rewritten.
public struct OptimizerEntry: Sendable, Hashable {
  /// The whole object: `class_name`, `config` and what stands beside them.
  public var json: JSONValue
  /// The dialect that wrote it.
  public var dialect: Dialect

  public init(json: JSONValue, dialect: Dialect) {
    self.json = json
    self.dialect = dialect
  }

  /// The class without the prefix of Keras's registry: `Adagrad` also for `Custom>Adagrad`. Nil if
  /// the object has no class.
  public var className: String? {
    json["class_name"]?.string.map { name in
      name.hasPrefix("Custom>") ? String(name.dropFirst("Custom>".count)) : name
    }
  }

  /// The options; empty if the object has none.
  public var configuration: JSONObject { json["config"]?.object ?? JSONObject() }

  /// The optimizer inside one that scales the loss; nil for an optimizer that wraps none.
  public var inner: OptimizerEntry? {
    guard className?.hasPrefix("LossScaleOptimizer") == true else { return nil }
    return configuration["inner_optimizer"].map { OptimizerEntry(json: $0, dialect: dialect) }
  }

  /// How the optimizer scales the loss, where it wraps ``inner``; Keras's defaults otherwise.
  public var lossScaling: LossScaling { LossScaling(configuration) }

  /// The optimizer's own name, the prefix of its variables' names in a whole-model file.
  public var name: String? { configuration["name"]?.string }

  /// The constant rate of any optimizer, or of the one that it wraps; nil under a schedule, or where no
  /// number stands there.
  public var constantLearningRate: Double? {
    (inner ?? self).configuration["learning_rate"]?.double
  }

  /// True for an optimizer of Keras 2's legacy classes, which lacks the key `is_legacy_optimizer`, and for
  /// one that scales the loss around such.
  public var isLegacyClass: Bool {
    if let inner { return inner.isLegacyClass }
    guard dialect != .keras3 else { return false }
    return configuration["is_legacy_optimizer"].map { $0 == .bool(true) } ?? true
  }
}

extension OptimizerEntry {
  /// The optimizer in the spelling of another dialect or place. Throws for a class other than
  /// ``knownClassNames``, around which an optimizer that scales the loss may stand.
  ///
  /// Archives leave that one out here, where no state tells of it: Keras puts it around the optimizer of a
  /// model of mixed precision by itself.
  func json(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    guard let inner else { return try decoded().json(for: dialect, in: container) }
    let configuration = try inner.decoded()
    guard container == .attribute else {
      return try configuration.json(for: dialect, in: container)
    }
    return try configuration.jsonScalingLoss(as: lossScaling, for: dialect, in: container)
  }

  /// The classes that ``decoded()`` knows.
  public static let knownClassNames = ["Adagrad", "SGD", "RMSprop", "Adam", "AdamW"]

  /// The configuration as values. Missing keys take the defaults of the generation that wrote it.
  ///
  /// Throws for another class, a key that this generation does not know, and values that its
  /// constructor refuses, each naming the key.
  public func decoded() throws(ConfigurationError) -> OptimizerConfiguration {
    let serialized = try SerializedObject(json, key: "optimizer", object: "training configuration")
    let className = self.className ?? serialized.className
    var reader = ConfigurationReader(
      serialized.configuration, object: "optimizer `\(name ?? className)`")
    guard let rule = try OptimizerConfiguration.Rule(className: className, &reader) else {
      throw .unknownClass(className, object: "optimizer", known: Self.knownClassNames)
    }
    var result = OptimizerConfiguration(rule: rule)
    if isLegacyClass {
      result.arithmetic = .kerasLegacy
      result.legacyDecay = try reader.double("decay", default: 0)
    } else {
      result.arithmetic = dialect == .keras3 ? .keras3 : .keras2
      try Self.readOptions(&reader, dialect, into: &result)
    }
    result.clipping = .init(
      norm: try reader.optionalDouble("clipnorm"), value: try reader.optionalDouble("clipvalue"),
      globalNorm: try reader.optionalDouble("global_clipnorm"))
    result.learningRate = try Self.readLearningRate(&reader, default: rule.defaultLearningRate)
    result.name = try reader.optionalString("name")
    if result.name
      == OptimizerConfiguration.defaultName(className: rule.className, in: dialect)
    {
      result.name = nil
    }
    try reader.finish()
    try result.validate()
    return result
  }

  /// What the classes since Keras 2.11 know beyond the legacy ones.
  private static func readOptions(
    _ reader: inout ConfigurationReader, _ dialect: Dialect,
    into result: inout OptimizerConfiguration
  ) throws(ConfigurationError) {
    result.weightDecay = try reader.optionalDouble(
      "weight_decay", default: result.rule.defaultWeightDecay)
    result.average = .init(
      isEnabled: try reader.bool("use_ema", default: false),
      momentum: try reader.double("ema_momentum", default: 0.99),
      overwriteFrequency: try reader.optionalInt(
        "ema_overwrite_frequency", default: result.rule.defaultOverwriteFrequency(in: dialect)))
    if dialect == .keras3 {
      result.lossScaleFactor = try reader.optionalDouble("loss_scale_factor")
      result.gradientAccumulationSteps = try reader.optionalInt("gradient_accumulation_steps")
      // An old keyword that Keras 3 takes and disregards.
      _ = reader.value("decay")
    } else {
      result.jitCompile = try reader.bool("jit_compile", default: false)
      _ = try reader.bool("is_legacy_optimizer", default: false)
      // An old keyword that Keras 2 takes and disregards.
      _ = reader.value("lr")
    }
  }

  private static func readLearningRate(
    _ reader: inout ConfigurationReader, default: Double
  ) throws(ConfigurationError) -> OptimizerConfiguration.LearningRate {
    switch reader.value("learning_rate") {
    case nil: return .constant(`default`)
    case .number(let number)?: return .constant(number.double)
    case .object(let object)?: return .schedule(try ScheduleConfiguration(json: .object(object)))
    default: throw reader.unexpected("learning_rate", "a number or a schedule")
    }
  }
}
