extension ModelConfiguration {
  /// A chain of layers, made in Swift, spelled as a document of `dialect`. The first layer is its
  /// InputLayer, unless the shape of the input is still open.
  ///
  /// Throws where a layer cannot take the shape that reaches it.
  public init(
    sequential name: String, layers: [LayerConfiguration], isTrainable: Bool = true,
    dialect: Dialect = .keras2
  ) throws(ConfigurationError) {
    let json = try Self.sequentialJSON(name: name, layers: layers, isTrainable: isTrainable)
    let model = try Self(json: json, dialect: .keras2)
    self = model.translation(to: dialect, in: .document).configuration
  }

  /// The object that `dialect` writes: `model_config` of a whole-model file (`.attribute`), or
  /// `config.json` of an archive (`.document`), there with `training` as `compile_config`.
  ///
  /// A model that was read from the same dialect and place comes back as it was, whatever its class
  /// and layers, its own `compile_config` included unless `training` replaces it. Any other is
  /// translated, which throws where ``translation(to:in:)`` loses something, and for a class of
  /// somebody's own that is to change its place.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer,
    training: TrainingConfiguration? = nil
  ) throws(ConfigurationError) -> JSONValue {
    let words = try memo.words(at: .init(dialect: dialect, container: container)) {
      () throws(ConfigurationError) in try spelled(for: dialect, in: container)
    }
    guard container == .document, let training, var document = words.object else { return words }
    document["compile_config"] = try training.json(for: dialect, in: .document)
    return .object(document)
  }

  private func spelled(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    if dialect == self.dialect && container == self.container {
      return container == .document ? json : attributeJSON
    }
    guard calls != .unknown else {
      throw .unknownClass(
        className, object: "model `\(name)`", known: Self.modelClassNames.sorted())
    }
    let (translated, losses) = translation(to: dialect, in: container)
    if let loss = losses.first {
      throw .notExpressible(key: loss.key, object: loss.object, dialect: dialect, cure: loss.reason)
    }
    return translated.json
  }

  /// The text of ``json(for:in:training:)``, made once for all copies of this value where there is no
  /// training.
  public func text(
    for dialect: Dialect, in container: ConfigurationContainer,
    training: TrainingConfiguration? = nil
  ) throws(ConfigurationError) -> String {
    let words = try json(for: dialect, in: container, training: training)
    let place = ModelMemo.Place(dialect: dialect, container: container)
    return training == nil ? memo.text(of: words, at: place) : words.text
  }

  /// This model in the spelling of another dialect; see ``json(for:in:training:)``.
  public func translated(
    to dialect: Dialect, in container: ConfigurationContainer = .document
  ) throws(ConfigurationError) -> ModelConfiguration {
    try ModelConfiguration(json: json(for: dialect, in: container), dialect: dialect)
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

  /// The document of Keras 2.
  private static func sequentialJSON(
    name: String, layers: [LayerConfiguration], isTrainable: Bool
  ) throws(ConfigurationError) -> JSONValue {
    var shape: [Int?]?
    if case .input(let input)? = layers.first?.kind { shape = input.batchShape }
    var entries: [JSONValue] = []
    for layer in layers {
      var layer = layer
      // Keras 2 spells a frozen Sequential by its layers' flags alone.
      if !isTrainable { layer.isTrainable = false }
      entries.append(try layer.json(for: .keras2, in: .attribute, inputShape: shape))
      if let input = shape { shape = try layer.outputShape(for: input) }
    }
    return [
      "module": "keras", "class_name": "Sequential",
      "config": ["name": .string(name), "layers": .array(entries)], "registered_name": .null,
    ]
  }
}
