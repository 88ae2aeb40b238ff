extension LayerSchema {
  /// The variables of a layer of `className` with these options; nil for an unknown class, and for those
  /// that hold layers of any class: models and TimeDistributed.
  public init?(className: String, configuration: JSONObject, dialect: Dialect) {
    let options = SchemaOptions(configuration)
    if Self.weightlessClasses.contains(className) {
      self.init()
      return
    }
    if className == "Dense", options.quantizationMode == "int8" {
      // Keras 3.15: the kernel and its scale are no longer trained.
      self.init(options.names("bias", if: "use_bias"), nonTrainable: ["kernel_scale"])
      variables.insert(VariableSchema("kernel", isTrainable: false), at: 0)
      return
    }
    if Self.kernelClasses.contains(className) {
      guard options["quantization_config"].isNull, options["lora_rank"].isNull else { return nil }
      self.init(["kernel"] + options.names("bias", if: "use_bias"))
      return
    }
    switch className {
    case "EinsumDense":
      guard options["quantization_config"].isNull, options["lora_rank"].isNull else { return nil }
      self.init(["kernel"] + (options["bias_axes"].isNull ? [] : ["bias"]))
    case "DepthwiseConv1D", "DepthwiseConv2D":
      self.init(["kernel"] + options.names("bias", if: "use_bias"))
      variables[0].keras2Name = "depthwise_kernel"
    case "SeparableConv1D", "SeparableConv2D":
      self.init(["depthwise_kernel", "pointwise_kernel"] + options.names("bias", if: "use_bias"))
    case "BatchNormalization", "SyncBatchNormalization":
      guard options["renorm"] != true else { return nil }
      self.init(options.gammaAndBeta, nonTrainable: ["moving_mean", "moving_variance"])
    case "LayerNormalization":
      guard options["rms_scaling"] != true else { return nil }
      self.init(options.gammaAndBeta)
    case "GroupNormalization":
      self.init(options.gammaAndBeta)
    case "Normalization":
      // Given statistics are constants, not variables.
      let isGiven = !options["mean"].isNull || !options["variance"].isNull
      self.init([], nonTrainable: isGiven ? [] : ["mean", "variance", "count"])
    case "Embedding":
      guard options["quantization_config"].isNull, options["lora_rank"].isNull else { return nil }
      self.init(["embeddings"])
    case "PReLU":
      self.init(["alpha"])
    case "LSTMCell", "GRUCell", "SimpleRNNCell":
      self.init(["kernel", "recurrent_kernel"] + options.names("bias", if: "use_bias"))
    case "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D":
      self.init(
        children: [
          Child(
            name: "cell",
            LayerSchema(["kernel", "recurrent_kernel"] + options.names("bias", if: "use_bias")))
        ])
    case "RNN":
      guard let cell = Self.wrapped(options["cell"], in: Self.cellClasses, dialect) else {
        return nil
      }
      self.init(children: [Child(name: "cell", isTrainable: options.isTrainable("cell"), cell)])
    case "StackedRNNCells":
      guard let cells = Self.cells(options["cells"], dialect) else { return nil }
      self.init(children: cells)
    case "Bidirectional":
      let given = options["backward_layer"]
      guard let forward = Self.wrapped(options["layer"], in: Self.recurrentClasses, dialect),
        let backward = given.isNull
          ? forward : Self.wrapped(given, in: Self.recurrentClasses, dialect)
      else { return nil }
      self.init(
        children: [
          Child(name: "forward_layer", isTrainable: options.isTrainable("layer"), forward),
          Child(
            name: "backward_layer",
            isTrainable: options.isTrainable(given.isNull ? "layer" : "backward_layer"), backward),
        ])
    case "Attention", "AdditiveAttention":
      let concatenates = options["score_mode"] == "concat"
      let isScaled =
        className == "Attention" ? options["use_scale"] == true : options["use_scale"] != false
      self.init((isScaled ? ["scale"] : []) + (concatenates ? ["concat_score_weight"] : []))
    case "MultiHeadAttention":
      let dense = LayerSchema(["kernel"] + options.names("bias", if: "use_bias"))
      let prefix = dialect == .keras3 ? "" : "_"
      self.init(
        children: ["query", "key", "value", "output"].map { name in
          Child(name: name, group: "\(prefix)\(name)_dense", dense)
        })
    default:
      return nil
    }
  }

  /// The schema of a serialized layer or cell of one of `classes`: what may stand inside another is
  /// limited, so that a hostile nesting cannot double the schema at every level.
  private static func wrapped(
    _ json: JSONValue, in classes: Set<String>, _ dialect: Dialect
  ) -> LayerSchema? {
    guard let className = json["class_name"]?.string, classes.contains(className),
      json["registered_name"]?.string?.contains(">") != true
    else { return nil }
    return LayerSchema(
      className: className, configuration: json["config"]?.object ?? JSONObject(),
      dialect: dialect)
  }

  /// The cells of a stack; their groups are numbered one by one in every dialect.
  private static func cells(_ json: JSONValue, _ dialect: Dialect) -> [Child]? {
    guard let cells = json.array else { return nil }
    var children: [Child] = []
    var numbering = ElementNumbering(countsWeightedTwice: false)
    for cell in cells {
      guard let className = cell["class_name"]?.string,
        let schema = wrapped(cell, in: cellClasses, dialect)
      else { return nil }
      let name = numbering.name(ofClass: className, hasVariables: true)
      children.append(
        Child(
          name: name, group: "cells/\(name)",
          isTrainable: cell["config"]?["trainable"] != .bool(false), schema))
    }
    return children
  }

  /// Classes with a kernel and, unless `use_bias` is false, a bias.
  private static let kernelClasses: Set<String> = [
    "Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
    "Conv3DTranspose", "Convolution1D", "Convolution2D", "Convolution3D", "LocallyConnected1D",
    "LocallyConnected2D",
  ]

  private static let cellClasses: Set<String> = [
    "LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells",
  ]

  private static let recurrentClasses: Set<String> = [
    "LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
  ]

  /// Every class of which at least some options have a schema.
  static let classNames = weightlessClasses.union(kernelClasses).union(cellClasses)
    .union(recurrentClasses).union([
      "EinsumDense", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
      "BatchNormalization", "SyncBatchNormalization", "LayerNormalization", "GroupNormalization",
      "Normalization", "Embedding", "PReLU", "TimeDistributed", "Bidirectional", "Attention",
      "AdditiveAttention", "MultiHeadAttention",
    ])

  /// Classes that never own a variable which Keras saves.
  static let weightlessClasses: Set<String> = [
    "InputLayer", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout",
    "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Masking",
    "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "Rescaling", "Resizing",
    "CenterCrop", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
    "Dot", "UnitNormalization", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D",
    "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D",
    "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "StringLookup", "IntegerLookup", "TextVectorization", "CategoryEncoding", "Hashing",
    "HashedCrossing",
    // Their generators of random numbers are in no file.
    "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomHeight",
    "RandomRotation", "RandomTranslation", "RandomWidth", "RandomZoom",
  ]
}

/// The options that decide on variables, with Keras's defaults.
private struct SchemaOptions {
  let configuration: JSONObject

  init(_ configuration: JSONObject) { self.configuration = configuration }

  subscript(key: String) -> JSONValue { configuration[key] ?? .null }

  /// The name, unless the flag of `key` is false; every such flag is true by default.
  func names(_ name: String, if key: String) -> [String] {
    configuration[key] == .bool(false) ? [] : [name]
  }

  /// The own flag of a layer or cell that is the value of `key`.
  func isTrainable(_ key: String) -> Bool {
    self[key]["config"]?["trainable"] != .bool(false)
  }

  /// `int8` for a layer whose dtype policy says so; nil for a layer that is not quantized.
  var quantizationMode: String? {
    guard self["dtype"]["class_name"]?.string == "QuantizedDTypePolicy" else { return nil }
    return self["dtype"]["config"]?["mode"]?.string
  }

  var gammaAndBeta: [String] { names("gamma", if: "scale") + names("beta", if: "center") }
}
