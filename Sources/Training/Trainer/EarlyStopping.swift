public import Checkpoints
public import Tensors

/// Ends a run when a value that epochs report no longer improves: Keras's callback of this name, with its
/// rules (`keras-team/keras keras/src/callbacks/early_stopping.py`, 3.15).
///
/// An epoch improves when its value is better than the best so far by more than ``minimumChange``; the
/// first one always does. After ``patience`` epochs without improvement the run ends. With a ``baseline``
/// the count begins anew only when the value is also better than that.
public struct EarlyStopping: Sendable, Hashable {
  /// A name that epochs report, such as `val_loss`.
  public var monitor: String
  /// A smaller change is no improvement; not negative.
  public var minimumChange: Double
  /// Epochs without improvement after which the run ends.
  public var patience: Int
  public var direction: MetricDirection
  public var baseline: Double?
  /// The first epoch, counted from 0, whose value counts.
  public var startFromEpoch: Int
  /// Whether the state remembers the weights of the best epoch, see ``TrainingState/bestVariables``. Keras
  /// puts them in the place of the live ones at the end; here the live ones stay.
  public var keepsBestWeights: Bool

  /// `direction` is what is usual for the monitored value by default.
  public init(
    monitor: String = "val_loss", minimumChange: Double = 0, patience: Int = 0,
    direction: MetricDirection? = nil, baseline: Double? = nil, startFromEpoch: Int = 0,
    keepsBestWeights: Bool = false
  ) {
    self.monitor = monitor
    self.minimumChange = minimumChange
    self.patience = patience
    self.direction = direction ?? .usual(for: monitor)
    self.baseline = baseline
    self.startFromEpoch = startFromEpoch
    self.keepsBestWeights = keepsBestWeights
  }

  /// How far an early stop has come: part of the training state.
  public struct Progress: Sendable {
    /// The best value so far; nil before the first that counts.
    public var best: Double?
    /// The epoch of ``best``, counted from 0.
    public var bestEpoch: Int?
    /// Epochs since the last improvement.
    public var waitedEpochs: Int
    /// The epoch after which the run ended, counted from 0; nil while it goes on.
    public var stoppedEpoch: Int?
    /// The weights of the best epoch, in the model's order, where they are kept.
    public var bestWeights: [Tensor]?

    public init(
      best: Double? = nil, bestEpoch: Int? = nil, waitedEpochs: Int = 0, stoppedEpoch: Int? = nil,
      bestWeights: [Tensor]? = nil
    ) {
      self.best = best
      self.bestEpoch = bestEpoch
      self.waitedEpochs = waitedEpochs
      self.stoppedEpoch = stoppedEpoch
      self.bestWeights = bestWeights
    }
  }
}

// MARK: - The rule

extension EarlyStopping {
  /// Takes note of an epoch that has ended. `weights` are copied by reference: no bytes move.
  func record(
    epoch: Int, value: Double, weights: @autoclosure () -> [Tensor], in progress: inout Progress
  ) {
    guard epoch >= startFromEpoch else { return }
    if keepsBestWeights, progress.bestWeights == nil { progress.bestWeights = weights() }
    progress.waitedEpochs += 1
    if improves(value, on: progress.best) {
      progress.best = value
      progress.bestEpoch = epoch
      if keepsBestWeights { progress.bestWeights = weights() }
      if baseline.map({ improves(value, on: $0) }) ?? true { progress.waitedEpochs = 0 }
    } else if progress.waitedEpochs >= patience, epoch > 0 {
      progress.stoppedEpoch = epoch
    }
  }

  private func improves(_ value: Double, on other: Double?) -> Bool {
    other.map { direction.isBetter(value, than: $0, by: minimumChange) } ?? true
  }

  /// Throws ``TrainingError/invalidOption(name:reason:)`` unless the options are in range and `names`,
  /// what epochs report, has the monitored one.
  func check(reported names: [String]) throws(TrainingError) {
    guard minimumChange >= 0, patience >= 0, startFromEpoch >= 0, baseline?.isNaN != true else {
      throw .invalidOption(
        name: "early stopping",
        reason: "expected a change, a patience and a first epoch of at least 0, found "
          + "\(minimumChange), \(patience) and \(startFromEpoch)")
    }
    guard names.contains(monitor) else {
      throw .invalidOption(
        name: "early stopping",
        reason: "expected one of \(names.joined(separator: ", ")), which epochs report, "
          + "found \(monitor)")
    }
  }
}
