import ArgumentParser
import Checkpoints
import KerasConfiguration
import Primitives
import Training

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with an interrupted run, from its newest checkpoint, with the same bits.",
    discussion: "Example: cairn resume run")

  @Argument(help: "The folder that cairn train --checkpoints was given.")
  var folder: String

  @Option(help: "Read the data here instead of where the run found them.")
  var data: String?

  @Flag(help: "Go on even if the data are not those that the run began with.")
  var acceptChangedData = false

  @Option(help: "Write the trained model here instead.")
  var output: String?

  @Option(help: "Write the losses here instead.")
  var history: String?

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    try reportingTrouble {
      let found = try RunFolder(folder).newestReadable(verifying: reading.verifying)
      do {
        try resume(found)
      } catch TrainingError.stateMismatch(let reason) {
        throw CommandError("cannot resume from \(found.saved.path): \(reason)")
      }
    }
  }

  private func resume(_ found: RunFolder.Found) throws {
    let saved = found.saved
    var run = try SavedRun(found.checkpoint, path: saved.path)
    if let data { run.settings.dataPath = absolutePath(data) }
    if let output { run.settings.output = absolutePath(output) }
    if let history { run.settings.history = absolutePath(history) }
    let file = try DataFile(reading: run.settings.dataPath)
    let digest = file.digest
    guard digest == run.settings.dataDigest || acceptChangedData else {
      throw CommandError(
        "cannot resume: \(run.settings.dataPath) is not what the run began with (SHA-256 expected "
          + "\(run.settings.dataDigest.prefix(12))..., found \(digest.prefix(12))...); the result "
          + "would be another one: --accept-changed-data goes on all the same")
    }
    run.settings.dataDigest = digest
    run.noteInstructionSet()
    let (settings, source, state) = (run.settings, run.source, run.state)
    let dataset = try file.dataset()
    let objective = try source.objective(for: dataset)
    let inputs = [settings.dataPath, saved.path]
    if let output = settings.output {
      try TrainingRun.checkOutput(output, replacing: force, others: inputs)
    }
    if let file = settings.history {
      // The run's own history is written anew, from what the checkpoint remembers of it.
      try OutputCheck.check(
        file, replacing: force || history == nil,
        others: inputs + [settings.output].compactMap(\.self))
    }
    let training = try TrainingRun(
      settings: settings, model: source.model, loss: objective.loss, metrics: objective.metrics,
      data: dataset, replacesOutput: force,
      openingStore: { try openStore(found, settings) })
    print(
      "resuming \(saved.path) at step \(state.position.step), epoch "
        + "\(min(state.position.epoch + 1, settings.epochs)) of \(settings.epochs)")
    try training.go(from: state, isSaved: true)
  }

  private func openStore(
    _ found: RunFolder.Found, _ settings: RunSettings
  ) throws -> CheckpointStore {
    let store = try CheckpointStore(opening: absolutePath(folder), for: settings)
    // From here on nobody else saves there.
    guard try CheckpointStore.saved(in: folder).first == found.newest else {
      throw CommandError(
        "cannot resume \(folder): another process has just saved there; resume once more")
    }
    return store
  }
}
