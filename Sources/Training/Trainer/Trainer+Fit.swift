internal import Tensors

extension Trainer {
  /// Trains from where `state` stands until `epochs` epochs are done, or ``earlyStopping`` ends the run.
  ///
  /// A run that was stopped anywhere and goes on from a copy of its state, or from a file, ends with the
  /// same bits as one that was not. Batches are taken as Keras takes them: the last one of an epoch may be
  /// smaller and is used.
  ///
  /// - Parameters:
  ///   - data: the training rows.
  ///   - validation: evaluated at the end of each epoch; reported under `val_` names.
  ///   - epochs: the run's whole number of epochs, those already done included.
  ///   - state: stands between two steps whenever the handler is called and when this returns or throws.
  ///   - onEvent: called after the state has changed, with the state to save if it wants to. Keeping a
  ///     copy is free, but while it lives the next step writes beside it instead of over it.
  ///
  /// Throws, before the first step, what ``check(_:)`` and ``Model/check(_:)`` throw,
  /// ``TrainingError/invalidOption(name:reason:)`` when early stopping monitors what is not reported, and
  /// ``TrainingError/stateMismatch(_:)`` when the state's position is not one of this data and batch size;
  /// in a step what ``step(_:batch:)`` throws; ``TrainingError/eventHandler(_:)`` when the handler throws.
  @discardableResult
  public func fit(
    _ data: Dataset, validation: Dataset? = nil, epochs: Int, state: inout TrainingState,
    onEvent: (TrainingEvent, TrainingState) throws -> FitAction = { _, _ in .proceed }
  ) throws(TrainingError) -> FitOutcome {
    try check(data)
    if let validation { try check(validation) }
    try model.check(state.variables)
    let batchCount = (data.rowCount + batchSize - 1) / batchSize
    try checkPosition(of: state, data: data, batchCount: batchCount)
    try earlyStopping?.check(reported: reportedNames(withValidation: validation != nil))

    while state.position.epoch < epochs {
      if earlyStopping != nil, state.stopping.stoppedEpoch != nil { return .stoppedEarly }
      let epoch = state.position.epoch
      let began = TrainingEvent.epochBegan(
        epoch: epoch, epochCount: epochs, firstBatch: state.position.batch,
        batchCount: batchCount)
      if try action(onEvent, began, state) == .stop { return .stopped }

      let order = state.order(ofRows: data.rowCount, shuffled: shuffles)
      while state.position.batch < batchCount {
        let batch = state.position.batch
        let rows = order[batch * batchSize..<min((batch + 1) * batchSize, data.rowCount)]
        let loss = try step(&state, batch: data.batch(at: rows))
        let ended = TrainingEvent.Step(
          step: state.position.step, epoch: epoch, batch: batch, batchCount: batchCount,
          loss: loss, means: state.running.values)
        if try action(onEvent, .stepEnded(ended), state) == .stop { return .stopped }
      }

      var values = state.running.values
      if let validation {
        let means = try evaluate(validation, variables: state.variables) {
          batch, batchCount throws(TrainingError) in
          let ended = TrainingEvent.validationBatchEnded(
            epoch: epoch, batch: batch, batchCount: batchCount)
          return try action(onEvent, ended, state)
        }
        guard let means else { return .stopped }
        values += means.map { NamedValue("val_\($0.name)", $0.value) }
      }
      state.history.epochs.append(
        TrainingHistory.Epoch(stepCount: state.history.losses.count, values: values))
      if let earlyStopping,
        let value = values.first(where: { $0.name == earlyStopping.monitor })?.value
      {
        earlyStopping.record(
          epoch: epoch, value: value, weights: state.variables.map(\.value), in: &state.stopping)
      }
      state.running = RunningMeans()
      state.position.epoch += 1
      state.position.batch = 0
      let ended = TrainingEvent.epochEnded(epoch: epoch, epochCount: epochs, values: values)
      if try action(onEvent, ended, state) == .stop { return .stopped }
    }
    return earlyStopping != nil && state.stopping.stoppedEpoch != nil ? .stoppedEarly : .finished
  }

  private func action(
    _ handler: (TrainingEvent, TrainingState) throws -> FitAction, _ event: TrainingEvent,
    _ state: TrainingState
  ) throws(TrainingError) -> FitAction {
    do { return try handler(event, state) } catch { throw .eventHandler(error) }
  }

  private func checkPosition(
    of state: TrainingState, data: Dataset, batchCount: Int
  ) throws(TrainingError) {
    let position = state.position
    guard position.epoch >= 0, position.batch >= 0, position.batch <= batchCount,
      state.running.rowCount == min(position.batch * batchSize, data.rowCount)
    else {
      throw .stateMismatch(
        "it stands at batch \(position.batch) of epoch \(position.epoch + 1), after "
          + "\(state.running.rowCount) rows; \(data.rowCount) rows in batches of \(batchSize) "
          + "have no such place")
    }
  }
}
