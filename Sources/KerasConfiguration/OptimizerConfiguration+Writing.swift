extension OptimizerConfiguration {
  /// The object that `dialect` writes, key for key: `optimizer_config` of a whole-model file's
  /// `training_config` (`.attribute`), or `optimizer` of an archive's `compile_config` (`.document`).
  ///
  /// A constant rate is written as the shortest decimal of its float32's value. Throws where the
  /// dialect has no place for an option that is in use. ``arithmetic`` itself has no place in Keras's
  /// JSON, except that Keras 2 spells the legacy classes in their own way.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    if dialect != .keras3 && arithmetic == .kerasLegacy {
      return try legacyJSON(for: dialect, in: container)
    }
    try requireExpressible(in: dialect)
    let config = JSONValue.object(
      dialect == .keras3 ? try keras3Options() : try keras2Options(for: dialect))
    let className = rule.className
    switch (container, dialect) {
    case (.attribute, .keras3): return ["class_name": .string(className), "config": config]
    case (.attribute, _): return ["class_name": .string("Custom>\(className)"), "config": config]
    case (.document, _):
      return [
        "module": .string(module(in: dialect)),
        "class_name": .string(className), "config": config, "registered_name": .null,
      ]
    }
  }

  /// The entry that a file of `dialect` holds; see ``json(for:in:)``.
  public func entry(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> OptimizerEntry {
    OptimizerEntry(json: try json(for: dialect, in: container), dialect: dialect)
  }

  /// Where `dialect` finds the class. (Keras 2.12 writes the last of its public places.)
  private func module(in dialect: Dialect) -> String {
    switch rule {
    case .adam, .adamW: "keras.optimizers"
    case .adagrad, .sgd, .rmsprop:
      dialect == .keras2 ? "keras.optimizers.experimental" : "keras.optimizers"
    }
  }

  private func keras2Options(for dialect: Dialect) throws(ConfigurationError) -> JSONObject {
    var options: JSONObject = [
      "name": .string(name(in: dialect)),
      "weight_decay": JSONValue(weightDecay),
      "clipnorm": JSONValue(clipping.norm),
      "global_clipnorm": JSONValue(clipping.globalNorm),
      "clipvalue": JSONValue(clipping.value),
      "use_ema": .bool(average.isEnabled),
      "ema_momentum": JSONValue(average.momentum),
      "ema_overwrite_frequency": JSONValue(average.overwriteFrequency),
      "jit_compile": .bool(jitCompile),
      "is_legacy_optimizer": false,
      "learning_rate": try learningRateJSON(for: dialect),
    ]
    options.pairs += rule.options.pairs
    return options
  }

  private func keras3Options() throws(ConfigurationError) -> JSONObject {
    var options: JSONObject = [
      "name": .string(name(in: .keras3)),
      "learning_rate": try learningRateJSON(for: .keras3),
      "weight_decay": JSONValue(weightDecay),
      "clipnorm": JSONValue(clipping.norm),
      "global_clipnorm": JSONValue(clipping.globalNorm),
      "clipvalue": JSONValue(clipping.value),
      "use_ema": .bool(average.isEnabled),
      "ema_momentum": JSONValue(average.momentum),
      "ema_overwrite_frequency": JSONValue(average.overwriteFrequency),
      "loss_scale_factor": JSONValue(lossScaleFactor),
      "gradient_accumulation_steps": JSONValue(gradientAccumulationSteps),
    ]
    options.pairs += rule.options.pairs
    return options
  }

  private func learningRateJSON(for dialect: Dialect) throws(ConfigurationError) -> JSONValue {
    switch learningRate {
    case .constant(let rate): JSONValue(Double(Float(rate)))
    case .schedule(let schedule): try schedule.json(for: dialect)
    }
  }

  /// Throws for an option in use that `dialect` would not know.
  private func requireExpressible(in dialect: Dialect) throws(ConfigurationError) {
    let object = "optimizer `\(name(in: dialect))`"
    if dialect == .keras3 {
      let given = [clipping.norm, clipping.globalNorm, clipping.value].compactMap { $0 }
      guard given.count <= 1 else {
        throw .notExpressible(
          key: "clipvalue", object: object, dialect: dialect,
          cure: "keep one clipping value; Keras 2 itself uses only clipnorm here")
      }
      guard legacyDecay == 0 else {
        throw .notExpressible(
          key: "decay", object: object, dialect: dialect,
          cure: "use the schedule InverseTimeDecay with decay_steps 1")
      }
    } else if lossScaleFactor != nil {
      throw .notExpressible(
        key: "loss_scale_factor", object: object, dialect: dialect, cure: "write for Keras 3")
    } else if let steps = gradientAccumulationSteps, steps != 0 {
      throw .notExpressible(
        key: "gradient_accumulation_steps", object: object, dialect: dialect,
        cure: "write for Keras 3")
    }
  }

  // MARK: Legacy classes

  private func legacyJSON(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    let object = "optimizer `\(name(in: dialect))`"
    if case .adamW = rule {
      throw .notExpressible(
        key: "class_name", object: object, dialect: dialect,
        cure: "there is no legacy AdamW; use the arithmetic of Keras 2")
    }
    guard container == .attribute else {
      throw .notExpressible(
        key: "class_name", object: object, dialect: dialect,
        cure: "archives hold no legacy optimizers; write a whole-model .h5 file")
    }
    guard weightDecay == nil, !average.isEnabled, lossScaleFactor == nil,
      (gradientAccumulationSteps ?? 0) == 0
    else {
      let key =
        weightDecay != nil
        ? "weight_decay"
        : average.isEnabled
          ? "use_ema"
          : lossScaleFactor != nil ? "loss_scale_factor" : "gradient_accumulation_steps"
      throw .notExpressible(
        key: key, object: object, dialect: dialect,
        cure: "the legacy classes lack it; use the arithmetic of Keras 2")
    }
    var options: JSONObject = ["name": .string(name(in: dialect))]
    for (key, value) in [
      ("clipnorm", clipping.norm), ("clipvalue", clipping.value),
      ("global_clipnorm", clipping.globalNorm),
    ] where value != nil {
      options[key] = JSONValue(value)
    }
    options["learning_rate"] =
      if case .constant(let rate) = learningRate { JSONValue(rate) } else {
        try learningRateJSON(for: dialect)
      }
    options["decay"] = JSONValue(legacyDecay)
    options.pairs += rule.options.pairs
    return ["class_name": .string(rule.className), "config": .object(options)]
  }
}
