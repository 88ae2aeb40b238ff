import Checkpoints
import KerasConfiguration
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A run from its state to its end: what `train` begins and `resume` takes up.
struct TrainingRun {
  let settings: RunSettings
  let trainer: Trainer
  let training: Dataset
  let validation: Dataset?
  /// Nil for a run that keeps no checkpoints.
  let store: CheckpointStore?
  /// Whether an existing output may be replaced.
  let replacesOutput: Bool

  /// Checks the data; the folder of checkpoints is opened, and made, only when nothing else is wrong.
  init(
    settings: RunSettings, model: Model, loss: LossConfiguration, metrics: [MetricConfiguration],
    data: Dataset, replacesOutput: Bool, openingStore openStore: () throws -> CheckpointStore?
  ) throws {
    self.settings = settings
    self.replacesOutput = replacesOutput
    trainer = Trainer(
      model: model, loss: loss, metrics: metrics, batchSize: settings.batchSize,
      shuffles: settings.shuffles, threadCount: settings.threadCount)
    if settings.validationSplit > 0 {
      let parts = try data.split(validationFraction: settings.validationSplit)
      (training, validation) = (parts.training, parts.validation)
    } else {
      (training, validation) = (data, nil)
    }
    try trainer.check(training)
    if let validation { try trainer.check(validation) }
    store = try openStore()
  }

  /// Trains to the last epoch, saving on the way, and writes the output.
  func go(from start: TrainingState) throws {
    var state = start
    let history = try settings.history.map {
      try HistoryFile(writing: $0, history: state.history)
    }
    var report = ProgressReport()
    do {
      try trainer.fit(
        training, validation: validation, epochs: settings.epochs, state: &state
      ) { event, state in
        if case .stepEnded(let step) = event { try history?.append(step) }
        report.show(event)
        if isDue(event) {
          try history?.flush()
          try save(state)
        }
        return .proceed
      }
    } catch {
      report.erase()
      if case TrainingError.lossNotFinite = error, let store, let last = try store.saved().first {
        throw CommandError("\(error); the last good checkpoint is \(last.path)")
      }
      throw error
    }
    try history?.flush()
    if let store {
      // The last step's file also says that the run is complete.
      try save(state)
      print("checkpoints: \(store.folder), the newest at step \(state.position.step)")
    }
    try writeOutput(state)
  }
}

// MARK: - Saving

extension TrainingRun {
  private func isDue(_ event: TrainingEvent) -> Bool {
    guard store != nil else { return false }
    switch event {
    case .stepEnded(let step):
      return settings.saveEverySteps.map { Int(step.step).isMultiple(of: $0) } ?? false
    case .epochEnded: return settings.saveEverySteps == nil
    case .epochBegan: return false
    }
  }

  private func save(_ state: TrainingState) throws {
    try store?.save(
      state.checkpoint(trainer, run: settings.json), step: Int(state.position.step))
  }

  private func writeOutput(_ state: TrainingState) throws {
    guard let output = settings.output else { return }
    var state = state
    if settings.outputWeights == .average, let averaged = state.averagedVariables {
      state.variables = averaged
    }
    var checkpoint = try state.checkpoint(trainer, run: settings.json)
    // A result is no place to go on from: the checkpoints are.
    checkpoint.resumption = nil
    try checkpoint.save(
      to: output, profile: Self.profile(of: output), replacing: replacesOutput)
    print("wrote \(output)")
  }

  /// The layout that a file's name asks for.
  static func profile(of path: String) throws -> Profile {
    if path.hasSuffix(Layout.weights.fileSuffix) {
      return Profile(dialect: .keras3, layout: .weights)
    }
    if path.hasSuffix(".h5") || path.hasSuffix(".hdf5") {
      return Profile(dialect: .keras2, layout: .wholeModel)
    }
    if path.hasSuffix(Layout.archive.fileSuffix) {
      return Profile(dialect: .keras3, layout: .archive)
    }
    throw CommandError(
      "cannot write \(path): expected a name that ends in .keras (a whole model for Keras 3), "
        + ".weights.h5 (weights for Keras 3) or .h5 (a whole model for Keras 2)")
  }

  /// Throws unless the trained model can be written to `output`.
  static func checkOutput(_ output: String, replacing: Bool, others: [String]) throws {
    _ = try profile(of: output)
    try OutputCheck.check(output, replacing: replacing, others: others)
  }
}
