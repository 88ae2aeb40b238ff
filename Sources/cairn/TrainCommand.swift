public import ArgumentParser
public import Checkpoints
import KerasConfiguration
import Optimizers
import Primitives
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model: with the optimizer of its file, or with Adagrad.",
    discussion: """
      Example: cairn train digits.h5 --epochs 30 --checkpoints run --save-every-steps 100 \
      --output model.h5
      """)

  @Argument(help: "An HDF5 file with datasets x and y; the digits that ship with Cairn by default.")
  var data: String?

  @Option(
    help: """
      A Keras file (.h5) or the JSON of a model's configuration; weights, loss, optimizer and its \
      state are taken from the file where it has them. A small classifier by default.
      """)
  var model: String?

  @Flag(help: "Take the model's weights from its file, but start a new Adagrad.")
  var freshOptimizer = false

  @Option(help: "How many times to go through the data.")
  var epochs = 10

  @Option(help: "Rows of a step.")
  var batchSize = 32

  @Option(help: "The learning rate: 0.05, or what the model's file says.")
  var learningRate: Float?

  @Option(name: .customLong("ema"), help: "Keep moving averages of the weights with this momentum.")
  var momentum: Double?

  @Option(
    help: """
      Whose formulas to follow where generations of Keras differ: keras-2 or keras-3. By default the \
      generation of the model's file, or keras-2.
      """)
  var arithmetic: Generation?

  @Option(help: "What initial weights, shuffles and dropout are drawn from.")
  var seed: UInt64 = 0

  @Flag(inversion: .prefixedNo, help: "Go through the data in a new order each epoch.")
  var shuffle = true

  @Option(help: "The share of rows, from the end, kept for validation; 0 for none.")
  var validationSplit = 0.2

  @Option(help: "Threads for matrix products.")
  var threads = 1

  @OptionGroup(title: "Checkpoints")
  var saving: SavingOptions

  @OptionGroup(title: "Early stopping")
  var stopping: StoppingOptions

  @Option(
    help: "Write the trained model: .h5 for Keras 2; .keras, or .weights.h5 alone, for Keras 3.")
  var output: String?

  @Option(
    help: """
      The weights that the output holds: live, average (with --ema), or best: those of the best epoch \
      (with --stop-early).
      """)
  var weights = OutputWeights.live

  @Option(help: "Write the loss of each step as CSV.")
  var history: String?

  @Flag(help: "Replace output and history if they exist.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard epochs >= 1 else { throw ValidationError("--epochs must be at least 1") }
    try OptionRanges.checkBatchSize(batchSize)
    try OptionRanges.checkThreads(threads)
    try OptionRanges.checkValidationSplit(validationSplit)
    if let learningRate {
      guard learningRate >= 0, learningRate.isFinite else {
        throw ValidationError("--learning-rate must be a number from 0 up")
      }
    }
    if let momentum {
      guard (0...1).contains(momentum) else { throw ValidationError("--ema must be from 0 to 1") }
    }
    if weights == .best, stopping.stopEarly == nil {
      throw ValidationError("--weights best needs --stop-early")
    }
  }

  func run() throws {
    try reportingTrouble {
      let file = try DataFile(reading: try data ?? BundledData.digits())
      let dataset = try file.dataset()
      let source =
        try model.map {
          try ModelSource(
            reading: $0, includingOptimizer: !freshOptimizer, verifying: reading.verifying)
        }
        ?? ModelSource(classifierFor: dataset)
      let objective = try source.objective(for: dataset)
      let inputs = [file.path] + [model].compactMap(\.self)
      if let output { try TrainingRun.checkOutput(output, replacing: force, others: inputs) }
      if let history {
        try OutputCheck.check(
          history, replacing: force, others: inputs + [output].compactMap(\.self))
      }
      let settings = RunSettings(
        dataPath: absolutePath(file.path), dataDigest: file.digest,
        validationSplit: validationSplit, epochs: epochs, batchSize: batchSize, shuffles: shuffle,
        threadCount: threads, instructionSet: matrixInstructionSet,
        saveEverySteps: saving.saveEverySteps, saveEverySeconds: saving.saveEverySeconds,
        retention: saving.retention, checkpointProfile: saving.checkpointFormat.profile,
        maximumShardByteCount: saving.maxShardSize?.bytes, digests: saving.digest,
        earlyStopping: stopping.earlyStopping(keepsBestWeights: weights == .best),
        output: output.map(absolutePath), history: history.map(absolutePath),
        outputWeights: weights)
      let state = try initialState(source)
      if weights == .average, state.optimizer.averages == nil {
        throw CommandError("--weights average needs moving averages: add --ema MOMENTUM")
      }
      let run = try TrainingRun(
        settings: settings, model: source.model, loss: objective.loss, metrics: objective.metrics,
        data: dataset, replacesOutput: force, openingStore: { try openStore(settings) })
      try run.go(from: state, isSaved: false)
    }
  }

  private func initialState(_ source: ModelSource) throws -> TrainingState {
    var state = try TrainingState(
      model: source.model, optimizer: try newOptimizer(for: source.model), seed: seed,
      variables: source.variables)
    guard var saved = source.optimizer else { return state }
    if let learningRate { saved.configuration.learningRate = .constant(Double(learningRate)) }
    if let arithmetic { saved.configuration.arithmetic = arithmetic.arithmetic }
    if let momentum {
      guard saved.configuration.average.isEnabled else {
        throw CommandError(
          "--ema: the optimizer in \(model ?? "the file") keeps no averages; they cannot be added to "
            + "a state that was trained without them")
      }
      saved.configuration.average.momentum = momentum
    }
    state.optimizer = try Optimizer(
      restoring: saved, training: source.model.trainableVariables.map { state.variables[$0] })
    return state
  }

  private func newOptimizer(for model: Model) throws -> Optimizer {
    let generation = arithmetic ?? (model.configuration.dialect == .keras3 ? .keras3 : .keras2)
    return try Optimizer(
      Adagrad(), learningRate: .constant(learningRate ?? 0.05),
      arithmetic: generation.arithmetic,
      averages: try momentum.map { try MovingAverages(momentum: $0) })
  }

  private func openStore(_ settings: RunSettings) throws -> CheckpointStore? {
    guard let folder = saving.checkpoints else { return nil }
    let store = try CheckpointStore(opening: absolutePath(folder), for: settings)
    if let newest = try store.saved().first {
      throw CommandError(
        "\(folder) already holds checkpoints up to step \(newest.step); go on with "
          + "`cairn resume \(folder)`, or choose another folder")
    }
    return store
  }
}

extension OutputWeights: ExpressibleByArgument {}

extension DigestAlgorithm: ExpressibleByArgument {}

/// The generations of Keras whose formulas can be chosen.
enum Generation: String, ExpressibleByArgument, CaseIterable {
  case keras2 = "keras-2"
  case keras3 = "keras-3"

  var arithmetic: Arithmetic { self == .keras3 ? .keras3 : .keras2 }
}

/// The path from the root, so that a run can be resumed from another folder.
func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  guard let folder = getcwd(nil, 0) else { return path }
  defer { free(folder) }
  return "\(String(cString: folder))/\(path)"
}
