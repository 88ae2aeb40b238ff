/// What happens in ``Trainer/fit(_:validation:epochs:state:onEvent:)``. Epochs and batches count from 0, steps from 1.
public enum TrainingEvent: Sendable, Hashable {
  /// An epoch begins, or goes on at `firstBatch` after a resumption.
  case epochBegan(epoch: Int, epochCount: Int, firstBatch: Int, batchCount: Int)
  /// A step was applied.
  case stepEnded(Step)
  /// A batch of the validation at an epoch's end was evaluated; the state stands where the epoch's last step
  /// left it, and a run that goes on from there validates anew.
  case validationBatchEnded(epoch: Int, batch: Int, batchCount: Int)
  /// An epoch's steps and its validation are done; the state stands at the start of the next.
  case epochEnded(epoch: Int, epochCount: Int, values: [NamedValue])

  public struct Step: Sendable, Hashable {
    /// Steps taken since the run began, this one included.
    public let step: Int64
    public let epoch: Int
    /// The step's place in its epoch.
    public let batch: Int
    public let batchCount: Int
    /// The batch's loss, taken before the step.
    public let loss: Float
    /// The epoch's means so far: `loss`, then the metrics.
    public let means: [NamedValue]
  }
}

/// What the handler of an event wants next.
public enum FitAction: Sendable, Hashable {
  case proceed
  /// Return from `fit` now; the state is whole, and `fit` can go on from it later.
  case stop
}

/// How `fit` came to its end.
public enum FitOutcome: Sendable, Hashable {
  /// All epochs are done.
  case finished
  /// ``EarlyStopping`` ended the run.
  case stoppedEarly
  /// The handler asked to stop.
  case stopped
}
