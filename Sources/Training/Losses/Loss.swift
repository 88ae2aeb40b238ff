/// What training makes small: the mean over a batch of a loss per row, as in Keras.
///
/// A row is everything under the last axis of the model's output; the mean is over all rows of the
/// batch (`sum_over_batch_size`). When the output is a softmax or a sigmoid, the cross-entropies are
/// computed from what that activation was given, as Keras does on TensorFlow: exact where the
/// probability is rounded to 0 or 1. (Keras looks only at whether such an activation came last, not at
/// which; so does this.) Other outputs are taken as probabilities, clipped to 1e-7...1 - 1e-7, or as
/// logits if `fromLogits`.
public enum Loss: Sendable, Hashable {
  /// Labels are class indices: `-log softmax(x)[label]`.
  case sparseCategoricalCrossEntropy(fromLogits: Bool = false)
  /// Labels are distributions over the classes: `-Σ label log softmax(x)`.
  case categoricalCrossEntropy(fromLogits: Bool = false)
  /// Labels are 0 or 1, or between: `-(label log p + (1 - label) log(1 - p))`, the mean over the last
  /// axis.
  case binaryCrossEntropy(fromLogits: Bool = false)
  /// `(y - label)²`, the mean over the last axis.
  case meanSquaredError

  /// Keras's name of the loss function.
  public var name: String {
    switch self {
    case .sparseCategoricalCrossEntropy: "sparse_categorical_crossentropy"
    case .categoricalCrossEntropy: "categorical_crossentropy"
    case .binaryCrossEntropy: "binary_crossentropy"
    case .meanSquaredError: "mean_squared_error"
    }
  }

  /// The loss of Keras's name: that of the function, its short alias (`mse`, `bce`) or its class.
  ///
  /// Throws ``TrainingError/unsupportedLoss(_:)`` for others.
  public init(name: String, fromLogits: Bool = false) throws(TrainingError) {
    switch name {
    case "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy":
      self = .sparseCategoricalCrossEntropy(fromLogits: fromLogits)
    case "categorical_crossentropy", "CategoricalCrossentropy":
      self = .categoricalCrossEntropy(fromLogits: fromLogits)
    case "binary_crossentropy", "bce", "BCE", "BinaryCrossentropy":
      self = .binaryCrossEntropy(fromLogits: fromLogits)
    case "mean_squared_error", "mse", "MSE", "MeanSquaredError": self = .meanSquaredError
    default: throw .unsupportedLoss(name)
    }
  }

  /// The least probability whose logarithm is taken: Keras's `epsilon()`.
  static let probabilityFloor: Float = 1e-7
}
