internal import KerasConfiguration
internal import Tensors

/// What a layer of one class does: the variables that it wants, and its forward pass, whose pullbacks
/// the tape's operators bring along.
///
/// An operation holds options and shapes, no numbers: its variables come with each call.
protocol LayerOperation: Sendable {
  /// The variables, in the order in which Keras creates them.
  var variables: [LayerVariable] { get }

  /// The output for a batch of inputs whose shape has passed the layer's check.
  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput
}

extension LayerOperation {
  var variables: [LayerVariable] { [] }
}

/// A variable that a layer wants.
struct LayerVariable: Sendable {
  let name: String
  let shape: Shape
  let initializer: InitializerConfiguration
  /// False for what training changes without gradients, such as moving statistics.
  var isTrainable = true
}

/// How a layer is being run.
enum LayerPass {
  case inference
  /// `stream` is this layer's own at this step; `firstRow` is the place in the step's whole batch of
  /// the first row given.
  case training(stream: RandomStream, firstRow: Int)
}

struct LayerOutput {
  var value: GradientTape.Value
  /// New values of variables that are not trained by gradients, by their index in the layer.
  var updates: [(index: Int, value: Tensor)] = []
}

extension LayerConfiguration {
  /// What this layer does with batches of `inputShape`, whose extents are nil where any will do.
  ///
  /// Throws ``TrainingError/invalidLayer(name:reason:)`` for options that this input does not allow.
  func operation(
    inputShape: [Int?], dialect: Dialect
  ) throws(TrainingError) -> any LayerOperation {
    switch kind {
    case .input, .activation(.linear): return IdentityOperation()
    case .dense(let options):
      return DenseOperation(options, features: try featureCount(inputShape))
    case .activation(let function): return ActivationOperation(function: function)
    case .relu(let options): return RectifierOperation(options)
    case .softmax(let axis):
      try requireLastAxis(axis, of: inputShape)
      return ActivationOperation(function: .softmax)
    case .flatten: return FlattenOperation()
    case .dropout(let options):
      // Keras 2 refuses a rate of 1, Keras 3 drops everything.
      return DropoutOperation(options)
    case .batchNormalization(let options):
      try requireLastAxis(options.axis, of: inputShape)
      return BatchNormalizationOperation(
        options, features: try featureCount(inputShape),
        usesSampleVariance: dialect != .keras3 && inputShape.count == 4)
    case .embedding(let options): return EmbeddingOperation(options, layer: name)
    case .globalAveragePooling1D(let keepsDimensions):
      return GlobalAveragePoolingOperation(keepsDimensions: keepsDimensions)
    }
  }

  private func requireLastAxis(_ axis: Int, of shape: [Int?]) throws(TrainingError) {
    guard axis == -1 || axis == shape.count - 1 else {
      throw .invalidLayer(
        name: name,
        reason: "axis \(axis) of inputs with \(shape.count) axes is not the last one")
    }
  }

  private func featureCount(_ shape: [Int?]) throws(TrainingError) -> Int {
    guard let extent = shape.last ?? nil else {
      throw .invalidLayer(name: name, reason: "the number of features that it gets is unknown")
    }
    return extent
  }
}
