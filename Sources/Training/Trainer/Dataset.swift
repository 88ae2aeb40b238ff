public import Tensors

/// Inputs and labels in memory, row by row.
public struct Dataset: Sendable {
  /// The tensors that the rows are taken from.
  public let inputs: Tensor
  public let labels: Tensor
  /// Which of their rows these are.
  public let rows: Range<Int>

  /// All rows of two tensors.
  ///
  /// Throws ``TrainingError/countMismatch(inputs:labels:)`` or, when there is no row or no first axis,
  /// ``TrainingError/noData(_:)``.
  public init(inputs: Tensor, labels: Tensor) throws(TrainingError) {
    guard inputs.shape.rank >= 1, labels.shape.rank >= 1 else {
      throw .noData("by rows in x of shape \(inputs.shape) and y of shape \(labels.shape)")
    }
    guard inputs.shape[0] == labels.shape[0] else {
      throw .countMismatch(inputs: inputs.shape[0], labels: labels.shape[0])
    }
    guard inputs.shape[0] > 0 else { throw .noData("in x of shape \(inputs.shape)") }
    self.init(inputs: inputs, labels: labels, rows: 0..<inputs.shape[0])
  }

  private init(inputs: Tensor, labels: Tensor, rows: Range<Int>) {
    self.inputs = inputs
    self.labels = labels
    self.rows = rows
  }

  public var rowCount: Int { rows.count }

  /// The rows before `⌊rowCount (1 - fraction)⌋`, and those from there on: Keras's `validation_split`
  /// keeps the tail, before any shuffling. No bytes move.
  ///
  /// Throws ``TrainingError/invalidOption(name:reason:)`` when `fraction` is not in 0..<1, and
  /// ``TrainingError/noData(_:)`` when either part would be empty.
  public func split(
    validationFraction fraction: Double
  ) throws(TrainingError) -> (training: Dataset, validation: Dataset) {
    guard fraction > 0, fraction < 1 else {
      throw .invalidOption(
        name: "validation split", reason: "\(fraction) is not between 0 and 1")
    }
    let count = Int((Double(rowCount) * (1 - fraction)).rounded(.down))
    guard count > 0, count < rowCount else {
      throw .noData(
        "in one part of \(rowCount) rows of which \(fraction) are kept for validation")
    }
    let middle = rows.lowerBound + count
    return (
      Dataset(inputs: inputs, labels: labels, rows: rows.lowerBound..<middle),
      Dataset(inputs: inputs, labels: labels, rows: middle..<rows.upperBound)
    )
  }

  /// The rows `positions`, counted from this set's first, in that order.
  func batch(at positions: some Collection<Int>) -> Batch {
    let indices = positions.map { rows.lowerBound + $0 }
    return Batch(inputs: inputs.rows(at: indices), labels: labels.rows(at: indices))
  }
}

/// The rows of one step.
public struct Batch: Sendable {
  public let inputs: Tensor
  public let labels: Tensor

  /// Traps unless both have the same number of rows, at least one.
  public init(inputs: Tensor, labels: Tensor) {
    precondition(
      inputs.shape.rank >= 1 && labels.shape.rank >= 1 && inputs.shape[0] == labels.shape[0]
        && inputs.shape[0] > 0,
      "a batch of inputs \(inputs.shape) and labels \(labels.shape)")
    self.inputs = inputs
    self.labels = labels
  }

  public var rowCount: Int { inputs.shape[0] }
}
