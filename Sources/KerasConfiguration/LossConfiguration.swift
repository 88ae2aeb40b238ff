/// A loss that Cairn can train with: the mean over the batch of one function.
public struct LossConfiguration: Sendable, Hashable {
  /// Which loss.
  public var function: Function
  /// True where the predictions are logits instead of probabilities.
  public var isFromLogits: Bool

  public init(_ function: Function, isFromLogits: Bool = false) {
    self.function = function
    self.isFromLogits = isFromLogits
  }

  /// By Keras's long name. Short aliases are read and never written: Keras 3 cannot load a
  /// whole-model file that holds one.
  public enum Function: String, Sendable, Hashable, CaseIterable {
    case sparseCategoricalCrossentropy = "sparse_categorical_crossentropy"
    case categoricalCrossentropy = "categorical_crossentropy"
    case binaryCrossentropy = "binary_crossentropy"
    case meanSquaredError = "mean_squared_error"

    /// Keras's class, such as `MeanSquaredError`.
    public var className: String {
      switch self {
      case .sparseCategoricalCrossentropy: "SparseCategoricalCrossentropy"
      case .categoricalCrossentropy: "CategoricalCrossentropy"
      case .binaryCrossentropy: "BinaryCrossentropy"
      case .meanSquaredError: "MeanSquaredError"
      }
    }
  }

  /// Keras's short names of losses, and the long ones that they stand for.
  public static let aliases: [String: String] = [
    "mse": "mean_squared_error", "MSE": "mean_squared_error",
    "mae": "mean_absolute_error", "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "MSLE": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy", "BCE": "binary_crossentropy",
    "kld": "kl_divergence", "KLD": "kl_divergence", "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
  ]
}

// MARK: - Reading

extension LossConfiguration {
  /// From a name or a serialized loss of any dialect. Throws for another loss, and for options that
  /// would change the result: label smoothing, an ignored class, another reduction or axis.
  public init(json: JSONValue) throws(ConfigurationError) {
    let object = "training configuration"
    if let text = json.functionName {
      guard let function = Function(kerasName: text) else { throw Self.unknown(text) }
      self.init(function)
      return
    }
    let serialized = try SerializedObject(json, key: "loss", object: object)
    guard let function = Function(kerasName: serialized.className) else {
      throw Self.unknown(serialized.className)
    }
    var reader = ConfigurationReader(
      serialized.configuration, object: "loss `\(function.rawValue)`")
    _ = try reader.optionalString("name")
    try reader.refuse(
      "reduction", unless: [.null, "auto", "sum_over_batch_size"],
      cure: "use the mean over the batch (sum_over_batch_size)")
    try reader.refuse("dtype", unless: [.null, "float32"], cure: "use float32")
    // Archives of Keras 2 repeat the function's name.
    try reader.refuse(
      "fn", unless: [.null, .string(function.rawValue)], cure: "use Keras's own function")
    var isFromLogits = false
    if function != .meanSquaredError {
      isFromLogits = try reader.bool("from_logits", default: false)
      try reader.refuse(
        "label_smoothing", unless: [.null, 0, 0.0], cure: "use label_smoothing=0")
      try reader.refuse("axis", unless: [.null, -1], cure: "use the last axis")
      try reader.refuse("ignore_class", cure: "leave it null")
    }
    try reader.finish()
    self.init(function, isFromLogits: isFromLogits)
  }

  private static func unknown(_ name: String) -> ConfigurationError {
    .unknownClass(name, object: "loss", known: Function.allCases.map(\.rawValue))
  }
}

extension LossConfiguration.Function {
  /// From a long name, a short alias, or a class.
  public init?(kerasName: String) {
    let name = LossConfiguration.aliases[kerasName] ?? kerasName
    guard let function = Self.allCases.first(where: { $0.rawValue == name || $0.className == name })
    else { return nil }
    self = function
  }
}

// MARK: - Writing

extension LossConfiguration {
  /// As `dialect` writes it: the long name, or the loss object where the predictions are logits.
  public func json(for dialect: Dialect, in container: ConfigurationContainer) -> JSONValue {
    guard isFromLogits else { return .string(function.rawValue) }
    let name = ("name", JSONValue.string(function.rawValue))
    var config =
      dialect == .keras3
      ? JSONObject([name, ("reduction", "sum_over_batch_size")])
      : JSONObject([("reduction", "auto"), name])
    config["from_logits"] = true
    switch function {
    case .sparseCategoricalCrossentropy: config["ignore_class"] = .null
    case .categoricalCrossentropy, .binaryCrossentropy:
      config["label_smoothing"] = 0.0
      config["axis"] = -1
    case .meanSquaredError: config["from_logits"] = nil
    }
    if dialect != .keras3 && container == .document {
      config["fn"] = .string(function.rawValue)
    }
    let className = JSONValue.string(function.className)
    guard container == .document else {
      return ["class_name": className, "config": .object(config)]
    }
    return [
      "module": "keras.losses", "class_name": className, "config": .object(config),
      "registered_name": .null,
    ]
  }
}
