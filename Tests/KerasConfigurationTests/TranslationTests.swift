import Foundation
import KerasConfiguration
import TestSupport
import Testing

/// What each Keras wrote of the same layers: `Fixtures/layers/`.
struct WrittenLayers: Sendable {
  let dialect: Dialect
  let layers: JSONObject
  let models: JSONObject

  static let all: [Dialect: WrittenLayers] = [
    .keras2: .init("keras-2.12", .keras2), .tfKeras: .init("tf_keras-2.21", .tfKeras),
    .keras3: .init("keras-3.15", .keras3),
  ]

  private init(_ name: String, _ dialect: Dialect) {
    self.dialect = dialect
    do {
      let file = URL(filePath: Fixture.path("layers/\(name).json"))
      let json = try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
      layers = json["layers"]!.object!
      models = json["models"]!.object!
    } catch {
      fatalError("\(name): \(error)")
    }
  }

  /// A Functional model of the named layer on its inputs, as a document.
  func model(_ name: String) throws -> ModelConfiguration {
    let layer = try #require(layers[name])
    var entry = try #require(layer["entry"]?.object)
    let shapes = try #require(layer["inputs"]?.array)
    let inputs = shapes.indices.map { "input_\($0)" }
    let isMany = inputs.count > 1 && entry["class_name"] != "MultiHeadAttention"
    entry["inbound_nodes"] =
      dialect == .keras3
      ? [["args": arguments(inputs, shapes, isMany: isMany), "kwargs": [:]]]
      : [call(inputs, isMany: isMany)]
    let layers = zip(inputs, shapes).map { input($0, shape: $1) } + [JSONValue.object(entry)]
    let ends = inputs.map { JSONValue.array([.string($0), 0, 0]) }
    let output: JSONValue = [entry["name"]!, 0, 0]
    return try ModelConfiguration(
      json: [
        "module": "keras", "class_name": "Functional",
        "config": [
          "name": "model", "trainable": true, "layers": .array(layers),
          "input_layers": .array(ends),
          "output_layers": dialect == .keras3 ? output : [output],
        ],
      ], dialect: dialect)
  }

  private func input(_ name: String, shape: JSONValue) -> JSONValue {
    let key = dialect == .keras3 ? "batch_shape" : "batch_input_shape"
    return [
      "class_name": "InputLayer",
      "config": [(key): shape, "dtype": "float32", "name": .string(name)],
      "name": .string(name), "inbound_nodes": [],
    ]
  }

  private func arguments(
    _ inputs: [String], _ shapes: [JSONValue], isMany: Bool
  ) -> JSONValue {
    let tensors = zip(inputs, shapes).map { name, shape -> JSONValue in
      [
        "class_name": "__keras_tensor__",
        "config": ["shape": shape, "dtype": "float32", "keras_history": [.string(name), 0, 0]],
      ]
    }
    return .array(isMany ? [.array(tensors)] : tensors)
  }

  private func call(_ inputs: [String], isMany: Bool) -> JSONValue {
    if isMany { return .array(inputs.map { [.string($0), 0, 0, [:]] }) }
    let value: JSONValue = inputs.count > 1 ? ["value": [.string(inputs[1]), 0, 0]] : [:]
    return [[.string(inputs[0]), 0, 0, value]]
  }
}

@Suite("Translating models")
struct TranslationTests {
  static let directions: [(Dialect, Dialect)] = Dialect.allCases.flatMap { source in
    Dialect.allCases.map { (source, $0) }
  }

  /// Where what one generation writes is not told by what the other does.
  static let untold: [String: String] = [
    "Dense unit_norm": "Keras 3 forgets the gain of an identity",
    "ConvLSTM2D": "the default activation has another meaning",
    "Normalization": "adapted layers remember the data they saw",
    "DepthwiseConv2D": "l2 rounded to float32", "SeparableConv1D": "l2 rounded to float32",
    "Dense options": "the order of an activity regularizer",
    "RandomContrast": "a factor spelled as its range",
    "UnitNormalization": "tf_keras keeps the axis as it was given, Keras 2 does not",
  ]

  @Test(
    "a layer of any class is spelled as each Keras spells it, key for key", arguments: directions)
  func layers(source: Dialect, target: Dialect) throws {
    let (from, to) = (WrittenLayers.all[source]!, WrittenLayers.all[target]!)
    for name in from.layers.keys where source == target || Self.untold[name] == nil {
      let translation = try from.model(name).translation(to: target, in: .document)
      #expect(translation.losses.isEmpty, "\(name): \(translation.losses)")
      let entry = try #require(translation.configuration.json["config"]?["layers"]?.array?.last)
      var object = try #require(entry.object)
      object["inbound_nodes"] = nil
      let expected = to.layers[name]?["entry"]?.text
      let found = JSONValue.object(object).text
      #expect(found == expected, "\(name): \(found.commonPrefix(with: expected ?? "").suffix(80))")
    }
  }

  @Test(
    "calls, shared layers and nested models are spelled as each Keras spells them",
    arguments: directions)
  func models(source: Dialect, target: Dialect) throws {
    let (from, to) = (WrittenLayers.all[source]!, WrittenLayers.all[target]!)
    for (name, json) in from.models.pairs.map({ ($0.key, $0.value) }) {
      let model = try ModelConfiguration(json: json, dialect: source)
      let (translated, losses) = model.translation(to: target, in: .document)
      #expect(losses.isEmpty)
      let expected = try #require(to.models[name])
      #expect(renamingInputs(translated.json.text) == renamingInputs(expected.text), "\(name)")
      #expect(translated.layers.map(\.name) == model.layers.map(\.name))
      let back = translated.translation(to: source, in: .document).configuration
      #expect(renamingInputs(back.json.text) == renamingInputs(json.text), "\(name)")
    }
  }

  @Test(
    "what the other Keras computes otherwise, lacks or forbids is listed by layer, key and reason",
    arguments: [
      (Dialect.keras2, Dialect.keras3, "LSTM", ["time_major": true], "time_major"),
      (.keras2, .keras3, "Dense", ["activation": "hard_sigmoid"], "activation"),
      (.tfKeras, .keras3, "ThresholdedReLU", [:], "class_name"),
      (.keras2, .keras3, "Lambda", [:], "class_name"),
      (.keras3, .keras2, "MultiHeadAttention", ["use_gate": true], "use_gate"),
      (.keras3, .tfKeras, "BatchNormalization", ["synchronized": true], "synchronized"),
      (.keras3, .keras2, "Dense", ["activation": "sparsemax"], "activation"),
      (
        .keras3, .keras2, "Dense",
        ["dtype": ["class_name": "QuantizedDTypePolicy", "config": ["mode": "int8"]]], "dtype"
      ),
      (.keras3, .keras2, "RMSNormalization", [:], "class_name"),
      (.keras2, .keras3, "Dense", ["name": "a/b"], "name"),
      (.keras3, .keras2, "Dense", ["name": "größe"], "name"),
    ] as [(Dialect, Dialect, String, JSONObject, String)])
  func losses(
    source: Dialect, target: Dialect, className: String, options: JSONObject, key: String
  ) throws {
    var config: JSONObject = ["name": "layer"]
    for pair in options.pairs { config[pair.key] = pair.value }
    let layer: JSONValue = ["class_name": .string(className), "config": .object(config)]
    let model = try ModelConfiguration(
      sequential: [layer],
      dialect: source)
    let losses = model.translation(to: target, in: .attribute).losses
    let loss = try #require(losses.first)
    #expect(losses.count == 1 && loss.key == key && loss.object.hasPrefix("layer `"), "\(losses)")
    #expect(throws: ConfigurationError.self) { try model.json(for: target, in: .attribute) }
    // Inside its own dialect nothing is lost, whatever it is.
    #expect(model.translation(to: source, in: .document).losses.isEmpty)
  }

  @Test("an option at its usual value comes and goes without loss")
  func usualValues() throws {
    let model = try WrittenLayers.all[.keras2]!.model("LSTM")
    let (there, losses) = model.translation(to: .keras3, in: .document)
    #expect(losses.isEmpty)
    let config = try #require(there.layers.last?.configuration)
    #expect(config["time_major"] == nil && config["implementation"] == nil)
    #expect(config["zero_output_for_mask"] == false)
  }

  @Test("what both force on the layers of a Bidirectional is no loss")
  func forcedMask() throws {
    func change(_ json: JSONValue) -> JSONValue {
      var text = json.text.replacing(
        "\"return_sequences\": false", with: "\"return_sequences\": true")
      text = text.replacing(
        "\"zero_output_for_mask\": false", with: "\"zero_output_for_mask\": true")
      return try! JSONValue(parsing: text)
    }
    for (source, target) in [(Dialect.keras3, Dialect.keras2), (.keras2, .keras3)] {
      let written = change(try WrittenLayers.all[source]!.model("Bidirectional").json)
      let (translated, losses) = try ModelConfiguration(json: written, dialect: source)
        .translation(to: target, in: .document)
      #expect(losses.isEmpty)
      let expected = change(try WrittenLayers.all[target]!.model("Bidirectional").json)
      #expect(
        translated.layers.last?.json["config"]?.text
          == expected["config"]?["layers"]?.array?.last?["config"]?.text)
    }
  }

  @Test("states and keywords of a call keep their meaning")
  func calls() throws {
    func json(_ nodes: JSONValue) -> JSONValue {
      let input = { (name: String) -> JSONValue in
        [
          "class_name": "InputLayer",
          "config": ["batch_input_shape": [.null, 3, 4], "name": .string(name)],
          "name": .string(name), "inbound_nodes": [],
        ]
      }
      let layer: JSONValue = [
        "class_name": "GRU", "config": ["name": "gru", "units": 4], "name": "gru",
        "inbound_nodes": nodes,
      ]
      return [
        "class_name": "Functional",
        "config": [
          "name": "m", "layers": [input("x"), input("state"), layer],
          "input_layers": [["x", 0, 0], ["state", 0, 0]], "output_layers": [["gru", 0, 0]],
        ],
      ]
    }
    let nodes: JSONValue = [[["x", 0, 0, ["times": 2]], ["state", 0, 0, [:]]]]
    let model = try ModelConfiguration(json: json(nodes), dialect: .keras2)
    let there = model.translation(to: .keras3, in: .attribute).configuration
    let node = try #require(there.layers.last?.json["inbound_nodes"]?.array?.first)
    #expect(node["args"]?.array?.count == 1)
    #expect(node["kwargs"]?["times"] == 2)
    let state = node["kwargs"]?["initial_state"]?.array?.first
    #expect(state?["config"]?["keras_history"] == ["state", 0, 0])
    let archived = model.translation(to: .keras3, in: .document).configuration
    #expect(
      archived.layers.last?.json["build_config"]?["shapes_dict"]
        == ["sequences_shape": [.null, 3, 4], "initial_state_shape": [[.null, 3, 4]]])
    let back = there.translation(to: .keras2, in: .attribute).configuration
    #expect(back.layers.last?.json["inbound_nodes"] == nodes)
    #expect(back.json["config"]?["output_layers"] == [["gru", 0, 0]])
  }

  /// A Dropout called on an input.
  private func called(_ nodes: JSONValue, _ dialect: Dialect) throws -> ModelConfiguration {
    let input: JSONValue = [
      "class_name": "InputLayer", "config": ["name": "x"], "name": "x", "inbound_nodes": [],
    ]
    let layer: JSONValue = [
      "class_name": "Dropout", "config": ["name": "d", "rate": 0.5], "name": "d",
      "inbound_nodes": nodes,
    ]
    return try ModelConfiguration(
      json: [
        "class_name": "Functional",
        "config": [
          "name": "m", "layers": [input, layer], "input_layers": [["x", 0, 0]],
          "output_layers": [["d", 0, 0]],
        ],
      ], dialect: dialect)
  }

  @Test("outputs of a model that is called twice are those of the same calls")
  func callsOfModels() throws {
    func model(_ call: Int, output: Int, _ className: String) throws -> ModelConfiguration {
      let input: JSONValue = [
        "class_name": "InputLayer", "config": ["name": "x"], "name": "x", "inbound_nodes": [],
      ]
      let inner: JSONValue = [
        "class_name": .string(className),
        "config": [
          "name": "f", "layers": [input], "input_layers": [["x", 0, 0]],
          "output_layers": [["x", 0, 0]],
        ],
        "name": "f", "inbound_nodes": [[["x", 0, 0, [:]]], [["f", JSONValue(call), 0, [:]]]],
      ]
      return try ModelConfiguration(
        json: [
          "class_name": "Functional",
          "config": [
            "name": "m", "layers": [input, inner], "input_layers": [["x", 0, 0]],
            "output_layers": [["f", JSONValue(output), 0], ["f", JSONValue(output + 1), 0]],
          ],
        ], dialect: .keras2)
    }
    // As both write them: Keras 3 counts a Functional's calls from 1 among the outputs alone.
    for (className, first) in [("Functional", 1), ("Sequential", 0)] {
      let keras2 = try model(1, output: 1, className)
      let keras3 = keras2.translation(to: .keras3, in: .attribute).configuration
      let config = try #require(keras3.json["config"])
      #expect(
        config["output_layers"] == [["f", JSONValue(first), 0], ["f", JSONValue(first + 1), 0]])
      let nodes = try #require(config["layers"]?.array?.last?["inbound_nodes"]?.array)
      let text = nodes[1].text
      #expect(text.contains("\"f\", 0, 0"))
      let back = keras3.translation(to: .keras2, in: .attribute).configuration
      #expect(back.json["config"]?["output_layers"] == keras2.json["config"]?["output_layers"])
    }
  }

  @Test("the mode that Keras 3 writes of every call does not fix that of a layer in Keras 2")
  func mode() throws {
    let tensor: JSONValue = [
      "class_name": "__keras_tensor__",
      "config": ["shape": [.null, 3], "dtype": "float32", "keras_history": ["x", 0, 0]],
    ]
    for isTraining in [true, false] {
      let kwargs: JSONValue = ["training": .bool(isTraining)]
      let model = try called([["args": [tensor], "kwargs": kwargs]], .keras3)
      for dialect in [Dialect.keras2, .tfKeras] {
        let (translated, losses) = model.translation(to: dialect, in: .attribute)
        #expect(losses.isEmpty)
        #expect(translated.layers[1].json["inbound_nodes"] == [[["x", 0, 0, [:]]]])
      }
      let same = model.translation(to: .keras3, in: .attribute).configuration
      #expect(same.layers[1].json["inbound_nodes"]?.array?.first?["kwargs"] == kwargs)
    }
  }

  @Test("a mode that a caller of Keras 2 insisted on is lost in Keras 3")
  func insistedMode() throws {
    let nodes: JSONValue = [[["x", 0, 0, ["training": false]]]]
    let model = try called(nodes, .keras2)
    let losses = model.translation(to: .keras3, in: .attribute).losses
    #expect(losses.map(\.object) == ["layer `d`"])
    #expect(losses.map(\.key) == ["training"])
    let (there, none) = model.translation(to: .tfKeras, in: .attribute)
    #expect(none.isEmpty)
    #expect(there.layers[1].json["inbound_nodes"] == nodes)
  }

  /// Each generation has its own name for an input that was given none. That a model called on another's
  /// output has no mask, Keras 3 says and Keras 2 does not.
  private func renamingInputs(_ text: String) -> String {
    text.replacing("input_layer", with: "input_1").replacing("\"mask\": null", with: "")
  }
}
