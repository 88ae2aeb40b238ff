public import KerasConfiguration
public import Optimizers
public import Tensors

/// Why a model cannot be built or a step cannot be taken. Whatever is thrown, the state that was passed
/// in is as it was after the last whole step.
public enum TrainingError: Error, Sendable {
  /// A configuration asks for something that Cairn cannot train, or makes no sense; the cause names the
  /// layer, the key and the value.
  case configuration(ConfigurationError)
  /// A layer does not fit what it is given.
  case invalidLayer(name: String, reason: String)
  /// The layers do not make a model.
  case invalidModel(String)
  /// Inputs, labels or variables do not have the shape that the model wants.
  case shapeMismatch(_ role: String, expected: String, found: Shape)
  /// Inputs and labels have different numbers of rows.
  case countMismatch(inputs: Int, labels: Int)
  /// There is nothing to train on or to evaluate.
  case noData(String)
  /// A label that the loss cannot take; `row` counts from 0 in the data set.
  case labelOutOfRange(row: Int, value: Double, expected: String)
  /// An id that is no row of an embedding's table; `row` counts from 0 in the tensor given.
  case idOutOfRange(layer: String, row: Int, value: Double, rowCount: Int)
  /// The loss is NaN or infinite. Nothing of the step, counted from 1, has been applied.
  case lossNotFinite(loss: Float, step: Int64, epoch: Int, batch: Int)
  /// An option of the trainer is out of its range.
  case invalidOption(name: String, reason: String)
  /// The state belongs to another model, or its position to other data or another batch size.
  case stateMismatch(String)
  /// The optimizer refused; the cause says why.
  case optimizer(OptimizerError)
  /// The handler of the trainer's events threw.
  case eventHandler(any Error)
}

extension TrainingError: CustomStringConvertible {
  /// One line: what, where, expected, found.
  public var description: String {
    switch self {
    case .configuration(let cause): "\(cause)"
    case .invalidLayer(let name, let reason): "layer \"\(name)\": \(reason)"
    case .invalidModel(let reason): "the model cannot be built: \(reason)"
    case .shapeMismatch(let role, let expected, let found):
      "\(role): expected \(expected), found shape \(found)"
    case .countMismatch(let inputs, let labels):
      "x has \(inputs) rows and y has \(labels)"
    case .noData(let what): "there is no data \(what)"
    case .labelOutOfRange(let row, let value, let expected):
      "the label of row \(row) is \(value.short): expected \(expected)"
    case .idOutOfRange(let layer, let row, let value, let rowCount):
      "layer \"\(layer)\": row \(row) holds the id \(value.short): expected one in 0..<\(rowCount)"
    case .lossNotFinite(let loss, let step, let epoch, let batch):
      "the loss became \(loss) at step \(step) (epoch \(epoch + 1), batch \(batch + 1)); "
        + "training stopped before that step was applied"
    case .invalidOption(let name, let reason): "\(name): \(reason)"
    case .stateMismatch(let reason): "the training state does not fit: \(reason)"
    case .optimizer(let cause): "the optimizer refused: \(cause)"
    case .eventHandler(let cause): "\(cause)"
    }
  }
}

extension Double {
  /// Without a fraction when there is none.
  fileprivate var short: String {
    if let integer = Int(exactly: self) { return "\(integer)" }
    return "\(self)"
  }
}
