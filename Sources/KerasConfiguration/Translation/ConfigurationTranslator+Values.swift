extension ConfigurationTranslator {
  /// A value inside a layer's options, whatever it is.
  mutating func translatedValue(
    _ value: JSONValue, key: String, ofClass className: String? = nil,
    inputs: [TensorSignature] = []
  ) -> JSONValue {
    switch value {
    case .string(let name) where key.hasSuffix("activation"):
      return .string(activation(name, key: key))
    case .number where className == "ReLU" && target == .keras2 && container == .document:
      // Keras 2 keeps a ReLU's numbers as NumPy scalars, and its archives spell them out.
      return ["class_name": "__numpy__", "config": ["value": value, "dtype": "float32"]]
    case .array(let elements) where key == "cells":
      return translatedCells(elements, inputs: inputs)
    case .array(let elements):
      return .array(elements.map { translatedValue($0, key: key, inputs: inputs) })
    case .object(let object) where value["class_name"]?.string != nil:
      return serialized(value, object, key: key, ofClass: className, inputs: inputs)
    default:
      return value
    }
  }

  /// An object of a class: an initializer, a regularizer, a wrapped layer, a scalar of NumPy.
  private mutating func serialized(
    _ value: JSONValue, _ object: JSONObject, key: String, ofClass owner: String?,
    inputs: [TensorSignature]
  ) -> JSONValue {
    let entry = ClassEntry(value)
    if ["__numpy__", "__tensor__"].contains(entry.className), value.withoutWrapper != value {
      return translatedValue(value.withoutWrapper, key: key, ofClass: owner)
    }
    if entry.className == "__tuple__", value.withoutWrapper != value, target.isKeras2Family {
      return translatedValue(value.withoutWrapper, key: key)
    }
    if let module = Self.module(ofKey: key) {
      let configuration = value["config"]?.object ?? JSONObject()
      guard !entry.isCustom, value["config"]?.string == nil else {
        lose(key, value, "somebody's own, carried over as it is")
        return value
      }
      return .object(
        framed(
          module: .string(module), className: entry.className, registeredName: .null,
          .object(
            translatedOptions(
              configuration, ofClass: entry.className, inputs: [],
              TranslationRule.rule(forOption: entry.className))),
          build: nil, in: .option))
    }
    if Self.isLayer(key: key), value["config"]?.object != nil {
      var inner = inputs
      if owner == "TimeDistributed" || owner == "RNN" { inner = inputs.map(\.withoutTime) }
      // tf_keras copies the layer before it builds it.
      if owner == "Bidirectional", target == .tfKeras { inner = [] }
      return .object(translatedLayer(value, inputs: inner, in: .option).pairs)
    }
    if object["module"]?.string?.hasPrefix("builtins") == true
      || entry.className.hasPrefix("__") || value["config"]?.object == nil
    {
      lose(key, value, "code, which no configuration carries")
      return value
    }
    lose(key, value, "no rule says how \(target) spells it")
    return value
  }

  /// The cells of a stack, each on the output of the one before.
  private mutating func translatedCells(
    _ cells: [JSONValue], inputs: [TensorSignature]
  ) -> JSONValue {
    var inputs = inputs
    var translated: [JSONValue] = []
    for cell in cells {
      translated.append(translatedValue(cell, key: "cell", inputs: inputs))
      let units = cell["config"]?["units"]?.int
      inputs = [
        TensorSignature(
          shape: units.flatMap { units in inputs.first?.shape.map { [$0[0], units] } })
      ]
    }
    return .array(translated)
  }

  /// What the options of this name hold.
  private static func module(ofKey key: String) -> String? {
    if key.hasSuffix("initializer") { return "keras.initializers" }
    if key.hasSuffix("regularizer") { return "keras.regularizers" }
    if key.hasSuffix("constraint") { return "keras.constraints" }
    return nil
  }

  private static func isLayer(key: String) -> Bool {
    ["layer", "backward_layer", "cell", "cells"].contains(key) || key.hasSuffix("activation")
  }

  // MARK: Activations

  private mutating func activation(_ name: String, key: String) -> String {
    guard source != target else { return name }
    if changesGeneration, name == "hard_sigmoid" {
      lose(
        key, .string(name),
        "Keras 2 computes 0.2x + 0.5 by this name and Keras 3 x / 6 + 0.5; no name of \(target) means"
          + " the same")
    }
    switch (name, target) {
    case ("swish", .keras3): return "silu"
    case ("silu", .keras2), ("silu", .tfKeras): return "swish"
    case ("log_softmax_v2", _): return "log_softmax"
    default:
      if target != .keras3, source != .keras2, Self.laterActivations.contains(name),
        !(name == "mish" && target == .tfKeras)
      {
        lose(key, .string(name), "\(target) has no such function")
      }
      return name
    }
  }

  /// The functions that Keras 2.12 lacks; `tf_keras` has `mish`.
  private static let laterActivations: Set<String> = [
    "celu", "glu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "mish", "soft_shrink",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink", "threshold",
  ]

  // MARK: Dtypes

  /// A dtype or a policy of dtypes.
  mutating func dtype(_ value: JSONValue, ofClass className: String) -> JSONValue {
    guard var name = value.string ?? value["config"]?["name"]?.string else {
      // Keras 3's maps and quantized policies.
      guard !value.isNull else { return .null }
      if target == .keras3 { return value }
      lose("dtype", value, "\(target) has no such policy")
      return value["config"]?["source_name"].map { dtype($0, ofClass: className) } ?? "float32"
    }
    if let object = value["class_name"]?.string, !["Policy", "DTypePolicy"].contains(object) {
      if target == .keras3 { return value }
      lose("dtype", value, "\(target) has no such policy")
      name = value["config"]?["source_name"]?.string ?? "float32"
    }
    if className == "BatchNormalization", changesGeneration {
      name = normalizationPolicy(name, value)
    }
    if target == .keras3 {
      let isPlain = LayerClasses.withPlainDtype.contains(className)
      return isPlain ? .string(name) : Self.policy(name)
    }
    guard name.hasPrefix("mixed_") else { return .string(name) }
    let config: JSONValue = ["name": .string(name)]
    guard target == .tfKeras else { return ["class_name": "Policy", "config": config] }
    return [
      "module": "keras.mixed_precision", "class_name": "Policy", "config": config,
      "registered_name": .null,
    ]
  }

  /// Keras 2 keeps the variables of a normalization in float32 under every policy of two bytes: what
  /// Keras 3 calls mixed.
  private mutating func normalizationPolicy(_ name: String, _ value: JSONValue) -> String {
    guard name == "float16" || name == "bfloat16" else { return name }
    if target == .keras3 { return "mixed_\(name)" }
    lose("dtype", value, "\(target) keeps the variables of this class in float32")
    return name
  }

  static func policy(_ name: String) -> JSONValue {
    [
      "module": "keras", "class_name": "DTypePolicy", "config": ["name": .string(name)],
      "registered_name": .null,
    ]
  }
}
