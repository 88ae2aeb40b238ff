extension ConfigurationTranslator {
  /// A layer's entry, without its calls, and what comes out of it.
  struct TranslatedLayer {
    var pairs: JSONObject
    var outputs: [TensorSignature]
    /// Set for a model.
    var model: TranslatedModel?
  }

  /// The entry of a layer, cell or wrapped layer that is called on `inputs`.
  mutating func translatedLayer(
    _ json: JSONValue, inputs: [TensorSignature], in frame: Frame
  ) -> TranslatedLayer {
    let entry = ClassEntry(json)
    let configuration = json["config"]?.object ?? JSONObject()
    let outer = object
    defer { object = outer }
    if let name = configuration["name"]?.string {
      object = "layer `\(name)`"
    }
    if isCustomLayer(json) {
      return customLayer(json, configuration, inputs: inputs, in: frame)
    }
    if ModelConfiguration.modelClassNames.contains(entry.className) {
      return nestedModel(json, entry, in: frame)
    }
    if !LayerClasses.exists(entry.className, in: target) {
      lose("class_name", .string(entry.className), "\(target) has no such class")
    }
    if entry.className == "MultiHeadAttention", configuration["trainable"] == .bool(false),
      changesGeneration, target == .keras3
    {
      lose("trainable", false, "Keras 3 trains the layers inside this one, whose flags it forgets")
    }
    let translated = translatedOptions(
      configuration, ofClass: entry.className, inputs: inputs,
      TranslationRule.rule(forClass: entry.className))
    let outputs = ShapeInference.outputs(
      ofClass: entry.className, configuration, inputs: inputs, dialect: source)
    let pairs = framed(
      module: "keras.layers", className: entry.className, registeredName: .null,
      .object(translated),
      build: (source == target ? json["build_config"] : nil)
        ?? buildConfiguration(ofClass: entry.className, inputs: inputs), in: frame)
    return TranslatedLayer(pairs: pairs, outputs: outputs)
  }

  /// Whether a layer's class is somebody's own: said to be, or none that any Keras has. Operations of Keras 3,
  /// whose names are many, have no dtype.
  private func isCustomLayer(_ json: JSONValue) -> Bool {
    if LayerEntry.isCustomClass(json) { return true }
    guard json["module"]?.string == nil, !LayerClasses.isOfKeras(json["class_name"]?.string ?? "")
    else { return false }
    return source != .keras3 || json["config"]?["dtype"] != nil
  }

  /// A layer of a class of somebody's own. Its options mean what its code makes of them, so they stay as they
  /// are, but for the two that Keras's base class reads.
  private mutating func customLayer(
    _ json: JSONValue, _ configuration: JSONObject, inputs: [TensorSignature], in frame: Frame
  ) -> TranslatedLayer {
    let className = json["class_name"]?.string ?? ""
    let registered = json["registered_name"]?.string ?? className
    var options = configuration
    if let dtype = options["dtype"] { options["dtype"] = self.dtype(dtype, ofClass: className) }
    // The shape that a model's first layer was given; models say it again.
    if target == .keras3, source != .keras3 { options["batch_input_shape"] = nil }
    var pairs = framed(
      module: json["module"] ?? .null, className: LayerEntry.plainClassName(registered),
      registeredName: .string(registered),
      .object(options),
      build: json["build_config"] ?? buildConfiguration(ofClass: className, inputs: inputs),
      in: frame)
    // Without a key of its own the registry's name stands in the class.
    if pairs["registered_name"] == nil { pairs["class_name"] = .string(registered) }
    carry(registered)
    return TranslatedLayer(pairs: pairs, outputs: [TensorSignature()])
  }

  private mutating func nestedModel(
    _ json: JSONValue, _ entry: ClassEntry, in frame: Frame
  ) -> TranslatedLayer {
    let model = translatedModel(json, isNested: true)
    let isGraph = entry.className != "Sequential"
    let module: JSONValue = isGraph ? .string(target.functionalModule) : "keras"
    var pairs = framed(
      module: module, className: entry.className, registeredName: .null,
      .object(model.configuration), build: buildConfiguration(of: model, isGraph: isGraph),
      in: frame)
    if isGraph, pairs["registered_name"] != nil { pairs["registered_name"] = "Functional" }
    if pairs["module"] != nil, target == .keras3 { pairs["compile_config"] = [:] }
    return TranslatedLayer(pairs: pairs, outputs: model.outputs, model: model)
  }

  /// `tf_keras` records the shape that a layer was built for always, Keras 3 where the class has a
  /// `build` of its own.
  private func buildConfiguration(
    ofClass className: String, inputs: [TensorSignature]
  ) -> JSONValue? {
    guard className != "InputLayer",
      target == .tfKeras || !LayerClasses.withoutBuild.contains(className)
    else { return nil }
    if target == .keras3, let shapes = namedShapes(ofClass: className, inputs) {
      return ["shapes_dict": .object(shapes)]
    }
    if ["IntegerLookup", "StringLookup"].contains(className), target == .keras3 { return [:] }
    let built = className == "MultiHeadAttention" ? Array(inputs.prefix(1)) : inputs
    return built.buildShape.map { ["input_shape": $0] }
  }

  /// The shapes that Keras 3 tells apart by the names of the arguments; nil where one argument takes all.
  private func namedShapes(ofClass className: String, _ inputs: [TensorSignature]) -> JSONObject? {
    let shapes = inputs.compactMap { $0.shape.map { JSONValue(shape: $0) } }
    guard shapes.count == inputs.count, shapes.count > 1 else { return nil }
    if className == "MultiHeadAttention" {
      let names = ["query_shape", "value_shape", "key_shape"]
      return JSONObject(Array(zip(names, shapes)))
    }
    guard Self.recurrentClasses.contains(className) else { return nil }
    return ["sequences_shape": shapes[0], "initial_state_shape": .array(Array(shapes.dropFirst()))]
  }
}

/// The class of a serialized object, by any dialect's frame.
struct ClassEntry {
  let className: String
  /// The name under which somebody's own class is registered: `mine>Dense`.
  let registeredName: String?

  init(_ json: JSONValue) {
    let className = json["class_name"]?.string ?? ""
    let registered = json["registered_name"]?.string
    self.className = className
    registeredName =
      className.contains(">") ? className : registered.flatMap { $0.contains(">") ? $0 : nil }
  }

  var isCustom: Bool { registeredName != nil }
}
