public import Tensors

/// A model as Keras's JSON describes it: its layers, in order, and how they are called.
///
/// Layers stay as they were read; ``decodedLayers()`` is the step that asks whether Cairn can train
/// them. From the attribute `model_config` of a whole-model file, from `config.json` of an archive,
/// and from `to_json()`.
public struct ModelConfiguration: Sendable, Hashable {
  /// The whole object, as it was read.
  public let json: JSONValue
  /// `Sequential`, `Functional`, or the name of somebody's subclass.
  public let className: String
  /// The model's name; empty where the JSON gives none.
  public let name: String
  /// The layers that the model owns, each once, in model order; a Sequential's InputLayer included.
  public let layers: [LayerEntry]
  /// How the layers are called.
  public let calls: Calls
  /// The shape that the model was built for, batch first, as far as the JSON says so.
  public let buildInputShape: [Int?]?
  /// Whose spelling the JSON is.
  public let dialect: Dialect
  /// What a file shows of the layers of unknown classes, by their paths; see ``knowing(_:)``.
  public internal(set) var customLayers: [LayerPath: CustomLayer] = [:]
  var memo = ModelMemo()

  /// How the layers are called.
  public enum Calls: Sendable, Hashable {
    /// Each layer once, on the output of the one before.
    case chain
    /// A graph: the layers' `inbound_nodes`, kept in their JSON.
    case graph
    /// Written in the class's own code; the JSON does not say.
    case unknown
  }

  /// The classes whose JSON lists layers.
  static let modelClassNames: Set<String> = ["Sequential", "Functional", "Model"]

  /// Parses the text of any of the three sources; see ``init(json:dialect:)``.
  public init(parsing text: String, dialect: Dialect? = nil) throws(ConfigurationError) {
    try self.init(json: JSONValue(parsing: text), dialect: dialect)
  }

  /// The model that `json` describes. Without `dialect` it is told from the spelling; where both
  /// spell alike, Keras 2 is assumed. Throws if there are no class, no name, or layers that are not
  /// objects with both.
  public init(json: JSONValue, dialect: Dialect? = nil) throws(ConfigurationError) {
    let serialized = try SerializedObject(json, key: "model_config", object: "model")
    let configuration = serialized.configuration
    className = serialized.className
    name = configuration["name"]?.string ?? ""
    layers = try Self.layers(in: configuration, className: className)
    calls =
      switch className {
      case "Sequential": .chain
      case "Functional", "Model": .graph
      default: .unknown
      }
    buildInputShape =
      configuration["build_input_shape"]?.shape ?? json["build_config"]?["input_shape"]?.shape
    self.json = json
    self.dialect = dialect ?? Dialect(modelJSON: json) ?? .keras2
  }

  /// The same model in other words: a translation changes neither its class nor the order of its layers,
  /// and of their names those that `renaming` holds.
  init(
    _ model: ModelConfiguration, spelledAs json: JSONValue, dialect: Dialect,
    renaming: LayerRenaming
  ) {
    className = model.className
    name = renaming[model.name]
    calls = model.calls
    let entries = json["config"]?["layers"]?.array ?? []
    layers = zip(model.layers, entries).map { layer, json in
      LayerEntry(json: json, className: layer.className, name: renaming[layer.name])
    }
    buildInputShape =
      json["config"]?["build_input_shape"]?.shape ?? json["build_config"]?["input_shape"]?.shape
    self.json = json
    self.dialect = dialect
    customLayers = Dictionary(
      uniqueKeysWithValues: model.customLayers.map { (renaming[$0.key], $0.value) })
  }

  /// Keras's own classes must list layers. What another class keeps under that key is its own affair:
  /// layers if it looks like them.
  private static func layers(
    in configuration: JSONObject, className: String
  ) throws(ConfigurationError) -> [LayerEntry] {
    let object = "model `\(configuration["name"]?.string ?? "")`"
    let entries = configuration["layers"]
    guard modelClassNames.contains(className) else {
      let candidates = entries?.array ?? []
      return candidates.allSatisfy(LayerEntry.isLayer) ? try layers(candidates) : []
    }
    guard let entries else { throw .missingKey("layers", object: object) }
    guard let list = entries.array else {
      throw .unexpectedValue(key: "layers", object: object, expected: "a list", found: entries)
    }
    return try layers(list)
  }

  private static func layers(_ list: [JSONValue]) throws(ConfigurationError) -> [LayerEntry] {
    var layers: [LayerEntry] = []
    var defaultNames = ElementNumbering(countsWeightedTwice: false)
    for entry in list {
      layers.append(try LayerEntry(json: entry, defaultNames: &defaultNames))
    }
    return layers
  }

  /// The text of ``json``, made once for all copies of this value.
  public var text: String { memo.text(of: json, at: nil) }

  /// The model's own flag; false freezes every layer.
  public var isTrainable: Bool { json["config"]?["trainable"] != .bool(false) }

  /// The shape of a batch for a chain: its InputLayer's, else the one it was built for, else what its
  /// first layer was given; nil if the JSON says nothing.
  public var inputShape: [Int?]? {
    let first = layers.first?.configuration
    for key in ["batch_shape", "batch_input_shape"] where layers.first?.className == "InputLayer" {
      if let shape = first?[key]?.shape { return shape }
    }
    return buildInputShape ?? first?["batch_input_shape"]?.shape
  }

  /// What `compile` was told, where the JSON holds it (archives, and `to_json()` of Keras 3).
  public var trainingConfiguration: TrainingConfiguration? {
    get throws(ConfigurationError) {
      guard let compiled = json["compile_config"]?.object, !compiled.pairs.isEmpty else {
        return nil
      }
      return try TrainingConfiguration(json: .object(compiled), dialect: dialect)
    }
  }
}

// MARK: - Decoding

extension ModelConfiguration {
  /// The layers as values, the InputLayer included where there is one.
  ///
  /// Throws for a model that is not a chain, and for the first layer that cannot be trained, naming
  /// the layer, the key and the value.
  public func decodedLayers() throws(ConfigurationError) -> [LayerConfiguration] {
    guard calls == .chain else {
      throw .unknownClass(className, object: "model `\(name)`", known: ["Sequential"])
    }
    var decoded: [LayerConfiguration] = []
    for layer in layers { decoded.append(try layer.decoded()) }
    for (index, layer) in decoded.enumerated().dropFirst() {
      if case .input = layer.kind {
        throw .unsupported(
          key: "layers[\(index)]", object: "model `\(name)`", value: .string(layer.name),
          cure: "only the first layer may be an InputLayer")
      }
      if decoded[..<index].contains(where: { $0.name == layer.name }) {
        throw .unexpectedValue(
          key: "layers[\(index)]", object: "model `\(name)`", expected: "a name of its own",
          found: .string(layer.name))
      }
    }
    return decoded
  }
}

// MARK: - Telling the dialect

extension Dialect {
  /// From what only one dialect writes: a version, modules, the key of an input's shape, the form of
  /// a layer's dtype. Nil if nothing gives it away.
  init?(modelJSON json: JSONValue) {
    if let version = json["keras_version"]?.string, let dialect = Dialect(kerasVersion: version) {
      self = dialect
      return
    }
    switch json["module"]?.string {
    case "keras.engine.functional": self = .keras2
    case "tf_keras.src.engine.functional": self = .tfKeras
    case "keras.src.models.functional": self = .keras3
    default:
      let layers = json["config"]?["layers"]?.array ?? []
      let configurations = layers.compactMap { $0["config"] }
      let hasPolicy = { (value: JSONValue) in
        value["dtype"]?["class_name"]?.string == "DTypePolicy"
      }
      if json["config"].map(hasPolicy) == true || configurations.contains(where: hasPolicy)
        || configurations.contains(where: { $0["batch_shape"] != nil })
      {
        self = .keras3
      } else if configurations.contains(where: { $0["batch_input_shape"] != nil }) {
        self = layers.contains { $0["module"] != nil } ? .tfKeras : .keras2
      } else {
        return nil
      }
    }
  }
}
