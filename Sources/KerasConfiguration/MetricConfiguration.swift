/// A metric that Cairn can compute, and the name that it is reported by.
public struct MetricConfiguration: Sendable, Hashable {
  /// The name that it is reported by.
  public var name: String
  /// What it computes.
  public var function: Function

  public init(_ function: Function, name: String? = nil) {
    self.function = function
    self.name = name ?? function.rawValue
  }

  public enum Function: String, Sendable, Hashable, CaseIterable {
    /// The accuracy that fits the loss and the output's shape; Keras chooses when training starts.
    case accuracy
    case sparseCategoricalAccuracy = "sparse_categorical_accuracy"
    case categoricalAccuracy = "categorical_accuracy"
    case binaryAccuracy = "binary_accuracy"
    case meanSquaredError = "mean_squared_error"
  }
}

// MARK: - Reading

extension MetricConfiguration {
  /// From a name, or a serialized metric of any dialect. Throws for another metric and for options
  /// other than Keras's defaults.
  public init(json: JSONValue) throws(ConfigurationError) {
    if let text = json.functionName {
      guard let function = Function(kerasName: text) else { throw Self.unknown(text) }
      self.init(function, name: text)
      return
    }
    let serialized = try SerializedObject(json, key: "metrics", object: "training configuration")
    var reader = ConfigurationReader(
      serialized.configuration, object: "metric `\(serialized.className)`")
    let name = try reader.optionalString("name")
    try reader.refuse("dtype", unless: [.null, "float32"], cure: "use float32")
    let functionName =
      serialized.className == "MeanMetricWrapper"
      ? try reader.functionName("fn") : serialized.className
    guard let function = Function(kerasName: functionName) else { throw Self.unknown(functionName) }
    if function == .binaryAccuracy {
      try reader.refuse("threshold", unless: [.null, 0.5], cure: "use threshold 0.5")
    }
    try reader.finish()
    self.init(function, name: name)
  }

  private static func unknown(_ name: String) -> ConfigurationError {
    .unknownClass(name, object: "metric", known: Function.allCases.map(\.rawValue))
  }
}

extension MetricConfiguration.Function {
  /// From a name, a short alias, or a class.
  public init?(kerasName: String) {
    switch kerasName {
    case "acc": self = .accuracy
    case "mse", "MSE", "MeanSquaredError": self = .meanSquaredError
    case "SparseCategoricalAccuracy": self = .sparseCategoricalAccuracy
    case "CategoricalAccuracy": self = .categoricalAccuracy
    case "BinaryAccuracy": self = .binaryAccuracy
    default: self.init(rawValue: kerasName)
    }
  }
}

// MARK: - Writing

extension MetricConfiguration {
  private static let accuracies: Set<Function> = [
    .sparseCategoricalAccuracy, .categoricalAccuracy, .binaryAccuracy,
  ]

  /// As it may stand in `metrics` for `dialect`: the plain name, which every Keras reads, or an
  /// object of its class under another name.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    if Function(kerasName: name) == function { return .string(name) }
    // Keras 2 writes the accuracy that it chose under the name that it was asked for.
    if Function(kerasName: name) == .accuracy, Self.accuracies.contains(function) {
      return .string(name)
    }
    guard function != .accuracy else {
      throw .notExpressible(
        key: "name", object: "metric `\(name)`", dialect: dialect,
        cure: "call it accuracy, or choose one accuracy by its own name")
    }
    let config: JSONValue = ["name": .string(name), "dtype": "float32"]
    let words = function.rawValue.split(separator: "_")
    let className = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    guard container == .document else {
      return ["class_name": .string(className), "config": config]
    }
    return [
      "module": "keras.metrics", "class_name": .string(className), "config": config,
      "registered_name": .null,
    ]
  }
}
