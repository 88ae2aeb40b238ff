// Derived by making every layer class that both generations export in Keras 2.12, tf_keras 2.21 and
// Keras 3.15, and comparing what each writes (tools/keras_side/layer_catalogue.py).
extension TranslationRule {
  /// The rule of a class; empty for one whose options are the same everywhere.
  static func rule(forClass name: String) -> TranslationRule {
    layers[name] ?? TranslationRule()
  }

  /// The rule of an initializer, a regularizer or a constraint.
  static func rule(forOption name: String) -> TranslationRule {
    initializers[name] ?? TranslationRule()
  }

  private static let layers: [String: TranslationRule] = [
    // Core
    "InputLayer": .init(
      own: [.later("optional", false, in: [.tfKeras, .keras3])],
      renamed: [("batch_input_shape", "batch_shape")]),
    "Dense": .init(own: [
      .keras2("activity_regularizer", .null, after: "bias_regularizer", elsewhere: .understood),
      .keras3("quantization_config", .null),
    ]),
    "EinsumDense": .init(own: [.keras3("quantization_config", .null)]),
    "Embedding": .init(own: [
      .keras2("batch_input_shape", [.null, .null], after: "dtype", elsewhere: .meaningless),
      .keras2("input_length", .null, elsewhere: .meaningless),
      .keras3("quantization_config", .null),
    ]),

    // Convolutions
    "Conv1DTranspose": .init(
      own: [.keras2("groups", 1, after: "dilation_rate")], order: transposedOrder),
    "Conv2DTranspose": .init(
      own: [.keras2("groups", 1, after: "dilation_rate")], order: transposedOrder),
    "Conv3DTranspose": .init(
      own: [
        .keras2("groups", 1, after: "data_format"),
        .keras3("dilation_rate", [1, 1, 1], after: "data_format"),
      ], order: transposedOrder),
    "DepthwiseConv1D": depthwise,
    "DepthwiseConv2D": depthwise,
    "SeparableConv1D": separable,
    "SeparableConv2D": separable,

    // Pooling
    "AveragePooling1D": .init(order: poolingOrder),
    "MaxPooling1D": .init(order: poolingOrder),

    // Recurrent
    "SimpleRNN": .init(own: recurrence),
    "LSTM": .init(own: recurrence + [implementation, seed]),
    "GRU": .init(own: recurrence + [gatedImplementation, seed]),
    "LSTMCell": .init(
      own: [implementation, seed],
      order: (
        "kernel_initializer recurrent_initializer bias_initializer unit_forget_bias",
        "unit_forget_bias kernel_initializer recurrent_initializer bias_initializer"
      )),
    "GRUCell": .init(own: [gatedImplementation, seed]),
    "SimpleRNNCell": .init(own: [seed]),
    "RNN": .init(own: recurrence),
    "ConvLSTM1D": .init(own: recurrence + [seed]),
    "ConvLSTM2D": .init(own: recurrence + [seed]),
    "ConvLSTM3D": .init(own: recurrence + [seed]),
    "Bidirectional": .init(
      order: ("layer merge_mode backward_layer", "merge_mode layer backward_layer")),

    // Normalization
    "BatchNormalization": .init(
      own: [
        .keras3("synchronized", false), .keras3("renorm", false),
        .keras3("renorm_clipping", .null, elsewhere: .meaningless),
        .keras3("renorm_momentum", 0.99, elsewhere: .meaningless),
      ], spellings: ["axis": .axis]),
    "LayerNormalization": .init(
      own: [.keras3("rms_scaling", false, after: "scale")], spellings: ["axis": .axes]),
    "UnitNormalization": .init(spellings: ["axis": .axis]),
    "Normalization": .init(own: [.later("invert", false, in: [.tfKeras, .keras3], after: "axis")]),

    // Attention
    "Attention": .init(
      own: [seed],
      order: ("dropout use_scale score_mode", "use_scale score_mode dropout")),
    "AdditiveAttention": .init(
      own: [seed], order: ("dropout use_scale", "use_scale dropout")),
    "MultiHeadAttention": .init(
      own: [
        .keras3("use_gate", false, after: "use_bias"),
        .keras3("sliding_window", .null, after: "attention_axes"), seed,
        .builtShape("query_shape", ofInput: 0), .builtShape("key_shape", ofInput: 2),
        .builtShape("value_shape", ofInput: 1),
        .later("softmax_robust_masking", false, in: [.tfKeras]),
      ], spellings: ["output_shape": .list]),

    // Regularization
    "Dropout": .init(order: ("rate noise_shape seed", "rate seed noise_shape")),
    "SpatialDropout1D": .init(own: spatialDropout, order: spatialDropoutOrder),
    "SpatialDropout2D": .init(
      own: spatialDropout + [.keras3("data_format", "channels_last", elsewhere: .understood)],
      order: spatialDropoutOrder),
    "SpatialDropout3D": .init(
      own: spatialDropout + [.keras3("data_format", "channels_last", elsewhere: .understood)],
      order: spatialDropoutOrder),
    "AlphaDropout": .init(own: [.keras3("noise_shape", .null, elsewhere: .understood)]),

    // Reshaping and activations
    "ZeroPadding1D": .init(own: [.keras3("data_format", "channels_last")]),
    "LeakyReLU": .init(renamed: [("alpha", "negative_slope")]),
    "ELU": .init(
      order: ("name trainable dtype alpha", "name alpha trainable dtype")),

    // Preprocessing
    "CenterCrop": .init(own: [.keras3("data_format", "channels_last", after: "dtype")]),
    "Resizing": .init(own: [
      .keras3("data_format", "channels_last", after: "dtype"),
      .keras3("pad_to_aspect_ratio", false),
      .keras3("fill_mode", "constant", elsewhere: .meaningless),
      .keras3("fill_value", 0.0, elsewhere: .meaningless), .keras3("antialias", false),
    ]),
    "RandomBrightness": .init(own: randomImage),
    "RandomContrast": .init(
      own: randomImage + [.keras3("value_range", [0, 255], elsewhere: .meaningless)]),
    "RandomCrop": .init(own: randomImage),
    "RandomFlip": .init(own: randomImage, order: ("mode seed", "seed mode")),
    "RandomRotation": .init(own: randomImage),
    "RandomTranslation": .init(own: randomImage, order: fillValueOrder),
    "RandomZoom": .init(own: randomImage, order: fillValueOrder),
    "CategoryEncoding": .init(own: [.keras2("sparse", false)]),
    "Discretization": .init(
      own: [.keras2("trainable", true, after: "name", elsewhere: .meaningless)],
      order: (
        "name trainable dtype bin_boundaries num_bins epsilon output_mode sparse",
        "bin_boundaries num_bins epsilon output_mode sparse name dtype"
      )),
    "IntegerLookup": .init(own: lookup),
    "StringLookup": .init(own: lookup),
  ]

  private static let initializers: [String: TranslationRule] = [
    "GlorotUniform": .init(own: scaledAxes), "GlorotNormal": .init(own: scaledAxes),
    "HeUniform": .init(own: scaledAxes), "HeNormal": .init(own: scaledAxes),
    "LecunUniform": .init(own: scaledAxes), "LecunNormal": .init(own: scaledAxes),
    "VarianceScaling": .init(
      own: scaledAxes,
      order: ("scale mode distribution seed", "seed scale mode distribution")),
    "RandomUniform": .init(order: ("minval maxval seed", "seed minval maxval")),
    "RandomNormal": .init(order: ("mean stddev seed", "seed mean stddev")),
    "TruncatedNormal": .init(order: ("mean stddev seed", "seed mean stddev")),
    "Orthogonal": .init(order: ("gain seed", "seed gain")),
    // Keras 3 forgets the gain when it writes, but honours it when it reads.
    "Identity": .init(own: [.keras2("gain", 1.0, elsewhere: .understood)]),
  ]

  // MARK: What several classes share

  private static let seed = OwnOption.keras3("seed", .null, elsewhere: .meaningless)
  private static let implementation = OwnOption.keras2(
    "implementation", 2, elsewhere: .meaningless)
  private static let gatedImplementation = OwnOption.keras2(
    "implementation", 2, after: "recurrent_dropout", elsewhere: .meaningless)
  private static let recurrence: [OwnOption] = [
    .keras2("time_major", false, after: "unroll"),
    // Keras 2 writes it when it is true.
    .keras3("zero_output_for_mask", false, after: "unroll", elsewhere: .understood),
  ]
  private static let depthwise = TranslationRule(
    own: [.keras2("groups", 1)], order: depthwiseOrder)
  private static let depthwiseOrder = (
    keras2: "kernel_size strides padding data_format dilation_rate groups activation use_bias "
      + "bias_initializer bias_regularizer activity_regularizer bias_constraint "
      + "depth_multiplier depthwise_initializer depthwise_regularizer depthwise_constraint",
    keras3: "depth_multiplier kernel_size strides padding data_format dilation_rate activation "
      + "use_bias depthwise_initializer bias_initializer depthwise_regularizer "
      + "bias_regularizer activity_regularizer depthwise_constraint bias_constraint"
  )
  private static let separable = TranslationRule(
    own: [
      .keras2("groups", 1, after: "dilation_rate"),
      // Of the class that it inherits from; a separable convolution has no such kernel.
      .keras2(
        "kernel_initializer", ["class_name": "GlorotUniform", "config": ["seed": .null]],
        after: "use_bias", elsewhere: .meaningless),
      .keras2("kernel_regularizer", .null, after: "bias_initializer", elsewhere: .meaningless),
      .keras2(
        "kernel_constraint", .null, after: "activity_regularizer", elsewhere: .meaningless),
    ], order: separableOrder)
  private static let separableOrder = (
    keras2: "filters kernel_size strides padding data_format dilation_rate groups activation "
      + "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
      + "activity_regularizer kernel_constraint bias_constraint depth_multiplier "
      + "depthwise_initializer pointwise_initializer depthwise_regularizer "
      + "pointwise_regularizer depthwise_constraint pointwise_constraint",
    keras3: "depth_multiplier filters kernel_size strides padding data_format dilation_rate "
      + "activation use_bias depthwise_initializer pointwise_initializer bias_initializer "
      + "depthwise_regularizer pointwise_regularizer bias_regularizer activity_regularizer "
      + "depthwise_constraint pointwise_constraint bias_constraint"
  )
  private static let transposedOrder = (
    keras2: "data_format dilation_rate groups activation use_bias kernel_initializer "
      + "bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
      + "kernel_constraint bias_constraint output_padding",
    keras3: "output_padding data_format dilation_rate activation use_bias kernel_initializer "
      + "bias_initializer kernel_regularizer bias_regularizer activity_regularizer "
      + "kernel_constraint bias_constraint"
  )
  private static let poolingOrder = (
    keras2: "strides pool_size padding", keras3: "pool_size padding strides"
  )
  private static let spatialDropout: [OwnOption] = [
    .keras2("trainable", true, after: "name", elsewhere: .meaningless),
    .keras2("noise_shape", .null, elsewhere: .meaningless),
  ]
  private static let spatialDropoutOrder = (
    keras2: "name trainable dtype rate noise_shape seed",
    keras3: "rate seed name dtype"
  )
  private static let randomImage: [OwnOption] = [
    .keras3("data_format", "channels_last", after: "dtype"),
    .later("rng_type", "stateful", in: [.tfKeras], after: "dtype", elsewhere: .meaningless),
  ]
  private static let fillValueOrder = (
    keras2: "fill_mode fill_value interpolation seed",
    keras3: "fill_mode interpolation seed fill_value"
  )
  private static let lookup: [OwnOption] = [
    .keras3("salt", .null, after: "vocabulary_size"),
    .keras3("oov_method", "floormod", after: "vocabulary_size"),
  ]
  private static let scaledAxes: [OwnOption] = [
    .keras3("input_axes", .null), .keras3("output_axes", .null),
  ]
}
