// What a class was made with: the rules of the table, applied.
extension ConfigurationTranslator {
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
    // Both force this on what they wrap; Keras 3 says so.
    let forced = ("zero_output_for_mask", inner["return_sequences"] ?? false)
    if target == .keras3 {
      guard options["backward_layer"] == nil else { return }
      inner.insert(forced, after: "unroll")
      mirrored.insert(forced, after: "unroll")
      var backward = forward
      backward["config"] = .object(mirrored)
      options["backward_layer"] = .object(backward)
      inner["name"] = .string("forward_\(plain)")
    } else {
      guard options["backward_layer"]?["config"] == .object(mirrored) else { return }
      options["backward_layer"] = nil
      if inner[forced.0] == forced.1 { inner[forced.0] = nil }
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
      options.insert((own.key, value), after: own.follows)
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

extension JSONObject {
  /// Puts a pair behind the one of this key, or last.
  mutating func insert(_ pair: (key: String, value: JSONValue), after key: String?) {
    let place = key.flatMap { key in pairs.firstIndex { $0.key == key } }
    pairs.insert(
      .init(key: pair.key, value: pair.value), at: place.map { $0 + 1 } ?? pairs.count)
  }

  /// Puts those of the named pairs that are there into this order, at the places that they hold together.
  mutating func reorder(_ names: String) {
    let names = names.split(separator: " ").map { String($0) }
    let places = pairs.indices.filter { names.contains(pairs[$0].key) }
    let present = names.compactMap { name in pairs.first { $0.key == name } }
    guard places.count == present.count else { return }
    for (place, pair) in zip(places, present) { pairs[place] = pair }
  }
}
