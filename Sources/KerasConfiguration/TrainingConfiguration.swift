/// What `compile` was told, as it is saved: `training_config` of a whole-model file, or
/// `compile_config` of an archive. Values stay as they were read; decoding them is a step of its own.
public struct TrainingConfiguration: Sendable, Hashable {
  /// A name, an object, or lists and objects of them for several outputs.
  public var loss: JSONValue
  /// Names or objects: a list (Keras 3), or a list for each output (Keras 2); `null` for none.
  public var metrics: JSONValue
  /// As ``metrics``, for those weighted by sample.
  public var weightedMetrics: JSONValue
  /// Weights of several outputs; `null` for none.
  public var lossWeights: JSONValue
  /// Absent from Keras 2's whole-model files.
  public var runEagerly: JSONValue
  /// Absent from Keras 2's whole-model files.
  public var stepsPerExecution: JSONValue
  /// Absent from Keras 2's whole-model files.
  public var jitCompile: JSONValue
  /// Nil where the file has none: Keras 3 loses it from a model that was saved as `.h5` before.
  public var optimizer: OptimizerEntry?
  /// Keys that none of the three dialects writes, kept for whoever put them there.
  public var otherKeys: JSONObject
  /// Whose spelling the values are.
  public var dialect: Dialect

  /// A training made in Swift, spelled for `dialect` and `container`.
  public init(
    loss: LossConfiguration, metrics: [MetricConfiguration] = [],
    optimizer: OptimizerConfiguration, dialect: Dialect = .keras2,
    container: ConfigurationContainer = .attribute
  ) throws(ConfigurationError) {
    var names: [JSONValue] = []
    for metric in metrics { names.append(try metric.json(for: dialect, in: container)) }
    self.loss = loss.json(for: dialect, in: container)
    self.metrics = names.isEmpty ? .null : .array(names)
    weightedMetrics = .null
    lossWeights = .null
    runEagerly = dialect == .keras3 ? false : .null
    stepsPerExecution = dialect == .keras3 ? 1 : .null
    jitCompile = dialect == .keras3 ? false : .null
    self.optimizer = try optimizer.entry(for: dialect, in: container)
    otherKeys = JSONObject()
    self.dialect = dialect
  }

  /// Parses the text of a `training_config`; see ``init(json:dialect:)``.
  public init(parsing text: String, dialect: Dialect) throws(ConfigurationError) {
    try self.init(json: JSONValue(parsing: text), dialect: dialect)
  }

  /// From either container. Throws unless `json` is an object.
  public init(json: JSONValue, dialect: Dialect) throws(ConfigurationError) {
    guard let fields = json.object else {
      throw .unexpectedValue(
        key: "training_config", object: "training configuration", expected: "an object",
        found: json)
    }
    loss = fields["loss"] ?? .null
    metrics = fields["metrics"] ?? .null
    weightedMetrics = fields["weighted_metrics"] ?? .null
    lossWeights = fields["loss_weights"] ?? .null
    runEagerly = fields["run_eagerly"] ?? .null
    stepsPerExecution = fields["steps_per_execution"] ?? .null
    jitCompile = fields["jit_compile"] ?? .null
    let entries = [fields["optimizer_config"], fields["optimizer"]]
    let entry = entries.compactMap { $0 }.first { !$0.isNull }
    optimizer = entry.map { OptimizerEntry(json: $0, dialect: dialect) }
    otherKeys = JSONObject(fields.pairs.filter { !Self.knownKeys.contains($0.key) })
    self.dialect = dialect
  }

  private static let knownKeys: Set<String> = [
    "loss", "metrics", "weighted_metrics", "loss_weights", "run_eagerly", "steps_per_execution",
    "jit_compile", "optimizer_config", "optimizer",
  ]
}

// MARK: - Decoding

extension TrainingConfiguration {
  /// The loss as a value. Throws where Cairn cannot train with it; nil if there is none.
  public func decodedLoss() throws(ConfigurationError) -> LossConfiguration? {
    guard !loss.isNull else { return nil }
    guard [.null, 1.0, 1, [1.0], [1]].contains(lossWeights) else {
      throw .unsupported(
        key: "loss_weights", object: "training configuration", value: lossWeights,
        cure: "train one output with weight 1")
    }
    return try LossConfiguration(json: loss)
  }

  /// The metrics of the one output, in order. Throws for a metric that Cairn cannot compute.
  public func decodedMetrics() throws(ConfigurationError) -> [MetricConfiguration] {
    try Self.decode(metrics, key: "metrics")
  }

  private static func decode(
    _ metrics: JSONValue, key: String
  ) throws(ConfigurationError) -> [MetricConfiguration] {
    guard !metrics.isNull else { return [] }
    guard var entries = metrics.array else {
      throw .unexpectedValue(
        key: key, object: "training configuration", expected: "a list", found: metrics)
    }
    // Keras 2 writes a list for each output.
    if entries.count == 1, let nested = entries[0].array { entries = nested }
    var decoded: [MetricConfiguration] = []
    for entry in entries { decoded.append(try MetricConfiguration(json: entry)) }
    return decoded
  }
}

// MARK: - Writing

extension TrainingConfiguration {
  /// The object that `dialect` writes, keys in its order. Loss and metrics are translated as
  /// ``translation(to:in:)`` does; this throws where that loses something.
  ///
  /// The optimizer comes back as it was read where dialect and container agree; otherwise it is
  /// translated, which throws for a class other than ``OptimizerEntry/knownClassNames``.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    let (translated, losses) = translation(to: dialect, in: container)
    if let loss = losses.first {
      throw .notExpressible(key: loss.key, object: loss.object, dialect: dialect, cure: loss.reason)
    }
    var object = translated.knownJSON(
      for: dialect, in: container, optimizer: try optimizerJSON(for: dialect, in: container))
    object.pairs += otherKeys.pairs
    return .object(object)
  }

  /// Loss and metrics in the spelling of `dialect` for a place of the kind `container`, and what it has no
  /// equal for: that is left out. Names stay what they are, except that a loss's short alias becomes its
  /// long name. The optimizer is not touched.
  public func translation(
    to dialect: Dialect, in container: ConfigurationContainer
  ) -> (configuration: TrainingConfiguration, losses: [TranslationLoss]) {
    var translator = ConfigurationTranslator(
      source: self.dialect, target: dialect, container: container)
    var translated = self
    translated.dialect = dialect
    if !isSpelled(loss, for: dialect, in: container) || loss.string != nil {
      translated.loss = translator.translatedLoss(loss)
    }
    if !isSpelled(metrics, for: dialect, in: container) {
      translated.metrics = translator.translatedMetrics(metrics, key: "metrics")
    }
    if !isSpelled(weightedMetrics, for: dialect, in: container) {
      translated.weightedMetrics = translator.translatedMetrics(
        weightedMetrics, key: "weighted_metrics")
    }
    if dialect != self.dialect {
      for stray in otherKeys.pairs {
        translator.lose(
          stray.key, stray.value, "a key of nobody's; keep the dialect \(self.dialect)")
      }
      translated.otherKeys = JSONObject()
    }
    return (translated, translator.losses)
  }

  private func knownJSON(
    for dialect: Dialect, in container: ConfigurationContainer, optimizer: JSONValue
  ) -> JSONObject {
    switch (container, dialect) {
    case (.attribute, .keras2), (.attribute, .tfKeras):
      return [
        "loss": loss, "metrics": metrics, "weighted_metrics": weightedMetrics,
        "loss_weights": lossWeights, "optimizer_config": optimizer,
      ]
    case (.attribute, .keras3):
      return [
        "loss": loss, "loss_weights": lossWeights, "metrics": metrics,
        "weighted_metrics": weightedMetrics, "run_eagerly": runEagerlyForKeras3,
        "steps_per_execution": stepsForKeras3, "jit_compile": jitCompileForKeras3,
        "optimizer_config": optimizer,
      ]
    case (.document, .keras3):
      return [
        "optimizer": optimizer, "loss": loss, "loss_weights": lossWeights, "metrics": metrics,
        "weighted_metrics": weightedMetrics, "run_eagerly": runEagerlyForKeras3,
        "steps_per_execution": stepsForKeras3, "jit_compile": jitCompileForKeras3,
      ]
    case (.document, _):
      return [
        "optimizer": optimizer, "loss": loss, "metrics": metrics, "loss_weights": lossWeights,
        "weighted_metrics": weightedMetrics, "run_eagerly": runEagerly,
        "steps_per_execution": stepsPerExecution, "jit_compile": jitCompile,
      ]
    }
  }

  private var runEagerlyForKeras3: JSONValue { runEagerly.isNull ? false : runEagerly }
  private var stepsForKeras3: JSONValue { stepsPerExecution.isNull ? 1 : stepsPerExecution }
  private var jitCompileForKeras3: JSONValue { jitCompile.isNull ? false : jitCompile }

  /// Whether a value needs no other spelling: plain names mean the same everywhere.
  private func isSpelled(
    _ value: JSONValue, for dialect: Dialect, in container: ConfigurationContainer
  ) -> Bool {
    value.isNull || (dialect == self.dialect && Self.isSpelled(value, for: container))
  }

  /// Only documents name the module of an object's class.
  private static func isSpelled(
    _ metrics: JSONValue, for container: ConfigurationContainer
  ) -> Bool {
    switch metrics {
    case .array(let entries): entries.allSatisfy { isSpelled($0, for: container) }
    case .object: (metrics["module"] != nil) == (container == .document)
    default: true
    }
  }

  private func optimizerJSON(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    guard let optimizer else { return .null }
    let isDocument = optimizer.json["module"] != nil
    if dialect == optimizer.dialect && isDocument == (container == .document) {
      return optimizer.json
    }
    return try optimizer.json(for: dialect, in: container)
  }
}
