extension ModelConfiguration {
  /// A chain of layers, made in Swift, spelled as a document of `dialect`. The first layer is its
  /// InputLayer, unless the shape of the input is still open.
  ///
  /// Throws where a layer cannot take the shape that reaches it.
  public init(
    sequential name: String, layers: [LayerConfiguration], isTrainable: Bool = true,
    dialect: Dialect = .keras2
  ) throws(ConfigurationError) {
    let json = try Self.sequentialJSON(
      name: name, layers: layers, isTrainable: isTrainable, inputShape: nil, training: nil,
      for: dialect, in: .document)
    try self.init(json: json, dialect: dialect)
  }

  /// The object that `dialect` writes: `model_config` of a whole-model file (`.attribute`), or
  /// `config.json` of an archive (`.document`), there with `training` as `compile_config`.
  ///
  /// A model that was read from the same dialect and place comes back as it was, whatever its class
  /// and layers, its own `compile_config` included unless `training` replaces it. One of the same dialect
  /// from the other place is put into the frame of this one. Any other is translated, which throws
  /// unless ``decodedLayers()`` succeeds, and where the dialect cannot spell a layer.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer,
    training: TrainingConfiguration? = nil
  ) throws(ConfigurationError) -> JSONValue {
    if dialect == self.dialect && container == self.container {
      guard container == .document else { return attributeJSON }
      guard let training, var document = json.object else { return json }
      document["compile_config"] = try training.json(for: dialect, in: .document)
      return .object(document)
    }
    let decoded: [LayerConfiguration]
    do {
      decoded = try decodedLayers()
    } catch {
      guard dialect == self.dialect else { throw error }
      return try reframed(for: container, training: training)
    }
    return try Self.sequentialJSON(
      name: name, layers: decoded, isTrainable: isTrainable, inputShape: inputShape,
      training: training, for: dialect, in: container)
  }

  /// This model in the spelling of another dialect; see ``json(for:in:training:)``.
  public func translated(
    to dialect: Dialect, in container: ConfigurationContainer = .document
  ) throws(ConfigurationError) -> ModelConfiguration {
    try ModelConfiguration(json: json(for: dialect, in: container), dialect: dialect)
  }

  /// The same class and `config`, whatever they are, in the other place's frame.
  private func reframed(
    for container: ConfigurationContainer, training: TrainingConfiguration?
  ) throws(ConfigurationError) -> JSONValue {
    let parts: JSONObject = [
      "class_name": json["class_name"] ?? .string(className), "config": json["config"] ?? [:],
    ]
    guard container == .document else { return .object(parts) }
    let isGraph = calls == .graph
    guard isGraph || calls == .chain else {
      throw .unknownClass(
        className, object: "model `\(name)`", known: Self.modelClassNames.sorted())
    }
    var document: JSONObject = ["module": .string(isGraph ? dialect.functionalModule : "keras")]
    document.pairs += parts.pairs
    document["registered_name"] = isGraph ? .string(className) : .null
    if let shape = inputShape {
      document["build_config"] = ["input_shape": JSONValue(shape: shape)]
    }
    if let training {
      document["compile_config"] = try training.json(for: dialect, in: .document)
    }
    return .object(document)
  }

  /// `to_json()` of Keras 2 is the attribute with a version and a backend behind it.
  private var attributeJSON: JSONValue {
    guard let object = json.object, object["keras_version"] != nil || object["backend"] != nil
    else { return json }
    return .object(
      JSONObject(object.pairs.filter { !["keras_version", "backend"].contains($0.key) }))
  }

  /// Where the JSON stood: only documents name the module of the model's class.
  var container: ConfigurationContainer { json["module"] == nil ? .attribute : .document }

  private static func sequentialJSON(
    name: String, layers: [LayerConfiguration], isTrainable: Bool, inputShape: [Int?]?,
    training: TrainingConfiguration?, for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    var shape = inputShape
    if case .input(let input)? = layers.first?.kind { shape = input.batchShape }
    let builtShape = shape
    var entries: [JSONValue] = []
    for layer in layers {
      entries.append(try layer.json(for: dialect, in: container, inputShape: shape))
      if let input = shape { shape = try layer.outputShape(for: input) }
    }
    var config: JSONObject = ["name": .string(name)]
    if dialect == .keras3 {
      config["trainable"] = .bool(isTrainable)
      config["dtype"] = LayerConfiguration.float32Policy
    } else if !isTrainable {
      // Keras 2 spells a frozen Sequential by its layers' flags alone.
      entries = entries.map(Self.frozen)
    }
    config["layers"] = .array(entries)
    if dialect == .keras3, let builtShape {
      config["build_input_shape"] = JSONValue(shape: builtShape)
    }
    guard container == .document else {
      return ["class_name": "Sequential", "config": .object(config)]
    }
    var document: JSONObject = [
      "module": "keras", "class_name": "Sequential", "config": .object(config),
      "registered_name": .null,
    ]
    if let builtShape {
      document["build_config"] = ["input_shape": JSONValue(shape: builtShape)]
    }
    if let training {
      document["compile_config"] = try training.json(for: dialect, in: .document)
    }
    return .object(document)
  }

  private static func frozen(_ entry: JSONValue) -> JSONValue {
    guard var object = entry.object, var config = object["config"]?.object,
      config["trainable"] != nil
    else { return entry }
    config["trainable"] = false
    object["config"] = .object(config)
    return .object(object)
  }
}

extension Dialect {
  /// The module that a document names for a Functional model.
  fileprivate var functionalModule: String {
    switch self {
    case .keras2: "keras.engine.functional"
    case .tfKeras: "tf_keras.src.engine.functional"
    case .keras3: "keras.src.models.functional"
    }
  }
}
