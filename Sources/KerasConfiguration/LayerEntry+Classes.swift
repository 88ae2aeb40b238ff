import Tensors

// One function a layer class: the keys of both dialects, each either kept or refused.
extension LayerEntry {
  static func input(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.Input {
    let key = reader.value("batch_shape") != nil ? "batch_shape" : "batch_input_shape"
    guard let found = reader.value(key) else { throw reader.unexpected("batch_shape", "a shape") }
    guard let shape = found.shape, !shape.isEmpty else {
      throw reader.unexpected(key, "a list of extents, batch first, null where any")
    }
    let dtypeName = try reader.string("dtype", default: "float32")
    guard let dtype = DType(rawValue: dtypeName) else {
      let known = DType.allCases.map(\.rawValue).joined(separator: ", ")
      throw reader.unexpected("dtype", "one of \(known)")
    }
    for key in ["sparse", "ragged", "optional"] {
      try reader.refuse(key, unless: [.null, false], cure: "use a plain dense input")
    }
    return .init(batchShape: shape, dtype: dtype)
  }

  static func dense(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.Dense {
    try reader.refuseRegularizersAndConstraints(of: ["kernel", "bias"])
    try reader.refuse("lora_rank", cure: "merge the LoRA weights first")
    return .init(
      units: try reader.positiveInt("units"),
      activation: try reader.activation("activation"),
      usesBias: try reader.bool("use_bias", default: true),
      kernelInitializer: try reader.initializer("kernel_initializer", default: .glorotUniform),
      biasInitializer: try reader.initializer("bias_initializer", default: .zeros))
  }

  static func relu(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.ReLU {
    .init(
      maximum: try reader.optionalDouble("max_value"),
      negativeSlope: try reader.optionalDouble("negative_slope") ?? 0,
      threshold: try reader.optionalDouble("threshold") ?? 0)
  }

  static func dropout(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.Dropout {
    try reader.refuse("noise_shape", cure: "leave it null")
    let rate = try reader.double("rate")
    guard (0...1).contains(rate) else { throw reader.unexpected("rate", "a number from 0 to 1") }
    return .init(rate: rate, seed: try reader.optionalInt("seed"))
  }

  static func batchNormalization(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.BatchNormalization {
    try reader.refuseRegularizersAndConstraints(of: ["beta", "gamma"])
    for key in ["synchronized", "renorm"] {
      try reader.refuse(key, unless: [.null, false], cure: "use plain batch normalization")
    }
    // Without renorm these two change nothing.
    _ = reader.value("renorm_clipping")
    _ = reader.value("renorm_momentum")
    return .init(
      axis: try reader.axis(default: -1),
      momentum: try reader.double("momentum", default: 0.99),
      epsilon: try reader.double("epsilon", default: 0.001),
      isCentered: try reader.bool("center", default: true),
      isScaled: try reader.bool("scale", default: true),
      betaInitializer: try reader.initializer("beta_initializer", default: .zeros),
      gammaInitializer: try reader.initializer("gamma_initializer", default: .ones),
      movingMeanInitializer: try reader.initializer("moving_mean_initializer", default: .zeros),
      movingVarianceInitializer: try reader.initializer(
        "moving_variance_initializer", default: .ones))
  }

  static func embedding(
    _ reader: inout ConfigurationReader
  ) throws(ConfigurationError) -> LayerConfiguration.Embedding {
    try reader.refuseRegularizersAndConstraints(of: ["embeddings"])
    try reader.refuse("mask_zero", unless: [.null, false], cure: "use mask_zero=False")
    try reader.refuse("lora_rank", cure: "merge the LoRA weights first")
    return .init(
      inputDimension: try reader.positiveInt("input_dim"),
      outputDimension: try reader.positiveInt("output_dim"),
      embeddingsInitializer: try reader.initializer(
        "embeddings_initializer", default: .randomUniform()),
      inputLength: try reader.optionalInt("input_length"))
  }
}

extension ConfigurationReader {
  mutating func positiveInt(_ key: String) throws(ConfigurationError) -> Int {
    let value = try int(key)
    guard value > 0 else { throw unexpected(key, "a positive integer") }
    return value
  }

  /// One axis, written as an integer (Keras 3) or a list of one (Keras 2).
  mutating func axis(default: Int) throws(ConfigurationError) -> Int {
    guard let found = value("axis") else { return `default` }
    if let axis = found.int { return axis }
    if let axes = found.array, axes.count == 1, let axis = axes[0].int { return axis }
    throw unexpected("axis", "one integer")
  }

  mutating func refuseRegularizersAndConstraints(
    of variables: [String]
  ) throws(ConfigurationError) {
    for variable in variables {
      try refuse("\(variable)_regularizer", cure: "train without regularizers")
      try refuse("\(variable)_constraint", cure: "train without constraints")
    }
  }

  mutating func requireChannelsLast() throws(ConfigurationError) {
    try refuse("data_format", unless: [.null, "channels_last"], cure: "use channels_last")
  }

  /// `"float32"`, or a policy object of either generation with that name.
  mutating func requireFloat32() throws(ConfigurationError) {
    guard let found = value("dtype"), !found.isNull else { return }
    let name = found.string ?? found["config"]?["name"]?.string
    guard name == "float32" else {
      throw .unsupported(key: "dtype", object: object, value: found, cure: "use policy float32")
    }
  }
}
