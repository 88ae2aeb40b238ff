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
  /// Which copy of the weights ``variables`` are.
  public var weights: WeightsCopy
  /// Variables that are frozen although the architecture does not say so; see
  /// ``CheckpointManifest/frozen``.
  public var frozen: Set<VariableID> = []
  /// Set on the way through a conversion; see ``OriginalWords``.
  public var original: OriginalWords?

  public init(
    model: ModelConfiguration?, variables: [Variable], training: TrainingConfiguration? = nil,
    optimizer: OptimizerState? = nil, resumption: ResumptionRecord? = nil,
    weights: WeightsCopy = .live
  ) {
    self.model = model
    self.variables = variables
    self.training = training
    self.optimizer = optimizer
    self.resumption = resumption
    self.weights = weights
  }
}

/// Which copy of a model's weights its variables are, where a training keeps several.
public enum WeightsCopy: String, Sendable, Hashable, CaseIterable {
  /// Those that training changes.
  case live
  /// The optimizer's moving averages.
  case average
  /// Those of the epoch with the best value of a metric.
  case best
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
  /// Nil unless the loss is scaled around this optimizer.
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
/// mixed_float16. Keras 2 saves none of it: whatever it was, a file of Keras 2 starts anew.
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

  /// As it is before the first step.
  public init(startingAs scaling: LossScaling) {
    self.init(stepCounter: 0, scale: Float(scaling.initialScale))
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
