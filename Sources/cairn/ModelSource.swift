import Checkpoints
import KerasConfiguration
import Tensors
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where a model comes from: a checkpoint, Keras's JSON, or the built-in network.
struct ModelSource {
  let model: Model
  /// Nil for new ones.
  var variables: [Variable]?
  var training: TrainingConfiguration?
  var optimizer: OptimizerState?

  /// A Keras file (told by its content, with weights and, when it has them, loss and optimizer) or the
  /// text of `model.to_json()`.
  ///
  /// - Parameters:
  ///   - includingOptimizer: false for the model alone.
  ///   - verifying: whether a checkpoint with digests is compared with them.
  init(reading path: String, includingOptimizer: Bool, verifying: Bool) throws {
    if try Self.isCheckpoint(path) {
      try self.init(
        checkpoint: CheckpointReader(opening: path, verifying: verifying)
          .load(includingOptimizer: includingOptimizer), path: path)
      return
    }
    let text = try Self.text(of: path)
    do {
      let configuration = try ModelConfiguration(parsing: text)
      self.init(
        model: try Model(configuration: configuration),
        training: try configuration.trainingConfiguration)
    } catch {
      throw CommandError(
        "cannot use \(path), expected a Keras file (HDF5) or the JSON of a model: \(error)")
    }
    try MemoryCheck.require(
      model.variables.map { ($0.shape, $0.dtype) },
      orThrow: CommandError("cannot use \(path): its variables do not fit in memory"))
  }

  private init(model: Model, training: TrainingConfiguration? = nil) {
    self.model = model
    self.training = training
  }

  init(checkpoint: Checkpoint, path: String) throws {
    guard let configuration = checkpoint.model else {
      throw CommandError(
        "cannot train from \(path): it holds weights without an architecture; "
          + "restore it into a checkpoint that has one (checkpoint-inspect restore --into)")
    }
    do {
      self.init(model: try Model(configuration: configuration), training: checkpoint.training)
    } catch {
      throw CommandError("cannot use \(path): \(error)")
    }
    variables = checkpoint.variables
    optimizer = checkpoint.optimizer
  }

  /// The built-in network, a classifier of vectors: 128 units with dropout between input and output.
  init(classifierFor data: Dataset) throws {
    let labels = data.labels
    guard data.inputs.shape.rank == 2, labels.shape.rank == 1, !labels.dtype.isFloatingPoint else {
      throw CommandError(
        "the built-in network classifies vectors: expected x of shape (rows, features) and integers "
          + "y of shape (rows,), found x \(data.inputs.shape) and \(labels.dtype) y "
          + "\(labels.shape); give a model with --model")
    }
    let largest = labels.converted(to: .int64).elements(of: Int64.self).max()!
    guard (1..<100_000).contains(largest) else {
      throw CommandError(
        "the built-in network takes labels from 0 to at least 1 and at most 99999 in y, found a "
          + "largest label of \(largest)")
    }
    self.init(
      model: try Model.sequential(
        inputShape: [data.inputs.shape[1]],
        [
          .dense(.init(units: 128, activation: .relu)), .dropout(.init(rate: 0.2)),
          .dense(.init(units: Int(largest) + 1, activation: .softmax)),
        ]))
  }

  /// HDF5 files and zip archives, by their first bytes.
  private static func isCheckpoint(_ path: String) throws -> Bool {
    let start = try bytes(of: path, limit: 8)
    return start == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
      || start.starts(with: [0x50, 0x4B, 0x03, 0x04])
  }

  private static func text(of path: String) throws -> String {
    String(decoding: try bytes(of: path, limit: .max), as: UTF8.self)
  }

  private static func bytes(of path: String, limit: Int) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else {
      throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while content.count < limit {
      let count = fread(&chunk, 1, min(chunk.count, limit - content.count), file)
      if count == 0 { break }
      content += chunk[..<count]
    }
    guard ferror(file) == 0 else {
      throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    return content
  }
}

// MARK: - The loss

extension ModelSource {
  /// The loss and metrics that the file was compiled with; without any, those that fit the network's
  /// last activation and the labels.
  func objective(
    for data: Dataset
  ) throws -> (loss: LossConfiguration, metrics: [MetricConfiguration]) {
    if let training, let loss = try training.decodedLoss() {
      return (loss, try training.decodedMetrics())
    }
    let isSparse = data.labels.shape.rank < model.outputShape.count
    switch model.lastActivation {
    case .softmax where isSparse:
      return (LossConfiguration(.sparseCategoricalCrossentropy), accuracy)
    case .softmax: return (LossConfiguration(.categoricalCrossentropy), accuracy)
    case .sigmoid: return (LossConfiguration(.binaryCrossentropy), accuracy)
    default: return (LossConfiguration(.meanSquaredError), [])
    }
  }

  private var accuracy: [MetricConfiguration] { [MetricConfiguration(.accuracy)] }
}

extension Model {
  /// The activation that the output has passed last.
  fileprivate var lastActivation: ActivationFunction {
    switch layers.last?.configuration.kind {
    case .dense(let dense): dense.activation
    case .activation(let function): function
    case .softmax: .softmax
    case .relu: .relu
    default: .linear
    }
  }
}
