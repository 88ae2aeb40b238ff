/// A layer as a file holds it: any class, its JSON as it was read. Decoding it is a step of its own,
/// so that models with layers unknown to Cairn can be inspected, compared and restored.
public struct LayerEntry: Sendable, Hashable {
  /// The whole object: `class_name`, `config` and what stands beside them.
  public var json: JSONValue
  /// The class as the file names it.
  public let className: String
  /// The layer's name.
  public let name: String

  /// Throws if the object has no class, or no name though it is not of a class of somebody's own: such a
  /// class may leave the name out of its options, and Keras then makes one of the class and a number.
  init(
    json: JSONValue, defaultNames: inout ElementNumbering
  ) throws(ConfigurationError) {
    guard let className = json["class_name"]?.string else {
      throw .unexpectedValue(
        key: "layers", object: "model", expected: "objects with `class_name`", found: json)
    }
    self.json = json
    self.className = className
    let defaultName = defaultNames.name(
      ofClass: Self.plainClassName(className), hasVariables: true)
    name = Self.name(json) ?? defaultName
    guard Self.name(json) != nil || !hasKnownClass || isCustomClass else {
      throw .missingKey("name", object: "layer of class `\(className)`")
    }
  }

  /// Throws if the object has no class or no name.
  public init(json: JSONValue) throws(ConfigurationError) {
    var names = ElementNumbering(countsWeightedTwice: false)
    try self.init(json: json, defaultNames: &names)
  }

  init(json: JSONValue, className: String, name: String) {
    self.json = json
    self.className = className
    self.name = name
  }

  /// The class without the package under which it may be registered: `Scale` of `mine>Scale`.
  var plainClassName: String { Self.plainClassName(className) }

  static func plainClassName(_ className: String) -> String {
    className.split(separator: ">").last.map(String.init) ?? className
  }

  static func isLayer(_ json: JSONValue) -> Bool {
    json["class_name"]?.string != nil && name(json) != nil
  }

  private static func name(_ json: JSONValue) -> String? {
    json["config"]?["name"]?.string ?? json["name"]?.string
  }

  /// True for what is told to be somebody's own class, which may share its name with one of Keras's:
  /// registered under a package (`mine>Dense`), or of another module than Keras's.
  public var isCustomClass: Bool { Self.isCustomClass(json) }

  static func isCustomClass(_ json: JSONValue) -> Bool {
    let className = json["class_name"]?.string ?? ""
    let registered = json["registered_name"]?.string
    if className.contains(">") || registered?.contains(">") == true { return true }
    guard !ModelConfiguration.modelClassNames.contains(className) else { return false }
    guard let module = json["module"]?.string else {
      // Keras's own classes are registered nowhere.
      return registered != nil
    }
    return !["keras", "tf_keras"].contains { module == $0 || module.hasPrefix("\($0).") }
  }

  /// The options; empty if the object has none.
  public var configuration: JSONObject { json["config"]?.object ?? JSONObject() }

  /// The layer's own flag; a frozen owner freezes it too. True where the key is absent.
  public var isTrainable: Bool { configuration["trainable"] != .bool(false) }

  /// The layer that a TimeDistributed calls on each step, of any class: a model, too. Nil for other classes,
  /// and where the options hold none.
  var wrappedLayer: LayerEntry? {
    guard className == "TimeDistributed", !isCustomClass,
      let json = configuration[Self.wrappedKey], let className = json["class_name"]?.string
    else { return nil }
    return LayerEntry(
      json: json, className: className, name: Self.name(json) ?? Self.wrappedKey)
  }

  /// What a TimeDistributed calls the layer inside it: in its options, in its group, and in a `LayerPath`.
  static let wrappedKey = "layer"

  /// True for a Sequential or Functional model inside a model.
  public var isModel: Bool {
    ModelConfiguration.modelClassNames.contains(className) && !isCustomClass
  }
}

extension LayerEntry {
  /// The layer as values, from any dialect. Missing keys take Keras's defaults.
  ///
  /// Throws for a class that cannot be trained and for every option that would change the result and
  /// cannot be honoured (regularizers, constraints, masks, other dtypes), naming layer, key and value.
  public func decoded() throws(ConfigurationError) -> LayerConfiguration {
    let object = "layer `\(name)`"
    guard LayerConfiguration.classNames.contains(className), !isCustomClass else {
      throw .unknownClass(
        json["registered_name"]?.string ?? className, object: object,
        known: LayerConfiguration.classNames)
    }
    var reader = ConfigurationReader(configuration, object: object)
    _ = try reader.string("name", default: name)
    if className == "InputLayer" {
      let input = try Self.input(&reader)
      try reader.finish()
      return LayerConfiguration(name: name, .input(input))
    }
    let isTrainable = try reader.bool("trainable", default: true)
    try reader.requireFloat32()
    // Keras 2 repeats the shape that a model's first layer was given.
    _ = reader.value("batch_input_shape")
    try reader.refuse("activity_regularizer", cure: "train without regularizers")
    try reader.refuse("quantization_config", cure: "save the model unquantized")
    let kind: LayerConfiguration.Kind
    switch className {
    case "Dense": kind = .dense(try Self.dense(&reader))
    case "Activation": kind = .activation(try reader.activation("activation"))
    case "ReLU": kind = .relu(try Self.relu(&reader))
    case "Softmax": kind = .softmax(axis: try reader.axis(default: -1))
    case "Flatten":
      try reader.requireChannelsLast()
      kind = .flatten
    case "Dropout": kind = .dropout(try Self.dropout(&reader))
    case "BatchNormalization": kind = .batchNormalization(try Self.batchNormalization(&reader))
    case "Embedding": kind = .embedding(try Self.embedding(&reader))
    default:
      try reader.requireChannelsLast()
      kind = .globalAveragePooling1D(
        keepsDimensions: try reader.bool("keepdims", default: false))
    }
    try reader.finish()
    return LayerConfiguration(name: name, isTrainable: isTrainable, kind)
  }
}
