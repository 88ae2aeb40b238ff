extension JSONValue {
  fileprivate var isScalar: Bool { array == nil && object == nil }
}

extension ConfigurationTranslator {
  /// A layer of a graph with its calls.
  mutating func translatedNode(
    _ layer: JSONValue, in graph: inout TranslatedGraph, isNested: Bool
  ) -> JSONValue {
    let className = layer["class_name"]?.string ?? ""
    let name = layer["config"]?["name"]?.string ?? layer["name"]?.string ?? ""
    let calls = (layer["inbound_nodes"]?.array ?? []).map { Call($0, ofClass: className) }
    let inputs = calls.map { call in call.tensors.map { signature(of: $0, in: graph) } }
    var entry = translatedLayer(
      layer, inputs: inputs.first ?? [], in: isNested ? .layerOfNestedModel : .layerOfModel)
    if calls.isEmpty { graph.record(entry.outputs, layer: name, call: 0) }
    for index in calls.indices {
      let outputs =
        index == 0
        ? entry.outputs
        : entry.model?.outputs
          ?? ShapeInference.outputs(
            ofClass: className, layer["config"]?.object ?? JSONObject(), inputs: inputs[index],
            dialect: source)
      graph.record(outputs, layer: name, call: index)
    }
    object = "layer `\(name)`"
    var nodes: [JSONValue] = []
    for call in calls { nodes.append(translatedCall(call, ofClass: className, graph)) }
    entry.pairs["name"] = .string(name)
    entry.pairs["inbound_nodes"] = .array(nodes)
    return .object(entry.pairs)
  }

  /// What Keras 3 writes beside the tensor, else what was inferred.
  private func signature(of tensor: JSONValue, in graph: TranslatedGraph) -> TensorSignature {
    if let shape = tensor["config"]?["shape"]?.shape {
      return TensorSignature(shape: shape, dtype: tensor["config"]?["dtype"]?.string ?? "float32")
    }
    return TensorReference(tensor).map { graph.signature(of: $0) } ?? TensorSignature()
  }

  /// One call of a layer: arguments in the order of Keras 3, tensors as the source spells them.
  struct Call {
    /// Positional arguments: tensors, or lists of them.
    var arguments: [JSONValue]
    var keywords: JSONObject
    /// Every tensor of the positional arguments, then of the keywords.
    var tensors: [JSONValue] = []

    init(_ node: JSONValue, ofClass className: String) {
      if let positional = node["args"]?.array {
        arguments = positional
        keywords = node["kwargs"]?.object ?? JSONObject()
      } else {
        // A list of `[layer, node, tensor, keywords]`; the keywords stand with the first.
        let elements = node.array ?? []
        let isOne = TensorReference(node) != nil
        let references = isOne ? [node] : elements
        let bare = references.map { JSONValue.array(Array(($0.array ?? []).prefix(3))) }
        arguments = bare.count == 1 ? bare : [.array(bare)]
        keywords =
          references.first?.array.flatMap { $0.count > 3 ? $0[3].object : nil }
          ?? JSONObject()
      }
      let names = ConfigurationTranslator.parameterNames[className] ?? []
      let named = names.compactMap { keywords[$0] }
      let others = keywords.pairs.filter { !names.contains($0.key) }.map(\.value)
      tensors = (arguments + named + others).flatMap { Self.tensors(in: $0) }
    }

    private static func tensors(in json: JSONValue) -> [JSONValue] {
      if TensorReference(json) != nil || TensorReference(kerasTensor: json) != nil { return [json] }
      switch json {
      case .array(let elements): return elements.flatMap(tensors)
      case .object(let object): return object.pairs.flatMap { tensors(in: $0.value) }
      default: return []
      }
    }
  }

  // MARK: Writing calls

  private mutating func translatedCall(
    _ call: Call, ofClass className: String, _ graph: TranslatedGraph
  ) -> JSONValue {
    var call = call
    if changesGeneration, let mode = call.keywords["training"], !mode.isNull {
      // Keras 3 writes the mode in which it made the graph, and lets every call of the model overrule it.
      // Keras 2 writes what the caller insisted on, and nothing overrules that.
      if target == .keras3 {
        lose("training", mode, "in Keras 3 the mode in which the model is called overrules it")
      } else {
        call.keywords["training"] = nil
      }
    }
    let names = Self.parameterNames[className] ?? []
    if target == .keras3 {
      if !changesGeneration { return keras3Call(call, graph) }
      // Keras 2 hands the states of a recurrent layer over behind its input.
      if Self.recurrentClasses.contains(className), call.arguments.count == 1,
        let tensors = call.arguments[0].array, TensorReference(call.arguments[0]) == nil,
        let input = tensors.first
      {
        call.arguments = [input]
        call.keywords["initial_state"] = .array(Array(tensors.dropFirst()))
      }
      // What Keras 3 passes by position, Keras 2 knows by name.
      for name in names.dropFirst() {
        guard let value = call.keywords[name], !value.isNull else { break }
        call.arguments.append(value)
        call.keywords[name] = nil
      }
      return keras3Call(call, graph)
    }
    for (index, argument) in call.arguments.enumerated().dropFirst() {
      guard index < names.count else {
        lose("inbound_nodes", argument, "\(target) names every argument but the first")
        continue
      }
      call.keywords.pairs.insert(.init(key: names[index], value: argument), at: index - 1)
    }
    if Self.recurrentClasses.contains(className), let input = call.arguments.first,
      let states = call.keywords["initial_state"]?.array
    {
      call.arguments = [.array([input] + states)]
      call.keywords["initial_state"] = nil
    }
    return keras2Call(call, graph)
  }

  private func keras3Call(_ call: Call, _ graph: TranslatedGraph) -> JSONValue {
    // Keras 3 also reads Keras 2's lists, which need no shapes; but only the tensors of one argument.
    if call.arguments.count == 1, call.keywords.pairs.allSatisfy({ $0.value.isScalar }),
      call.tensors.contains(where: { signature(of: $0, in: graph).shape == nil })
    {
      return keras2Call(call, graph)
    }
    let tensor = { (json: JSONValue) -> JSONValue? in
      guard let reference = TensorReference(json) ?? TensorReference(kerasTensor: json) else {
        return nil
      }
      let signature = signature(of: json, in: graph)
      return [
        "class_name": "__keras_tensor__",
        "config": [
          "shape": signature.shape.map { JSONValue(shape: $0) } ?? .null,
          "dtype": .string(signature.dtype),
          "keras_history": graph.renumbered(reference, for: target).json,
        ],
      ]
    }
    let keywords = call.keywords.pairs.map {
      JSONObject.Pair(key: $0.key, value: Self.replacingTensors(in: $0.value, tensor))
    }
    return [
      "args": .array(call.arguments.map { Self.replacingTensors(in: $0, tensor) }),
      "kwargs": .object(JSONObject(keywords)),
    ]
  }

  private func keras2Call(_ call: Call, _ graph: TranslatedGraph) -> JSONValue {
    let tensor = { (json: JSONValue) -> JSONValue? in
      (TensorReference(json) ?? TensorReference(kerasTensor: json))
        .map { graph.renumbered($0, for: target).json }
    }
    // Keras 3 spells out that no mask was given.
    let keywords = JSONObject(
      call.keywords.pairs.filter { !$0.value.isNull || source != .keras3 }.map {
        .init(key: $0.key, value: Self.replacingTensors(in: $0.value, tensor))
      })
    let first = call.arguments.first ?? .array([])
    let inputs = tensor(first).map { [$0] } ?? (first.array ?? []).compactMap(tensor)
    return .array(
      inputs.enumerated().map { index, reference in
        .array((reference.array ?? []) + [.object(index == 0 ? keywords : JSONObject())])
      })
  }

  private static func replacingTensors(
    in json: JSONValue, _ tensor: (JSONValue) -> JSONValue?
  ) -> JSONValue {
    if let replaced = tensor(json) { return replaced }
    switch json {
    case .array(let elements): return .array(elements.map { replacingTensors(in: $0, tensor) })
    case .object(let object):
      return .object(
        JSONObject(
          object.pairs.map {
            .init(key: $0.key, value: replacingTensors(in: $0.value, tensor))
          }))
    default: return json
    }
  }

  /// The positional parameters of layers that are called on several tensors.
  static let parameterNames: [String: [String]] = [
    "MultiHeadAttention": ["query", "value", "key"]
  ]

  static let recurrentClasses: Set<String> = [
    "SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional",
  ]
}
