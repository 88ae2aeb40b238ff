import KerasConfiguration
import Testing

@Suite("Model configurations")
struct ModelConfigurationTests {
  static let cases = ["mlp", "image", "text", "options", "late"]

  @Test("decoding and writing gives Keras's text back", arguments: KerasTexts.all, cases)
  func roundTrip(texts: KerasTexts, name: String) throws {
    let attribute = try ModelConfiguration(parsing: texts["\(name)/model_config"])
    #expect(attribute.dialect == texts.dialect)
    let document = try ModelConfiguration(parsing: texts["\(name)/config.json"])
    // Crossing the containers forces decoding and writing anew.
    #expect(
      try document.json(for: texts.dialect, in: .attribute).text
        == texts["\(name)/model_config"])
    #expect(
      try attribute.json(for: texts.dialect, in: .document).text
        == withoutCompilation(texts.json("\(name)/config.json")).text)
    #expect(
      try attribute.json(for: texts.dialect, in: .attribute).text == texts["\(name)/model_config"])
  }

  @Test("to_json describes the same layers as the attribute", arguments: KerasTexts.all, cases)
  func toJSON(texts: KerasTexts, name: String) throws {
    let model = try ModelConfiguration(parsing: texts["\(name)/to_json"])
    let attribute = try ModelConfiguration(parsing: texts["\(name)/model_config"])
    #expect(model.dialect == texts.dialect)
    #expect(try model.decodedLayers() == attribute.decodedLayers())
    #expect(model.inputShape == attribute.inputShape)
    #expect(model.calls == .chain)
    if texts.dialect == .keras2 {
      #expect(
        try model.json(for: .keras2, in: .attribute).text == texts["\(name)/model_config"])
    } else {
      #expect(try #require(try model.trainingConfiguration).optimizer?.className == "Adagrad")
    }
  }

  @Test("a model without a known input stays open")
  func unbuilt() throws {
    for texts in KerasTexts.all {
      let model = try ModelConfiguration(parsing: texts["unbuilt/to_json"])
      #expect(model.inputShape == nil)
      #expect(try model.trainingConfiguration == nil)
      #expect(try model.decodedLayers().map(\.name) == ["dense", "dense_1"])
      #expect(try model.translated(to: .keras3).inputShape == nil)
    }
  }

  @Test("a subclassed model keeps its JSON, whatever it calls layers")
  func subclassed() throws {
    let text = #"{"class_name": "Mine", "config": {"name": "m", "layers": 3}}"#
    let model = try ModelConfiguration(parsing: text)
    #expect(model.calls == .unknown)
    #expect(model.layers.isEmpty)
    #expect(model.json.text == text)
    #expect(throws: ConfigurationError.self) { try model.decodedLayers() }
  }

  @Test("a model of one generation is written as the other would write it", arguments: cases)
  func translation(name: String) throws {
    let old = try ModelConfiguration(parsing: KerasTexts.keras2["\(name)/model_config"])
    let new = try ModelConfiguration(parsing: KerasTexts.keras3["\(name)/model_config"])
    #expect(
      try renamingInput(old.json(for: .keras3, in: .attribute)).text
        == renamingInput(new.json).text)
    #expect(
      try renamingInput(new.json(for: .keras2, in: .attribute)).text
        == renamingInput(old.json).text)
    #expect(
      try old.translated(to: .keras3).translated(to: .keras2).decodedLayers().count
        == old.layers.count)
  }

  @Test("a model made in Swift is written as Keras writes the same one", arguments: KerasTexts.all)
  func swiftMade(texts: KerasTexts) throws {
    let model = try ModelConfiguration(
      sequential: "mlp",
      layers: [
        .init(
          name: texts.dialect == .keras3 ? "input_layer" : "input_1",
          .input(.init(batchShape: [nil, 64]))),
        .init(name: "dense", .dense(.init(units: 32, activation: .relu))),
        .init(name: "dense_1", .dense(.init(units: 10, activation: .softmax))),
      ], dialect: texts.dialect)
    #expect(
      try model.json(for: texts.dialect, in: .attribute).text == texts["mlp/model_config"])
    let training = try TrainingConfiguration(
      loss: .init(.sparseCategoricalCrossentropy), metrics: [.init(.accuracy)],
      optimizer: .init(learningRate: .constant(0.05)), dialect: texts.dialect,
      container: .document)
    let document = try model.json(for: texts.dialect, in: .document, training: training)
    #expect(document.text == withoutObjectIDs(try texts.json("mlp/config.json")).text)
  }

  @Test("every initializer and activation reads alike in both generations")
  func initializersAndActivations() throws {
    for name in ["initializers", "activations"] {
      let old = try ModelConfiguration(parsing: KerasTexts.keras2["\(name)/model_config"])
      let new = try ModelConfiguration(parsing: KerasTexts.keras3["\(name)/model_config"])
      for (old, new) in zip(old.layers, new.layers).dropFirst() {
        let isKnown =
          old.configuration["kernel_initializer"]?["class_name"] != "Orthogonal"
          && old.configuration["activation"] != "hard_sigmoid"
        guard isKnown else {
          #expect(throws: ConfigurationError.self) { try old.decoded() }
          #expect(throws: ConfigurationError.self) { try new.decoded() }
          continue
        }
        let decoded = try old.decoded()
        for (entry, dialect) in [(old, Dialect.keras2), (new, .keras3)] {
          // Keras 3 forgets the gain of an identity.
          guard old.configuration["kernel_initializer"]?["config"]?["gain"] != 2.0 else { continue }
          #expect(try entry.decoded() == decoded)
          #expect(
            try decoded.json(for: dialect, in: .attribute, inputShape: [nil, 4]).text
              == entry.json.text)
        }
      }
    }
  }

  @Test(
    "what cannot be honoured is refused by layer, key and value, only when decoded",
    arguments: KerasTexts.all)
  func unsupported(texts: KerasTexts) throws {
    let model = try ModelConfiguration(parsing: texts["unsupported/model_config"])
    #expect(model.json.text == texts["unsupported/model_config"])
    for (name, key) in [
      ("regular", "kernel_regularizer"), ("bound", "bias_constraint"), ("half", "dtype"),
      ("norm", "LayerNormalization"),
    ] {
      let layer = try #require(model.layers.first { $0.name == name })
      let error = #expect(throws: ConfigurationError.self) { try layer.decoded() }
      let message = try #require(error?.description)
      #expect(message.contains("`\(name)`") && message.contains("`\(key)`"), "\(message)")
    }
    #expect(throws: ConfigurationError.self) { try model.decodedLayers() }
    #expect(
      try model.json(for: texts.dialect, in: .attribute).text
        == texts["unsupported/model_config"])
  }

  @Test("a functional model keeps its JSON and its layers, and is not trained")
  func functional() throws {
    for texts in KerasTexts.all {
      let model = try ModelConfiguration(parsing: texts["functional/model_config"])
      #expect(model.calls == .graph)
      #expect(model.layers.map(\.name) == ["a", "shared", "dense"])
      #expect(throws: ConfigurationError.self) { try model.decodedLayers() }
    }
  }

  @Test("unknown keys, wrong values and impossible shapes are refused")
  func refusals() throws {
    func layer(_ className: String, _ config: JSONValue) throws -> LayerConfiguration {
      try LayerEntry(json: ["class_name": .string(className), "config": config]).decoded()
    }
    for (className, config, key): (String, JSONValue, String) in [
      ("Dense", ["name": "d", "units": 0], "units"),
      ("Dense", ["name": "d"], "units"),
      ("Dense", ["name": "d", "units": 3, "surprise": 1], "surprise"),
      ("Dense", ["name": "d", "units": 3, "activation": "mish"], "activation"),
      ("Dropout", ["name": "d", "rate": 1.5], "rate"),
      (
        "Embedding", ["name": "d", "input_dim": 3, "output_dim": 2, "mask_zero": true], "mask_zero"
      ),
      ("BatchNormalization", ["name": "d", "axis": [1, 2]], "axis"),
      ("BatchNormalization", ["name": "d", "renorm": true], "renorm"),
      ("Flatten", ["name": "d", "data_format": "channels_first"], "data_format"),
      ("InputLayer", ["name": "d", "batch_shape": [.null, -1]], "batch_shape"),
      ("InputLayer", ["name": "d"], "batch_shape"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try layer(className, config) }
      #expect(error?.description.contains("`\(key)`") == true, "\(error?.description ?? "")")
    }
    #expect(throws: ConfigurationError.self) {
      try LayerConfiguration(name: "d", .dense(.init(units: 2))).outputShape(for: [nil, nil])
    }
    #expect(throws: ConfigurationError.self) {
      try LayerConfiguration(name: "n", .batchNormalization(.init()))
        .json(for: .keras2, in: .attribute, inputShape: nil)
    }
  }

  /// Keras 3's archives number shared objects by their addresses.
  func withoutObjectIDs(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements): .array(elements.map(withoutObjectIDs))
    case .object(let object):
      .object(
        JSONObject(
          object.pairs.filter { $0.key != "shared_object_id" }
            .map { .init(key: $0.key, value: withoutObjectIDs($0.value)) }))
    default: value
    }
  }

  func withoutCompilation(_ value: JSONValue) -> JSONValue {
    var object = withoutObjectIDs(value).object!
    object["compile_config"] = nil
    return .object(object)
  }

  /// The two generations name an unnamed input differently.
  func renamingInput(_ json: JSONValue) -> JSONValue {
    guard var object = json.object, var config = object["config"]?.object,
      var layers = config["layers"]?.array, var input = layers[0].object,
      var inputConfig = input["config"]?.object
    else { return json }
    inputConfig["name"] = "input"
    input["config"] = .object(inputConfig)
    layers[0] = .object(input)
    config["layers"] = .array(layers)
    object["config"] = .object(config)
    return .object(object)
  }

  @Test("a model of any layers moves between the places of its own dialect")
  func reframed() throws {
    for texts in KerasTexts.all {
      let document = try ModelConfiguration(
        parsing: texts["attention/config.json"], dialect: texts.dialect)
      let attribute = try document.json(for: texts.dialect, in: .attribute)
      #expect(attribute.object?.keys == ["class_name", "config"])
      // Keras 3's attributes leave out the modules of a model's layers, Keras 2 has none.
      let written = withoutObjectIDs(document.json)
      #expect(
        (attribute["config"] == written["config"]) == (texts.dialect == .keras2))
      let training = try TrainingConfiguration(
        json: ["optimizer": .null, "loss": "mean_squared_error"], dialect: texts.dialect)
      let back = try ModelConfiguration(json: attribute, dialect: texts.dialect)
        .json(for: texts.dialect, in: .document, training: training)
      #expect(back["module"] == document.json["module"])
      #expect(back["registered_name"] == document.json["registered_name"])
      #expect(back["config"] == written["config"])
      #expect(back["compile_config"]?["loss"] == "mean_squared_error")
      // What stands in the document besides is kept when only the training changes.
      let recompiled = try document.json(
        for: texts.dialect, in: .document, training: training)
      #expect(recompiled.object?.keys == document.json.object?.keys)
      #expect(recompiled["config"] == document.json["config"])
    }
  }
}
