extension ConfigurationTranslator {
  /// A model's options in the target's spelling, and what goes in and out.
  struct TranslatedModel {
    var configuration: JSONObject
    var inputs: [TensorSignature]
    /// Nil where a layer's effect on shapes is not known.
    var outputs: [TensorSignature]
  }

  /// A model of any depth.
  mutating func translatedModel(_ json: JSONValue, isNested: Bool) -> TranslatedModel {
    let configuration = json["config"]?.object ?? JSONObject()
    let outer = object
    defer { object = outer }
    object = "model `\(configuration["name"]?.string ?? "")`"
    let className = json["class_name"]?.string ?? ""
    let isCustom =
      className.contains(">") || json["registered_name"]?.string?.contains(">") == true
    switch className {
    case "Sequential" where !isCustom:
      return sequential(configuration, json, isNested: isNested)
    case "Functional" where !isCustom, "Model" where !isCustom:
      return functional(configuration, isNested: isNested)
    default:
      lose("class_name", .string(className), "a class of somebody's own, carried over as it is")
      return TranslatedModel(configuration: configuration, inputs: [], outputs: [])
    }
  }

  // MARK: Chains

  private mutating func sequential(
    _ configuration: JSONObject, _ json: JSONValue, isNested: Bool
  ) -> TranslatedModel {
    let layers = configuration["layers"]?.array ?? []
    let builtShape =
      configuration["build_input_shape"]?.shape ?? json["build_config"]?["input_shape"]?.shape
      ?? layers.first?["config"]?["batch_input_shape"]?.shape
    var signature = TensorSignature(shape: builtShape)
    var inputs = [signature]
    var entries: [JSONValue] = []
    for (index, layer) in layers.enumerated() {
      let entry = translatedLayer(
        layer, inputs: [signature], in: isNested ? .layerOfNestedModel : .layerOfModel)
      entries.append(.object(entry.pairs))
      signature = entry.outputs.first ?? TensorSignature()
      if index == 0, layer["class_name"] == "InputLayer" { inputs = [signature] }
    }
    var result: JSONObject = ["name": configuration["name"] ?? .null]
    let isTrainable = configuration["trainable"] != .bool(false)
    if target == .keras3 {
      result["trainable"] = .bool(isTrainable)
      result["dtype"] = policy(of: configuration, layers: layers)
    } else if !isTrainable {
      // Keras 2 spells a frozen Sequential by its layers' flags alone.
      entries = entries.map(Self.frozen)
    }
    result["layers"] = .array(entries)
    let hasInput = layers.first?["class_name"] == "InputLayer"
    if let shape = inputs.first?.shape, target == .keras3 || !hasInput {
      if target == .keras3 || configuration["build_input_shape"] != nil || source == .keras3 {
        result["build_input_shape"] = JSONValue(shape: shape)
      }
    }
    return TranslatedModel(configuration: result, inputs: inputs, outputs: [signature])
  }

  /// The policy of a Sequential, which Keras 2 has in its layers alone.
  private mutating func policy(of configuration: JSONObject, layers: [JSONValue]) -> JSONValue {
    let first = layers.first { $0["class_name"] != "InputLayer" }?["config"]?["dtype"]
    return dtype(configuration["dtype"] ?? first ?? "float32", ofClass: "Sequential")
  }

  private static func frozen(_ entry: JSONValue) -> JSONValue {
    guard var object = entry.object, var config = object["config"]?.object,
      config["trainable"] != nil
    else { return entry }
    config["trainable"] = false
    object["config"] = .object(config)
    return .object(object)
  }

  // MARK: Graphs

  private mutating func functional(
    _ configuration: JSONObject, isNested: Bool
  ) -> TranslatedModel {
    var graph = TranslatedGraph(configuration["layers"]?.array ?? [], source: source)
    var entries: [JSONValue] = []
    for layer in configuration["layers"]?.array ?? [] {
      entries.append(translatedNode(layer, in: &graph, isNested: isNested))
    }
    var result = configuration
    result["layers"] = .array(entries)
    var ends: [String: [TensorSignature]] = [:]
    for key in ["input_layers", "output_layers"] {
      guard let references = configuration[key] else { continue }
      ends[key] = graph.references(in: references).map {
        graph.signature(of: graph.argument(ofEnd: $0))
      }
      result[key] = translatedReferences(references, graph)
    }
    return TranslatedModel(
      configuration: result, inputs: ends["input_layers"] ?? [],
      outputs: ends["output_layers"] ?? [])
  }

  /// Keras 2 writes one output as a list of one; in Keras 3 that is a model that answers with a list.
  private func translatedReferences(
    _ references: JSONValue, _ graph: TranslatedGraph
  ) -> JSONValue {
    if let reference = TensorReference(references) {
      let translated = graph.renumberedEnd(reference, for: target).json
      return target == .keras3 ? translated : [translated]
    }
    switch references {
    case .array(let elements):
      let translated = elements.map { element in
        TensorReference(element).map { graph.renumberedEnd($0, for: target).json }
          ?? translatedReferences(element, graph)
      }
      let isAlone = translated.count == 1 && target == .keras3 && source != .keras3
      return isAlone ? translated[0] : .array(translated)
    case .object(let object):
      return .object(
        JSONObject(
          object.pairs.map { pair in
            let reference = TensorReference(pair.value)
            return .init(
              key: pair.key,
              value: reference.map { graph.renumberedEnd($0, for: target).json } ?? pair.value)
          }))
    default: return references
    }
  }
}
