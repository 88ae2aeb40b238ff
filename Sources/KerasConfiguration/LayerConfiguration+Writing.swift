import Tensors

extension LayerConfiguration {
  /// The entry that `dialect` writes in a model of its own making, key for key.
  ///
  /// `inputShape` is the shape of the batch that reaches the layer, if known: Keras 2 spells the axis
  /// of a normalization by it, and documents of Keras 3 repeat it as `build_config`. Throws where the
  /// axis is needed and unknown, and for tf_keras, whose readers take Keras 2's spelling.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer, inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONValue {
    let object = "layer `\(name)`"
    guard dialect != .tfKeras else {
      throw .notExpressible(
        key: "class_name", object: object, dialect: dialect,
        cure: "write for Keras 2, which tf_keras reads")
    }
    var configuration = try configuration(for: dialect, inputShape: inputShape)
    if case .relu = kind, dialect == .keras2, container == .document {
      configuration = Self.spellingNumPyScalars(configuration)
    }
    let config = JSONValue.object(configuration)
    guard dialect == .keras3 && container == .document else {
      return ["class_name": .string(className), "config": config]
    }
    var entry: JSONObject = [
      "module": "keras.layers", "class_name": .string(className), "config": config,
      "registered_name": .null,
    ]
    if hasBuildConfiguration, let inputShape {
      entry["build_config"] = ["input_shape": JSONValue(shape: inputShape)]
    }
    return .object(entry)
  }

  /// Keras 3 records the input shape of the layers that have a `build` method of their own.
  private var hasBuildConfiguration: Bool {
    switch kind {
    case .dense, .flatten, .batchNormalization, .embedding: true
    case .input, .activation, .relu, .softmax, .dropout, .globalAveragePooling1D: false
    }
  }

  private func configuration(
    for dialect: Dialect, inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONObject {
    if case .input(let input) = kind {
      var options: JSONObject = [
        dialect == .keras3 ? "batch_shape" : "batch_input_shape":
          JSONValue(shape: input.batchShape),
        "dtype": .string(input.dtype.rawValue), "sparse": false, "ragged": false,
        "name": .string(name),
      ]
      if dialect == .keras3 { options["optional"] = false }
      return options
    }
    var options: JSONObject = [
      "name": .string(name), "trainable": .bool(isTrainable),
      "dtype": dialect == .keras3 ? Self.float32Policy : "float32",
    ]
    options.pairs += try ownOptions(for: dialect, inputShape: inputShape).pairs
    return options
  }

  /// Keras 2 keeps a ReLU's numbers as NumPy scalars, and its archives spell them out.
  private static func spellingNumPyScalars(_ options: JSONObject) -> JSONObject {
    JSONObject(
      options.pairs.map { pair in
        guard case .number = pair.value else { return pair }
        return .init(
          key: pair.key,
          value: [
            "class_name": "__numpy__", "config": ["value": pair.value, "dtype": "float32"],
          ])
      })
  }

  static let float32Policy: JSONValue = [
    "module": "keras", "class_name": "DTypePolicy", "config": ["name": "float32"],
    "registered_name": .null,
  ]

  private func ownOptions(
    for dialect: Dialect, inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONObject {
    switch kind {
    case .input: return JSONObject()
    case .activation(let function):
      return ["activation": .string(function.kerasName(in: dialect))]
    case .relu(let options):
      return [
        "max_value": JSONValue(options.maximum),
        "negative_slope": JSONValue(options.negativeSlope),
        "threshold": JSONValue(options.threshold),
      ]
    case .softmax(let axis): return ["axis": JSONValue(axis)]
    case .flatten: return ["data_format": "channels_last"]
    case .globalAveragePooling1D(let keepsDimensions):
      return ["data_format": "channels_last", "keepdims": .bool(keepsDimensions)]
    case .dropout(let options):
      let rate = ("rate", JSONValue(options.rate))
      let seed = ("seed", JSONValue(options.seed))
      let noise = ("noise_shape", JSONValue.null)
      return JSONObject(dialect == .keras3 ? [rate, seed, noise] : [rate, noise, seed])
    case .dense(let options): return options.json(for: dialect)
    case .batchNormalization(let options):
      return options.json(
        for: dialect, axis: try normalizationAxis(options.axis, dialect, inputShape))
    case .embedding(let options): return options.json(for: dialect)
    }
  }

  /// Keras 2 writes the axis counted from the first, in a list; Keras 3 as it was given, which for
  /// the last axis is -1 by default.
  private func normalizationAxis(
    _ axis: Int, _ dialect: Dialect, _ inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONValue {
    if dialect == .keras3 {
      return JSONValue(axis == (inputShape?.count ?? 0) - 1 ? -1 : axis)
    }
    if axis >= 0 { return [JSONValue(axis)] }
    guard let rank = inputShape?.count, rank + axis >= 0 else {
      throw .notExpressible(
        key: "axis", object: "layer `\(name)`", dialect: dialect,
        cure: "give the model an input shape, so that axis \(axis) can be counted from the first")
    }
    return [JSONValue(rank + axis)]
  }
}

extension LayerConfiguration.Dense {
  fileprivate func json(for dialect: Dialect) -> JSONObject {
    var json: JSONObject = [
      "units": JSONValue(units), "activation": .string(activation.kerasName(in: dialect)),
      "use_bias": .bool(usesBias), "kernel_initializer": kernelInitializer.json(for: dialect),
      "bias_initializer": biasInitializer.json(for: dialect), "kernel_regularizer": .null,
      "bias_regularizer": .null,
    ]
    if dialect != .keras3 { json["activity_regularizer"] = .null }
    json["kernel_constraint"] = .null
    json["bias_constraint"] = .null
    if dialect == .keras3 { json["quantization_config"] = .null }
    return json
  }
}

extension LayerConfiguration.BatchNormalization {
  fileprivate func json(for dialect: Dialect, axis: JSONValue) -> JSONObject {
    var json: JSONObject = [
      "axis": axis, "momentum": JSONValue(momentum), "epsilon": JSONValue(epsilon),
      "center": .bool(isCentered), "scale": .bool(isScaled),
      "beta_initializer": betaInitializer.json(for: dialect),
      "gamma_initializer": gammaInitializer.json(for: dialect),
      "moving_mean_initializer": movingMeanInitializer.json(for: dialect),
      "moving_variance_initializer": movingVarianceInitializer.json(for: dialect),
      "beta_regularizer": .null, "gamma_regularizer": .null, "beta_constraint": .null,
      "gamma_constraint": .null,
    ]
    if dialect == .keras3 {
      json["synchronized"] = false
      json["renorm"] = false
      json["renorm_clipping"] = .null
      json["renorm_momentum"] = 0.99
    }
    return json
  }
}

extension LayerConfiguration.Embedding {
  fileprivate func json(for dialect: Dialect) -> JSONObject {
    var json = JSONObject()
    if dialect != .keras3 {
      // Keras 2 gives every Embedding the shape (batch, steps), whatever stands before it.
      json["batch_input_shape"] = JSONValue(shape: [nil, inputLength])
    }
    json["input_dim"] = JSONValue(inputDimension)
    json["output_dim"] = JSONValue(outputDimension)
    json["embeddings_initializer"] = embeddingsInitializer.json(for: dialect)
    json["embeddings_regularizer"] = .null
    json["activity_regularizer"] = .null
    json["embeddings_constraint"] = .null
    json["mask_zero"] = false
    if dialect == .keras3 {
      json["quantization_config"] = .null
    } else {
      json["input_length"] = JSONValue(inputLength)
    }
    return json
  }
}
