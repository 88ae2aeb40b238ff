public import KerasConfiguration
public import Optimizers
public import Tensors

/// Trains a model: how a loss follows from a batch, and a step from the loss. It holds no training
/// state, so one trainer serves any number of runs.
public struct Trainer: Sendable {
  public let model: Model
  public var loss: LossConfiguration
  /// Computed from the outputs of each training step, before it is applied, and in evaluations.
  public var metrics: [MetricConfiguration]
  /// Rows of a step; the last step of an epoch takes what is left.
  public var batchSize: Int
  /// Whether each epoch visits the rows in an order of its own, a function of the state's seed.
  public var shuffles: Bool
  /// When to end a run before its last epoch, if ever.
  public var earlyStopping: EarlyStopping?
  /// Threads for matrix products. Resuming with another number may change the last bits.
  public var threadCount: Int
  /// Where steps that meet a snapshot find memory for their new values, unless the optimizer has buffers of
  /// its own: at most as much as the state takes, from the first such step on. Nil for fresh memory each
  /// time, which takes longer. Copies of the trainer share it.
  public var buffers: StoragePool? = StoragePool()

  public init(
    model: Model, loss: LossConfiguration, metrics: [MetricConfiguration] = [],
    batchSize: Int = 32, shuffles: Bool = true, earlyStopping: EarlyStopping? = nil,
    threadCount: Int = 1
  ) {
    self.model = model
    self.loss = loss
    self.metrics = metrics
    self.batchSize = batchSize
    self.shuffles = shuffles
    self.earlyStopping = earlyStopping
    self.threadCount = threadCount
  }

  /// Checks the options, and that `data` fits the model and the loss, row by row.
  ///
  /// Throws ``TrainingError/invalidOption(name:reason:)`` and what ``Model/checkInputs(_:)`` and
  /// `LossConfiguration.checkLabels(_:rowShape:)` throw.
  public func check(_ data: Dataset) throws(TrainingError) {
    try requirePositive(batchSize, "batch size")
    try requirePositive(threadCount, "thread count")
    try model.checkInputs(data.inputs)
    try loss.checkLabels(
      data.labels, rowShape: try model.outputRowShape(forInputs: data.inputs.shape))
  }
}

extension Trainer {
  /// The names of the values that epochs report, in order: `loss`, the metrics, and the same with `val_`
  /// before them where there are rows for validation.
  public func reportedNames(withValidation: Bool) -> [String] {
    let names = ["loss"] + metrics.map(\.name)
    return withValidation ? names + names.map { "val_\($0)" } : names
  }
}

// MARK: - A step

/// What a batch says about the variables.
public struct StepGradients: Sendable {
  /// The mean loss of the batch.
  public let loss: Float
  /// One per trainable variable, in the model's order.
  public let gradients: [Gradient]
  /// New values of moving statistics.
  public let updates: [VariableUpdate]
  /// The batch's sums for ``RunningMeans``.
  public let sums: [RunningMeans.Sum]
}

extension Trainer {
  /// The loss of a batch and its gradients. Changes nothing.
  ///
  /// The tape lives and dies in here, so that nothing shares the variables when they are written.
  public func gradients(
    of batch: Batch, state: TrainingState
  ) throws(TrainingError) -> StepGradients {
    var tape = GradientTape(threadCount: threadCount)
    var values: [GradientTape.Value] = []
    for (variable, specification) in zip(state.variables, model.variables) {
      values.append(
        specification.isTrainable
          ? tape.variable(variable.value) : tape.constant(variable.value))
    }
    let (output, updates) = try model.forward(
      &tape, batch.inputs, variables: values, pass: .training(stream: state.dropoutStream))
    let float32 = tape.float32(output)
    let mean = tape.loss(loss, of: float32, labels: batch.labels)
    let lossValue = tape[mean].withFloats { $0[0] }
    let sums = sums(loss: lossValue, output: tape[float32], batch: batch)
    return StepGradients(
      loss: lossValue,
      gradients: tape.gradients(
        of: mean, withRespectTo: model.trainableVariables.map { values[$0] },
        scaledBy: Float(state.optimizer.lossScaleFactor ?? 1)),
      updates: updates, sums: sums)
  }

  /// Applies gradients: one iteration of the optimizer, then the moving statistics, the position and the
  /// records. All or nothing.
  ///
  /// No variable is copied unless a snapshot shares it.
  ///
  /// Throws ``TrainingError/lossNotFinite(loss:step:epoch:batch:)`` before anything changes when the loss
  /// is NaN or infinite, and ``TrainingError/optimizer(_:)`` when the optimizer refuses.
  public func apply(
    _ gradients: StepGradients, rowCount: Int, to state: inout TrainingState
  ) throws(TrainingError) {
    guard gradients.loss.isFinite else {
      throw .lossNotFinite(
        loss: gradients.loss, step: state.position.step + 1, epoch: state.position.epoch,
        batch: state.position.batch)
    }
    // Moved out and back, not copied: the optimizer must find each storage held once.
    var trained: [Variable] = []
    trained.reserveCapacity(model.trainableVariables.count)
    let placeholder = Tensor(zeros: [0])
    for index in model.trainableVariables {
      trained.append(state.variables[index])
      state.variables[index].value = placeholder
    }
    defer {
      for (index, variable) in zip(model.trainableVariables, trained) {
        state.variables[index].value = variable.value
      }
    }
    if state.optimizer.buffers == nil { state.optimizer.buffers = buffers }
    do throws(OptimizerError) {
      try state.optimizer.applyGradients(gradients.gradients, to: &trained)
    } catch { throw .optimizer(error) }
    for update in gradients.updates { state.variables[update.index].value = update.value }
    state.position.step += 1
    state.position.batch += 1
    state.running.add(gradients.sums, rowCount: rowCount)
    state.history.losses.append(gradients.loss)
  }

  /// One training step on one batch; returns the batch's loss, taken before the step.
  ///
  /// Throws what ``gradients(of:state:)`` and ``apply(_:rowCount:to:)`` throw; the state is then as it
  /// was.
  @discardableResult
  public func step(
    _ state: inout TrainingState, batch: Batch
  ) throws(TrainingError) -> Float {
    let gradients = try gradients(of: batch, state: state)
    try apply(gradients, rowCount: batch.rowCount, to: &state)
    return gradients.loss
  }

  func sums(loss: Float, output: Tensor, batch: Batch) -> [RunningMeans.Sum] {
    let rows = Double(batch.rowCount)
    return [RunningMeans.Sum(name: "loss", sum: Double(loss) * rows, weight: rows)]
      + metrics.map { metric in
        let total = metric.total(of: output, labels: batch.labels)
        return RunningMeans.Sum(name: metric.name, sum: total.sum, weight: Double(total.count))
      }
  }
}
