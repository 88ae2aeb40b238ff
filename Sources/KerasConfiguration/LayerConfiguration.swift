public import Tensors

/// A layer that Cairn can train, with the options that Keras gives it.
///
/// ``LayerEntry`` is what a file holds, of any class; it decodes to this.
public struct LayerConfiguration: Sendable, Hashable {
  /// Keras's name of the layer, unique within its model.
  public var name: String
  /// False for a frozen layer: its variables get no slots and no updates.
  public var isTrainable: Bool
  /// The class and its options.
  public var kind: Kind

  public init(name: String, isTrainable: Bool = true, _ kind: Kind) {
    self.name = name
    self.isTrainable = isTrainable
    self.kind = kind
  }

  public enum Kind: Sendable, Hashable {
    case input(Input)
    case dense(Dense)
    case activation(ActivationFunction)
    case relu(ReLU)
    /// Over one axis, negative from the end.
    case softmax(axis: Int = -1)
    case flatten
    case dropout(Dropout)
    case batchNormalization(BatchNormalization)
    case embedding(Embedding)
    /// The mean over the axis of steps: `(batch, steps, features)` to `(batch, features)`, or to
    /// `(batch, 1, features)` when dimensions are kept.
    case globalAveragePooling1D(keepsDimensions: Bool = false)
  }

  /// The model's input. `batchShape` starts with the batch's extent; nil is any.
  public struct Input: Sendable, Hashable {
    /// The extents, batch first; nil is any.
    public var batchShape: [Int?]
    /// The dtype of the input; integers for an Embedding.
    public var dtype: DType

    public init(batchShape: [Int?], dtype: DType = .float32) {
      self.batchShape = batchShape
      self.dtype = dtype
    }
  }

  /// `activation(x kernel + bias)`; kernel `(features, units)`, bias `(units)`.
  public struct Dense: Sendable, Hashable {
    /// The extent of the output, at least 1.
    public var units: Int
    /// Applied to the output.
    public var activation: ActivationFunction
    /// Whether there is a `bias`.
    public var usesBias: Bool
    /// First values of `kernel`.
    public var kernelInitializer: InitializerConfiguration
    /// First values of `bias`.
    public var biasInitializer: InitializerConfiguration

    public init(
      units: Int, activation: ActivationFunction = .linear, usesBias: Bool = true,
      kernelInitializer: InitializerConfiguration = .init(.glorotUniform),
      biasInitializer: InitializerConfiguration = .init(.zeros)
    ) {
      self.units = units
      self.activation = activation
      self.usesBias = usesBias
      self.kernelInitializer = kernelInitializer
      self.biasInitializer = biasInitializer
    }
  }

  /// `min(x, maximum)` from `threshold` on, `slope * (x - threshold)` below it.
  public struct ReLU: Sendable, Hashable {
    /// The greatest output; nil is unlimited.
    public var maximum: Double?
    /// The slope below the threshold.
    public var negativeSlope: Double
    /// Where the identity begins.
    public var threshold: Double

    public init(maximum: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0) {
      self.maximum = maximum
      self.negativeSlope = negativeSlope
      self.threshold = threshold
    }
  }

  /// `rate` is the share of elements dropped, 0 to 1.
  public struct Dropout: Sendable, Hashable {
    /// The share dropped, 0 to 1.
    public var rate: Double
    /// Keras's seed; kept so that it is written back.
    public var seed: Int?

    public init(rate: Double, seed: Int? = nil) {
      self.rate = rate
      self.seed = seed
    }
  }

  /// Variables of the extent of `axis`: gamma if scaled, beta if centred, then the moving mean and
  /// variance, which training updates by `momentum` and no optimizer touches.
  public struct BatchNormalization: Sendable, Hashable {
    /// The axis of the features, negative from the end.
    public var axis: Int
    /// The share of the old moving statistics, 0 to 1.
    public var momentum: Double
    /// Added to the variance inside the root.
    public var epsilon: Double
    /// Whether there is a `beta`.
    public var isCentered: Bool
    /// Whether there is a `gamma`.
    public var isScaled: Bool
    /// First values of `beta`.
    public var betaInitializer: InitializerConfiguration
    /// First values of `gamma`.
    public var gammaInitializer: InitializerConfiguration
    /// First values of `moving_mean`.
    public var movingMeanInitializer: InitializerConfiguration
    /// First values of `moving_variance`.
    public var movingVarianceInitializer: InitializerConfiguration

    public init(
      axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 0.001, isCentered: Bool = true,
      isScaled: Bool = true, betaInitializer: InitializerConfiguration = .init(.zeros),
      gammaInitializer: InitializerConfiguration = .init(.ones),
      movingMeanInitializer: InitializerConfiguration = .init(.zeros),
      movingVarianceInitializer: InitializerConfiguration = .init(.ones)
    ) {
      self.axis = axis
      self.momentum = momentum
      self.epsilon = epsilon
      self.isCentered = isCentered
      self.isScaled = isScaled
      self.betaInitializer = betaInitializer
      self.gammaInitializer = gammaInitializer
      self.movingMeanInitializer = movingMeanInitializer
      self.movingVarianceInitializer = movingVarianceInitializer
    }
  }

  /// One row of `embeddings` `(inputDimension, outputDimension)` for each integer of the input.
  public struct Embedding: Sendable, Hashable {
    /// The number of rows, at least 1.
    public var inputDimension: Int
    /// The extent of a row, at least 1.
    public var outputDimension: Int
    /// First values of `embeddings`.
    public var embeddingsInitializer: InitializerConfiguration
    /// Keras 2's promise of the number of steps; Keras 3 has none.
    public var inputLength: Int?

    public init(
      inputDimension: Int, outputDimension: Int,
      embeddingsInitializer: InitializerConfiguration = .init(.randomUniform()),
      inputLength: Int? = nil
    ) {
      self.inputDimension = inputDimension
      self.outputDimension = outputDimension
      self.embeddingsInitializer = embeddingsInitializer
      self.inputLength = inputLength
    }
  }

  /// Keras's class name.
  public var className: String {
    switch kind {
    case .input: "InputLayer"
    case .dense: "Dense"
    case .activation: "Activation"
    case .relu: "ReLU"
    case .softmax: "Softmax"
    case .flatten: "Flatten"
    case .dropout: "Dropout"
    case .batchNormalization: "BatchNormalization"
    case .embedding: "Embedding"
    case .globalAveragePooling1D: "GlobalAveragePooling1D"
    }
  }

  /// The classes that can be trained.
  public static let classNames = [
    "InputLayer", "Dense", "Activation", "ReLU", "Softmax", "Flatten", "Dropout",
    "BatchNormalization", "Embedding", "GlobalAveragePooling1D",
  ]
}
