import ArgumentParser
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
      shuffles: settings.shuffles, earlyStopping: settings.earlyStopping,
      threadCount: settings.threadCount)
    if settings.validationSplit > 0 {
      let parts = try data.split(validationFraction: settings.validationSplit)
      (training, validation) = (parts.training, parts.validation)
    } else {
      (training, validation) = (data, nil)
    }
    try trainer.check(training)
    if let validation { try trainer.check(validation) }
    try Self.check(
      settings, reported: trainer.reportedNames(withValidation: validation != nil))
    store = try openStore()
  }

  /// Throws unless epochs report the values that decide what is kept and when to stop.
  private static func check(_ settings: RunSettings, reported: [String]) throws {
    for (option, metric) in [
      ("--keep-best", settings.retention.best?.metric),
      ("--stop-early", settings.earlyStopping?.monitor),
    ] {
      guard let metric, !reported.contains(metric) else { continue }
      throw CommandError(
        "\(option): expected one of \(reported.joined(separator: ", ")), which epochs report, "
          + "found \(metric)")
    }
  }

  /// Trains to the last epoch, saving on the way, and writes the output.
  ///
  /// - Parameter isSaved: whether the state has just been read from the store.
  /// - Throws: an exit code when a signal stopped the run, after its state was saved.
  func go(from start: consuming TrainingState, isSaved: Bool) throws {
    var state = start
    let history = try settings.history.map {
      try HistoryFile(writing: $0, history: state.history)
    }
    let signals = StopSignals {
      printToStandardError(
        "cairn: stopping after this step; a second signal ends the run at once, unsaved")
    }
    var report = ProgressReport()
    var schedule = SavingSchedule(settings, savedAt: isSaved ? state.position : nil)
    let outcome: FitOutcome
    do {
      outcome = try trainer.fit(
        training, validation: validation, epochs: settings.epochs, state: &state
      ) { event, state in
        if case .stepEnded(let step) = event { try history?.append(step) }
        report.show(event)
        if schedule.isDue(after: event) {
          try history?.flush()
          try save(state, event.metrics, &schedule)
        }
        return signals.requested == nil ? .proceed : .stop
      }
    } catch {
      report.erase()
      throw try explained(error)
    }
    report.erase()
    try history?.flush()
    // The last step's file also says that the run is complete.
    if schedule.lastSaved != state.position { try save(state, [:], &schedule) }
    try store?.finish()
    if outcome == .stopped, let signal = signals.requested { try stop(state, signal) }
    if outcome == .stoppedEarly, let epoch = state.stopping.stoppedEpoch {
      print("stopped early after epoch \(epoch + 1): \(Self.words(state.stopping, settings))")
    }
    if let store {
      print("checkpoints: \(store.folder), the newest at step \(state.position.step)")
    }
    try writeOutput(state)
  }

  private func stop(_ state: TrainingState, _ signal: Int32) throws -> Never {
    if let store {
      print("stopped at step \(state.position.step); go on with `cairn resume \(store.folder)`")
    } else {
      print("stopped at step \(state.position.step), unsaved: the run has no --checkpoints")
    }
    throw ExitCode(StopSignals.exitCode(signal))
  }

  /// What ended the training, with the checkpoint to go on from where the training itself failed.
  private func explained(_ error: any Error) throws -> any Error {
    guard case TrainingError.lossNotFinite = error, let store else { return error }
    try store.finish()
    guard let last = try store.saved().first else { return error }
    return CommandError("\(error); the last good checkpoint is \(last.path)")
  }

  private static func words(_ progress: EarlyStopping.Progress, _ settings: RunSettings) -> String {
    guard let best = progress.best, let epoch = progress.bestEpoch,
      let rule = settings.earlyStopping
    else { return "no value counted" }
    return "the best \(rule.monitor) was \(best) in epoch \(epoch + 1)"
  }
}

// MARK: - Saving

/// When a run saves.
private struct SavingSchedule {
  private let everySteps: Int?
  private let every: Duration?
  private let atEpochEnds: Bool
  /// Where the state stood that was saved last.
  private(set) var lastSaved: TrainingState.Position?
  private var savingTime = ContinuousClock.now

  init(_ settings: RunSettings, savedAt position: TrainingState.Position?) {
    everySteps = settings.saveEverySteps
    every = settings.saveEverySeconds.map { .seconds($0) }
    // The values by which the best are chosen are known there.
    atEpochEnds = (everySteps == nil && every == nil) || settings.retention.best != nil
    lastSaved = position
  }

  func isDue(after event: TrainingEvent) -> Bool {
    switch event {
    case .stepEnded(let step):
      if let everySteps, Int(step.step).isMultiple(of: everySteps) { return true }
      return every.map { ContinuousClock.now - savingTime >= $0 } ?? false
    case .epochEnded: return atEpochEnds
    case .epochBegan, .validationBatchEnded: return false
    }
  }

  mutating func saved(at position: TrainingState.Position) {
    lastSaved = position
    savingTime = .now
  }
}

extension TrainingEvent {
  /// The values of the state after this event.
  fileprivate var metrics: [String: Double] {
    guard case .epochEnded(_, _, let values) = self else { return [:] }
    return Dictionary(values.map { ($0.name, $0.value) }) { first, _ in first }
  }
}

extension TrainingRun {
  private func save(
    _ state: TrainingState, _ metrics: [String: Double], _ schedule: inout SavingSchedule
  ) throws {
    guard let store else { return }
    try store.save(
      state.checkpoint(trainer, run: settings.json), step: Int(state.position.step),
      metrics: metrics)
    schedule.saved(at: state.position)
  }

  private func writeOutput(_ state: TrainingState) throws {
    guard let output = settings.output else { return }
    var state = state
    var copy = WeightsCopy.live
    if settings.outputWeights == .average, let averaged = state.averagedVariables {
      (state.variables, copy) = (averaged, .average)
    } else if settings.outputWeights == .best, let best = state.bestVariables {
      (state.variables, copy) = (best, .best)
    }
    var checkpoint = try state.checkpoint(trainer, run: settings.json)
    // A result is no place to go on from: the checkpoints are.
    checkpoint.resumption = nil
    checkpoint.weights = copy
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
