/// What a run has recorded: the loss of every step and the values of every whole epoch.
public struct TrainingHistory: Sendable, Hashable {
  /// The loss of each step, taken before the step was applied. Element i is that of step i + 1 of the
  /// run.
  public var losses: [Float]
  /// The epochs that were completed, in order.
  public var epochs: [Epoch]

  public init(losses: [Float] = [], epochs: [Epoch] = []) {
    self.losses = losses
    self.epochs = epochs
  }

  /// A completed epoch.
  public struct Epoch: Sendable, Hashable {
    /// How many steps the run had taken when it ended.
    public var stepCount: Int
    /// In the order of reporting: `loss`, the metrics, then `val_loss` and so on.
    public var values: [NamedValue]

    public init(stepCount: Int, values: [NamedValue]) {
      self.stepCount = stepCount
      self.values = values
    }
  }

  /// The epoch, counted from 0, in which step i + 1 was taken. O(log epochs).
  public func epoch(ofStepAt index: Int) -> Int {
    var (low, high) = (0, epochs.count)
    while low < high {
      let middle = (low + high) / 2
      if epochs[middle].stepCount > index { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// A reported number, such as `val_accuracy`.
public struct NamedValue: Sendable, Hashable {
  public var name: String
  public var value: Double

  public init(_ name: String, _ value: Double) {
    self.name = name
    self.value = value
  }
}

/// Sums over rows, from which the running means of an epoch follow. Part of the training state, so that
/// an epoch that was interrupted reports what it would have reported.
public struct RunningMeans: Sendable, Hashable {
  /// Rows seen since the epoch began.
  public var rowCount: Int
  /// By name, in the order of reporting; `loss` first.
  public var sums: [Sum]

  public init(rowCount: Int = 0, sums: [Sum] = []) {
    self.rowCount = rowCount
    self.sums = sums
  }

  /// The sum of one value, and the weight (rows, or steps of sequences) that it is divided by.
  public struct Sum: Sendable, Hashable {
    public var name: String
    public var sum: Double
    public var weight: Double

    public init(name: String, sum: Double, weight: Double) {
      self.name = name
      self.sum = sum
      self.weight = weight
    }
  }

  /// The means so far. Empty before the first batch.
  public var values: [NamedValue] { sums.map { NamedValue($0.name, $0.sum / $0.weight) } }

  /// Adds a batch's values, whose names must be the same, in the same order, all epoch long.
  mutating func add(_ batch: [Sum], rowCount: Int) {
    self.rowCount += rowCount
    if sums.map(\.name) != batch.map(\.name) {
      sums = batch
      return
    }
    for (index, value) in batch.enumerated() {
      sums[index].sum += value.sum
      sums[index].weight += value.weight
    }
  }
}
