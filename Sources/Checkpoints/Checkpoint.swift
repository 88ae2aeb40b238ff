public import KerasConfiguration
public import Tensors

/// Everything that a checkpoint holds, tensors included: the value that layouts write and read.
///
/// Copying it moves no bytes.
public struct Checkpoint: Sendable {
  /// The architecture; nil when it came from a file without one. Every layout needs it to be written.
  public var model: ModelConfiguration?
  /// The model's variables, in the model's order.
  public var variables: [Variable]
  /// Loss and metrics, and how the optimizer was configured.
  public var training: TrainingConfiguration?
  public var optimizer: OptimizerState?
  public var resumption: ResumptionRecord?
  /// Variables that are frozen although the architecture does not say so; see
  /// ``CheckpointManifest/frozen``.
  public var frozen: Set<VariableID> = []
  /// Set on the way through a conversion; see ``OriginalWords``.
  public var original: OriginalWords?

  public init(
    model: ModelConfiguration?, variables: [Variable], training: TrainingConfiguration? = nil,
    optimizer: OptimizerState? = nil, resumption: ResumptionRecord? = nil
  ) {
    self.model = model
    self.variables = variables
    self.training = training
    self.optimizer = optimizer
    self.resumption = resumption
  }
}

/// An optimizer as a checkpoint holds it.
public struct OptimizerState: Sendable {
  /// Its arithmetic says which generation's formulas the numbers belong to, whatever the dialect of
  /// the file, and its constant rate is the rate in force.
  public var configuration: OptimizerConfiguration
  /// Updates applied so far.
  public var iterations: Int64
  /// In the order of saving: slot by slot, each over the trainable variables. Empty for an optimizer
  /// that has not been built.
  public var slots: [SlotVariable]
  /// Nil unless Keras 3 scales the loss around this optimizer.
  public var lossScale: LossScaleState?

  public init(
    configuration: OptimizerConfiguration, iterations: Int64, slots: [SlotVariable],
    lossScale: LossScaleState? = nil
  ) {
    self.configuration = configuration
    self.iterations = iterations
    self.slots = slots
    self.lossScale = lossScale
  }
}

/// What Keras 3's LossScaleOptimizer keeps beside the optimizer that it wraps, under the policy
/// mixed_float16. (Keras 2 saves none of it.)
public struct LossScaleState: Sendable, Hashable {
  /// The wrapper's own counter, which Keras never advances.
  public var iterations: Int64
  /// The wrapper's own rate, which Keras does not use.
  public var learningRate: Float
  /// Steps with finite gradients since the scale changed.
  public var stepCounter: Int64
  /// What the loss is multiplied by.
  public var scale: Float

  public init(
    iterations: Int64 = 0, learningRate: Float = 0, stepCounter: Int64, scale: Float
  ) {
    self.iterations = iterations
    self.learningRate = learningRate
    self.stepCounter = stepCounter
    self.scale = scale
  }
}

/// One tensor that an optimizer keeps for one variable.
public struct SlotVariable: Sendable {
  /// `accumulator`, `average`, ...
  public let slot: String
  /// The variable that it belongs to.
  public let owner: VariableID
  public var value: Tensor

  public init(slot: String, owner: VariableID, value: Tensor) {
    self.slot = slot
    self.owner = owner
    self.value = value
  }
}
