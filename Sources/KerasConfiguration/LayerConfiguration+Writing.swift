import Tensors

extension LayerConfiguration {
  /// The entry that `dialect` writes in a model of its own making, key for key.
  ///
  /// `inputShape` is the shape of the batch that reaches the layer, if known: Keras 2 spells the axis
  /// of a normalization by it, and documents of Keras 3 repeat it as `build_config`. Throws where the
  /// axis is needed and unknown.
  public func json(
    for dialect: Dialect, in container: ConfigurationContainer, inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONValue {
    var translator = ConfigurationTranslator(
      source: .keras2, target: dialect, container: container)
    let entry: JSONValue = [
      "class_name": .string(className), "config": .object(try options(inputShape: inputShape)),
    ]
    let layer = translator.translatedLayer(
      entry, inputs: [TensorSignature(shape: inputShape)], in: .layerOfModel)
    return .object(layer.pairs)
  }

  // MARK: Keras 2's spelling, of which the others are translations

  private func options(inputShape: [Int?]?) throws(ConfigurationError) -> JSONObject {
    if case .input(let input) = kind {
      return [
        "batch_input_shape": JSONValue(shape: input.batchShape),
        "dtype": .string(input.dtype.rawValue), "sparse": false, "ragged": false,
        "name": .string(name),
      ]
    }
    var options: JSONObject = [
      "name": .string(name), "trainable": .bool(isTrainable), "dtype": "float32",
    ]
    options.pairs += try ownOptions(inputShape: inputShape).pairs
    return options
  }

  private func ownOptions(
    inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONObject {
    switch kind {
    case .input: return JSONObject()
    case .activation(let function):
      return ["activation": .string(function.kerasName(in: .keras2))]
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
      return [
        "rate": JSONValue(options.rate), "noise_shape": .null, "seed": JSONValue(options.seed),
      ]
    case .dense(let options): return options.json
    case .batchNormalization(let options):
      return options.json(axis: try normalizationAxis(options.axis, inputShape))
    case .embedding(let options): return options.json
    }
  }

  /// The axis counted from the first, in a list.
  private func normalizationAxis(
    _ axis: Int, _ inputShape: [Int?]?
  ) throws(ConfigurationError) -> JSONValue {
    if axis >= 0 { return [JSONValue(axis)] }
    guard let rank = inputShape?.count, rank + axis >= 0 else {
      throw .notExpressible(
        key: "axis", object: "layer `\(name)`", dialect: .keras2,
        cure: "give the model an input shape, so that axis \(axis) can be counted from the first")
    }
    return [JSONValue(rank + axis)]
  }
}

extension LayerConfiguration.Dense {
  fileprivate var json: JSONObject {
    [
      "units": JSONValue(units), "activation": .string(activation.kerasName(in: .keras2)),
      "use_bias": .bool(usesBias), "kernel_initializer": kernelInitializer.json,
      "bias_initializer": biasInitializer.json, "kernel_regularizer": .null,
      "bias_regularizer": .null, "activity_regularizer": .null, "kernel_constraint": .null,
      "bias_constraint": .null,
    ]
  }
}

extension LayerConfiguration.BatchNormalization {
  fileprivate func json(axis: JSONValue) -> JSONObject {
    [
      "axis": axis, "momentum": JSONValue(momentum), "epsilon": JSONValue(epsilon),
      "center": .bool(isCentered), "scale": .bool(isScaled),
      "beta_initializer": betaInitializer.json, "gamma_initializer": gammaInitializer.json,
      "moving_mean_initializer": movingMeanInitializer.json,
      "moving_variance_initializer": movingVarianceInitializer.json,
      "beta_regularizer": .null, "gamma_regularizer": .null, "beta_constraint": .null,
      "gamma_constraint": .null,
    ]
  }
}

extension LayerConfiguration.Embedding {
  fileprivate var json: JSONObject {
    [
      // Keras 2 gives every Embedding the shape (batch, steps), whatever stands before it.
      "batch_input_shape": JSONValue(shape: [nil, inputLength]),
      "input_dim": JSONValue(inputDimension), "output_dim": JSONValue(outputDimension),
      "embeddings_initializer": embeddingsInitializer.json, "embeddings_regularizer": .null,
      "activity_regularizer": .null, "embeddings_constraint": .null, "mask_zero": false,
      "input_length": JSONValue(inputLength),
    ]
  }
}
