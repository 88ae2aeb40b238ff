internal import KerasConfiguration
public import Tensors

/// How a model is being run.
public enum ForwardPass: Sendable {
  /// Without dropout, by the moving statistics.
  case inference
  /// `stream` is the step's own: see ``TrainingState/dropoutStream``. `firstRow` is the place of the
  /// first row in the step's whole batch, not 0 only where several share it.
  case training(stream: RandomStream, firstRow: Int = 0)
}

/// A new value of a variable that is changed without gradients.
public struct VariableUpdate: Sendable {
  /// The variable's place in the model.
  public let index: Int
  public let value: Tensor
}

extension Model {
  /// Runs every layer on a batch.
  ///
  /// - Parameters:
  ///   - tape: gets every operator of the pass.
  ///   - input: the batch, shape as ``inputShape``; any number type.
  ///   - variables: the model's, all of them, in its order, on this tape.
  ///
  /// Returns the output, and what training changes in moving statistics. Throws
  /// ``TrainingError/shapeMismatch(_:expected:found:)`` or ``TrainingError/idOutOfRange(layer:row:value:rowCount:)``. Traps unless
  /// there is one value per variable.
  public func forward(
    _ tape: inout GradientTape, _ input: Tensor, variables: [GradientTape.Value],
    pass: ForwardPass = .inference
  ) throws(TrainingError) -> (output: GradientTape.Value, updates: [VariableUpdate]) {
    precondition(
      variables.count == self.variables.count,
      "\(variables.count) variables for a model of \(self.variables.count)")
    try checkShape(ofInputs: input)
    var values = [tape.constant(input)]
    var updates: [VariableUpdate] = []
    for call in calls {
      let layer = layers[call.layer]
      let output = try layer.operation.forward(
        &tape, values[call.input], variables: Array(variables[layer.variables]),
        pass: pass.pass(for: layer))
      values.append(output.value)
      for update in output.updates {
        updates.append(
          VariableUpdate(index: layer.variables.lowerBound + update.index, value: update.value))
      }
    }
    return (values[values.count - 1], updates)
  }

  /// The outputs for `inputs`, computed `batchSize` rows at a time; float32.
  ///
  /// Throws what ``checkInputs(_:)`` and ``check(_:)`` throw, and ``TrainingError/invalidOption(name:reason:)``
  /// for a batch size or thread count below 1.
  public func predict(
    _ inputs: Tensor, variables: [Variable], batchSize: Int = 32, threadCount: Int = 1
  ) throws(TrainingError) -> Tensor {
    try requirePositive(batchSize, "batch size")
    try requirePositive(threadCount, "thread count")
    try checkInputs(inputs)
    try check(variables)
    var batches: [Tensor] = []
    for start in stride(from: 0, to: inputs.shape[0], by: batchSize) {
      let rows = start..<min(start + batchSize, inputs.shape[0])
      var tape = GradientTape(isRecording: false, threadCount: threadCount)
      var values: [GradientTape.Value] = []
      for variable in variables { values.append(tape.constant(variable.value)) }
      let (output, _) = try forward(&tape, inputs.rows(rows), variables: values)
      let float32 = tape.float32(output)
      batches.append(tape[float32])
    }
    return Tensor(concatenatingRows: batches)
  }
}

extension ForwardPass {
  /// What it means for one layer: a frozen one keeps its statistics, though a Dropout goes on
  /// dropping, as in Keras.
  fileprivate func pass(for layer: Layer) -> LayerPass {
    guard case .training(let stream, let firstRow) = self else { return .inference }
    if !layer.isTrainable, case .batchNormalization = layer.configuration.kind {
      return .inference
    }
    return .training(
      stream: stream.substream(named: layer.path.description), firstRow: firstRow)
  }
}
