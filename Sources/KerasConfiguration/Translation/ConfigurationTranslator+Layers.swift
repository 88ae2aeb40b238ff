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
      check(name)
    }
    if ModelConfiguration.modelClassNames.contains(entry.className), !entry.isCustom {
      return nestedModel(json, entry, in: frame)
    }
    let module = entry.isCustom ? json["module"] ?? .null : "keras.layers"
    if let registered = entry.registeredName {
      lose("class_name", .string(registered), "a class of somebody's own, carried over as it is")
    } else if !LayerClasses.exists(entry.className, in: target) {
      lose("class_name", .string(entry.className), "\(target) has no such class")
    }
    let translated = translatedOptions(
      configuration, ofClass: entry.registeredName ?? entry.className, inputs: inputs,
      TranslationRule.rule(forClass: entry.registeredName ?? entry.className))
    let outputs = ShapeInference.outputs(
      ofClass: entry.className, configuration, inputs: inputs, dialect: source)
    let pairs = framed(
      module: module, entry, .object(translated),
      build: (source == target ? json["build_config"] : nil)
        ?? buildConfiguration(ofClass: entry.className, inputs: inputs), in: frame)
    return TranslatedLayer(pairs: pairs, outputs: outputs)
  }

  private mutating func nestedModel(
    _ json: JSONValue, _ entry: ClassEntry, in frame: Frame
  ) -> TranslatedLayer {
    let model = translatedModel(json, isNested: true)
    let isGraph = entry.className != "Sequential"
    let module: JSONValue = isGraph ? .string(target.functionalModule) : "keras"
    var pairs = framed(
      module: module, entry, .object(model.configuration),
      build: buildConfiguration(of: model, isGraph: isGraph), in: frame)
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
    if className == "MultiHeadAttention", target == .keras3 {
      guard inputs.count >= 2, let query = inputs[0].shape, let value = inputs[1].shape else {
        return nil
      }
      var shapes: JSONObject = [
        "query_shape": JSONValue(shape: query), "value_shape": JSONValue(shape: value),
      ]
      if inputs.count > 2, let key = inputs[2].shape { shapes["key_shape"] = JSONValue(shape: key) }
      return ["shapes_dict": .object(shapes)]
    }
    if ["IntegerLookup", "StringLookup"].contains(className), target == .keras3 { return [:] }
    let built = className == "MultiHeadAttention" ? Array(inputs.prefix(1)) : inputs
    return built.buildShape.map { ["input_shape": $0] }
  }

  private func framed(
    module: JSONValue, _ entry: ClassEntry, _ configuration: JSONValue, build: JSONValue?,
    in frame: Frame
  ) -> JSONObject {
    // Keras 2 keeps the registry's name in the class; the others have a key for it.
    guard let registered = entry.registeredName, entry.isCustom else {
      return framed(
        module: module, className: entry.className, registeredName: .null, configuration,
        build: build, in: frame)
    }
    let own = registered.split(separator: ">").last.map { String($0) } ?? registered
    var pairs = framed(
      module: module, className: own, registeredName: .string(registered), configuration,
      build: build, in: frame)
    if pairs["registered_name"] == nil { pairs["class_name"] = .string(registered) }
    return pairs
  }

  /// Keras 3 writes paths with `/`; Keras 2 makes names of operations of its layers' names.
  private mutating func check(_ name: String) {
    guard changesGeneration else { return }
    if target == .keras3, name.contains("/") {
      lose("name", .string(name), "Keras 3 allows no `/` in names")
    } else if target.isKeras2Family, !Self.isScopeName(name) {
      lose("name", .string(name), "\(target) allows letters, digits and a few signs alone")
    }
  }

  private static func isScopeName(_ name: String) -> Bool {
    let signs: Set<Character> = ["_", ".", "\\", "/", ">", "-"]
    guard let first = name.first else { return false }
    let isPlain = { (character: Character) in
      character.isASCII && (character.isLetter || character.isNumber)
    }
    return (isPlain(first) || first == ".") && name.allSatisfy { isPlain($0) || signs.contains($0) }
  }

  // MARK: Options

  /// The options of a class in the target's spelling and order.
  mutating func translatedOptions(
    _ configuration: JSONObject, ofClass className: String, inputs: [TensorSignature],
    _ rule: TranslationRule
  ) -> JSONObject {
    var options = configuration
    if className == "Bidirectional", changesGeneration { spellBackwardLayer(of: &options) }
    for (keras2, keras3) in rule.renamed where changesGeneration {
      let (old, new) = target == .keras3 ? (keras2, keras3) : (keras3, keras2)
      options.pairs = options.pairs.map {
        .init(key: $0.key == old ? new : $0.key, value: $0.value)
      }
    }
    drop(from: &options, rule, ofClass: className)
    options.pairs = options.pairs.map { pair in
      .init(
        key: pair.key,
        value: translatedOption(
          pair.value, key: pair.key, spelling: rule.spellings[pair.key], ofClass: className,
          inputs: inputs))
    }
    add(to: &options, rule, inputs: inputs)
    if LayerClasses.indexing.contains(className), changesGeneration { spellIndices(of: &options) }
    if let order = rule.order, changesGeneration {
      options.reorder(target == .keras3 ? order.keras3 : order.keras2)
    }
    return options
  }

  /// Keras 3 always writes the layer that runs backwards, Keras 2 only one that was given; and Keras 3
  /// puts `forward_` before the name of the other.
  private func spellBackwardLayer(of options: inout JSONObject) {
    guard var forward = options["layer"]?.object, var inner = forward["config"]?.object,
      let name = inner["name"]?.string
    else { return }
    let plain = name.hasPrefix("forward_") ? String(name.dropFirst("forward_".count)) : name
    var mirrored = inner
    mirrored["name"] = .string("backward_\(plain)")
    mirrored["go_backwards"] = .bool(inner["go_backwards"] != true)
    if target == .keras3 {
      guard options["backward_layer"] == nil else { return }
      var backward = forward
      backward["config"] = .object(mirrored)
      options["backward_layer"] = .object(backward)
      inner["name"] = .string("forward_\(plain)")
    } else {
      guard options["backward_layer"]?["config"] == .object(mirrored) else { return }
      options["backward_layer"] = nil
      inner["name"] = .string(plain)
    }
    forward["config"] = .object(inner)
    options["layer"] = .object(forward)
  }

  /// The dtype of a layer that answers with indices: theirs in Keras 2, in Keras 3 the policy of its
  /// other results.
  private mutating func spellIndices(of options: inout JSONObject) {
    guard options["output_mode"] == "int" else { return }
    options["dtype"] = dtype(target == .keras3 ? "float32" : "int64", ofClass: "Discretization")
    if target == .keras3, options["bin_boundaries"] == nil {
      options["dtype"] = Self.policy("float32")
    }
  }

  /// Removes what the target does not write, and lists what mattered.
  private mutating func drop(
    from options: inout JSONObject, _ rule: TranslationRule, ofClass className: String
  ) {
    for own in rule.own where !own.dialects.contains(target) {
      guard let value = options[own.key] else { continue }
      let isUsual = if case .value(let usual) = own.usual { value == usual } else { false }
      if !isUsual {
        switch own.elsewhere {
        case .understood: continue
        case .lost: lose(own.key, value, "\(target) has no such option")
        case .meaningless: break
        }
      }
      options[own.key] = nil
    }
    if target == .keras3, source != .keras3, className != "InputLayer" {
      // The shape that a model's first layer was given; models say it again.
      options["batch_input_shape"] = nil
    }
  }

  /// Adds what the source does not write.
  private mutating func add(
    to options: inout JSONObject, _ rule: TranslationRule, inputs: [TensorSignature]
  ) {
    for own in rule.own
    where own.dialects.contains(target) && !own.dialects.contains(source)
      && options[own.key] == nil
    {
      let value: JSONValue =
        switch own.usual {
        case .value(let usual): translatedValue(usual, key: own.key)
        case .shape(let index):
          (inputs.indices.contains(index) ? inputs[index] : inputs.last)?.shape
            .map { JSONValue(shape: $0) } ?? .null
        }
      let place = own.follows.flatMap { key in options.pairs.firstIndex { $0.key == key } }
      options.pairs.insert(
        .init(key: own.key, value: value), at: place.map { $0 + 1 } ?? options.pairs.count)
    }
  }

  private mutating func translatedOption(
    _ value: JSONValue, key: String, spelling: TranslationRule.Spelling?,
    ofClass className: String, inputs: [TensorSignature]
  ) -> JSONValue {
    if key == "dtype" { return dtype(value, ofClass: className) }
    guard changesGeneration, let spelling else {
      return translatedValue(value, key: key, ofClass: className, inputs: inputs)
    }
    let rank = inputs.first?.shape?.count
    switch spelling {
    case .list:
      return value.int.map { target == .keras3 ? [JSONValue($0)] : value } ?? value
    case .axis, .axes:
      guard let axes = value.int.map({ [$0] }) ?? value.array?.compactMap(\.int) else {
        return value
      }
      return translatedAxes(axes, isList: spelling == .axes, rank: rank)
    }
  }

  private func translatedAxes(_ axes: [Int], isList: Bool, rank: Int?) -> JSONValue {
    if target == .keras3 {
      // Alone, the last axis is written from the end.
      let isLast = axes.count == 1 && rank.map { axes[0] == $0 - 1 } == true
      let written = (isLast ? [-1] : axes).map { JSONValue($0) }
      return written.count == 1 && !isList ? written[0] : .array(written)
    }
    let counted = axes.map { axis in rank.map { axis < 0 ? axis + $0 : axis } ?? axis }
    return .array(counted.map { JSONValue($0) })
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

extension JSONObject {
  /// Puts those of the named pairs that are there into this order, at the places that they hold together.
  mutating func reorder(_ names: String) {
    let names = names.split(separator: " ").map { String($0) }
    let places = pairs.indices.filter { names.contains(pairs[$0].key) }
    let present = names.compactMap { name in pairs.first { $0.key == name } }
    guard places.count == present.count else { return }
    for (place, pair) in zip(places, present) { pairs[place] = pair }
  }
}
