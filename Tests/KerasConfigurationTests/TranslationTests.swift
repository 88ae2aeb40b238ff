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
          "name": "model", "trainable": true, "layers": .array(layers), "input_layers": .array(ends),
          "output_layers": dialect == .keras3 ? output : [output],
        ],
      ], dialect: dialect)
  }

  private func input(_ name: String, shape: JSONValue) -> JSONValue {
    let key = dialect == .keras3 ? "batch_shape" : "batch_input_shape"
    return [
      "class_name": "InputLayer", "config": [(key): shape, "dtype": "float32", "name": .string(name)],
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

  @Test("calls, shared layers and nested models are spelled as each Keras spells them",
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

  /// Each generation has its own name for an input that was given none. That a model called on another's
  /// output has no mask, Keras 3 says and Keras 2 does not.
  private func renamingInputs(_ text: String) -> String {
    text.replacing("input_layer", with: "input_1").replacing("\"mask\": null", with: "")
  }
}
