/// Which layer classes there are, and what sets some of them apart when they are written.
enum LayerClasses {
  /// Whether Keras of this dialect exports the class.
  static func exists(_ name: String, in dialect: Dialect) -> Bool {
    if everywhere.contains(name) { return true }
    switch dialect {
    case .keras2: return keras2Only.contains(name)
    case .tfKeras: return keras2Only.contains(name) || name == "SpectralNormalization"
    case .keras3: return keras3Only.contains(name) || name == "SpectralNormalization"
    }
  }

  /// Whether any Keras has a layer, a model or an operation of this name.
  static func isOfKeras(_ name: String) -> Bool {
    Dialect.allCases.contains { exists(name, in: $0) } || operations.contains(name)
      || ModelConfiguration.modelClassNames.contains(name)
  }

  /// What stands among the layers of a model and holds code or calls.
  private static let operations = names(
    "Lambda TFOpLambda SlicingOpLambda ClassMethod InstanceMethod InstanceProperty TensorFlowOpLayer"
  )

  private static func names(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: \.isWhitespace).map { String($0) })
  }

  /// In Keras 2.12, tf_keras 2.21 and Keras 3.15. `Lambda` is left out: what it computes is code.
  private static let everywhere = names(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
    CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense
    DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU
    GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum
    MultiHeadAttention Multiply Normalization PReLU Permute RNN RandomBrightness RandomContrast
    RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling
    Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D StackedRNNCells StringLookup Subtract
    TextVectorization TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """)

  private static let keras2Only = names(
    """
    DenseFeatures LocallyConnected1D LocallyConnected2D RandomHeight RandomWidth
    SyncBatchNormalization ThresholdedReLU
    """)

  private static let keras3Only = names(
    """
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D AugMix AutoContrast CutMix
    Equalization GroupQueryAttention MaxNumBoundingBoxes MelSpectrogram MixUp Pipeline
    RMSNormalization RandAugment RandomColorDegeneration RandomColorJitter RandomElasticTransform
    RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomSaturation RandomSharpness RandomShear ReversibleEmbedding
    STFTSpectrogram Solarization
    """)

  /// The classes whose shape Keras 3 does not record, since they build nothing.
  static let withoutBuild = names(
    """
    Activation ActivityRegularization AlphaDropout AveragePooling1D AveragePooling2D
    AveragePooling3D Dropout ELU GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D Identity LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D ReLU Reshape
    Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D UnitNormalization
    """)

  /// The classes that answer with indices unless told otherwise.
  static let indexing = names("Discretization IntegerLookup StringLookup")

  /// The classes whose dtype Keras 3 writes as a name and not as a policy.
  static let withPlainDtype = names(
    "Discretization InputLayer SpatialDropout1D SpatialDropout2D SpatialDropout3D")
}

extension LayerClasses {
  /// The classes whose output has the shape of their input.
  static let keepingShape = names(
    """
    Activation ActivityRegularization AlphaDropout BatchNormalization Dropout ELU GaussianDropout
    GaussianNoise GroupNormalization Identity IntegerLookup LayerNormalization LeakyReLU Masking
    Normalization PReLU RandomBrightness RandomContrast RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU Rescaling RMSNormalization Softmax SpatialDropout1D
    SpatialDropout2D SpatialDropout3D StringLookup SyncBatchNormalization ThresholdedReLU
    UnitNormalization Discretization Hashing
    """)
}
