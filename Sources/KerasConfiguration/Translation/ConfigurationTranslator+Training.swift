// Losses and metrics: names, objects of a class, or lists and objects of them for several outputs.
extension ConfigurationTranslator {
  /// What stands for a loss or for metrics in the target; null for what was lost.
  mutating func translatedLoss(_ loss: JSONValue) -> JSONValue {
    object = "training configuration"
    return translated(loss, key: "loss", module: "keras.losses") ?? .null
  }

  /// See ``translatedLoss(_:)``. Keras 2 writes a list for each output; of one output the inner list is
  /// meant.
  mutating func translatedMetrics(_ metrics: JSONValue, key: String) -> JSONValue {
    object = "training configuration"
    let outputs = metrics.array ?? []
    let isOne = outputs.count == 1 && outputs[0].array != nil
    return translated(isOne ? outputs[0] : metrics, key: key, module: "keras.metrics") ?? .null
  }

  /// Nil for what the target cannot hold.
  private mutating func translated(
    _ value: JSONValue, key: String, module: String
  ) -> JSONValue? {
    switch value {
    case .string(let name) where key == "loss":
      return .string(LossConfiguration.aliases[name] ?? name)
    case .array(let elements):
      return .array(elements.compactMap { translated($0, key: key, module: module) })
    case .object(let object) where object["class_name"] == nil:
      return .object(
        JSONObject(
          object.pairs.compactMap { pair in
            translated(pair.value, key: key, module: module).map { .init(key: pair.key, value: $0) }
          }))
    case .object(let object):
      return translated(object, value, key: key, module: module)
    default: return value
    }
  }

  /// An object of a class.
  private mutating func translated(
    _ object: JSONObject, _ value: JSONValue, key: String, module: String
  ) -> JSONValue? {
    let entry = ClassEntry(value)
    if let name = object["config"]?.string, TrainingClasses.functions.contains(name) {
      return .string(name)
    }
    let classes =
      module == "keras.losses" ? TrainingClasses.losses : TrainingClasses.metrics
    guard !entry.isCustom, classes.contains(entry.className),
      let options = object["config"]?.object
    else {
      lose(key, value, "somebody's own, or of one generation alone")
      return source == target ? value : nil
    }
    if entry.className == "MeanMetricWrapper" { return unwrapped(options, value, key: key) }
    var config = module == "keras.losses" ? lossOptions(options, entry.className) : options
    if config["dtype"]?.object != nil { config["dtype"] = "float32" }
    return trainingObject(module, entry.className, config)
  }

  private func trainingObject(
    _ module: String, _ className: String, _ config: JSONObject
  ) -> JSONValue {
    guard container == .document else {
      return ["class_name": .string(className), "config": .object(config)]
    }
    return [
      "module": .string(module), "class_name": .string(className), "config": .object(config),
      "registered_name": .null,
    ]
  }

  /// Keras 2 calls the mean over the batch `auto`, and its archives repeat the function's name.
  private func lossOptions(_ options: JSONObject, _ className: String) -> JSONObject {
    var config = options
    config["fn"] = nil
    let means: [JSONValue] = ["auto", "sum_over_batch_size"]
    if let reduction = config["reduction"], changesGeneration, means.contains(reduction) {
      config["reduction"] = target == .keras3 ? "sum_over_batch_size" : "auto"
    }
    config.reorder(target == .keras3 ? "name reduction" : "reduction name")
    if target != .keras3 && container == .document {
      config["fn"] = .string(TrainingClasses.functionName(ofClass: className))
    }
    return config
  }

  /// Keras 2's wrapper around a function: the function's name where that is also its own, else an object
  /// of the function's class.
  private mutating func unwrapped(
    _ options: JSONObject, _ value: JSONValue, key: String
  ) -> JSONValue? {
    let function = options["fn"]?.string ?? options["fn"]?["config"]?.string ?? ""
    guard TrainingClasses.functions.contains(function) else {
      lose(key, value, "code, which no configuration carries")
      return source == target ? value : nil
    }
    let name = options["name"]?.string ?? function
    let meaning = LossConfiguration.aliases[name] ?? name
    let isAccuracy = ["acc", "accuracy"].contains(name) && function.hasSuffix("accuracy")
    if meaning == function || isAccuracy { return .string(name) }
    let words = function.split(separator: "_")
    let className = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    return trainingObject(
      "keras.metrics", className,
      ["name": .string(name), "dtype": options["dtype"]?.string.map { .string($0) } ?? "float32"])
  }
}

/// The losses and metrics that every Keras has.
enum TrainingClasses {
  static let losses = names(
    """
    BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalHinge
    CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
    SparseCategoricalCrossentropy SquaredHinge
    """)

  static let metrics = names(
    """
    AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy
    CategoricalCrossentropy CategoricalHinge CosineSimilarity FalseNegatives FalsePositives Hinge
    IoU KLDivergence LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU
    MeanMetricWrapper MeanSquaredError MeanSquaredLogarithmicError OneHotIoU OneHotMeanIoU Poisson
    Precision PrecisionAtRecall Recall RecallAtPrecision RootMeanSquaredError
    SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy
    SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum
    TopKCategoricalAccuracy TrueNegatives TruePositives
    """)

  static let functions = names(
    """
    binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy
    categorical_crossentropy categorical_hinge cosine_similarity hinge huber kl_divergence log_cosh
    mean_absolute_error mean_absolute_percentage_error mean_squared_error
    mean_squared_logarithmic_error poisson sparse_categorical_accuracy
    sparse_categorical_crossentropy sparse_top_k_categorical_accuracy squared_hinge
    top_k_categorical_accuracy
    """)

  private static func names(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: \.isWhitespace).map { String($0) })
  }

  /// The function that a loss's class wraps.
  static func functionName(ofClass className: String) -> String { snakeCase(className) }
}
