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
      let (saved, checkpoint) = try newestReadable()
      do {
        try resume(checkpoint, of: saved)
      } catch TrainingError.stateMismatch(let reason) {
        throw CommandError("cannot resume from \(saved.path): \(reason)")
      }
    }
  }

  private func resume(_ checkpoint: Checkpoint, of saved: CheckpointStore.Saved) throws {
    guard let record = checkpoint.resumption else {
      throw CommandError(
        "cannot resume from \(saved.path): it holds no run; train from it with "
          + "`cairn train --model \(saved.path)`")
    }
    var settings = try RunSettings(json: record.json["run"] ?? .null, path: saved.path)
    if let data { settings.dataPath = absolutePath(data) }
    if let output { settings.output = absolutePath(output) }
    if let history { settings.history = absolutePath(history) }
    let file = try DataFile(reading: settings.dataPath)
    let digest = file.digest
    guard digest == settings.dataDigest || acceptChangedData else {
      throw CommandError(
        "cannot resume: \(settings.dataPath) is not what the run began with (SHA-256 expected "
          + "\(settings.dataDigest.prefix(12))..., found \(digest.prefix(12))...); the result "
          + "would be another one: --accept-changed-data goes on all the same")
    }
    settings.dataDigest = digest
    if settings.instructionSet != matrixInstructionSet {
      printToStandardError(
        "cairn: the run was computed with \(settings.instructionSet), this machine has "
          + "\(matrixInstructionSet): the last bits of the result may differ")
      settings.instructionSet = matrixInstructionSet
    }
    let source = try ModelSource(checkpoint: checkpoint, path: saved.path)
    let state = try TrainingState(resuming: checkpoint, model: source.model)
    guard state.history.losses.count == Int(state.position.step),
      state.history.epochs.count == state.position.epoch,
      state.position.epoch <= settings.epochs
    else {
      throw CommandError(
        "cannot resume from \(saved.path): its record of the run is damaged: it stands at step "
          + "\(state.position.step) after \(state.position.epoch) of \(settings.epochs) epochs, "
          + "with the losses of \(state.history.losses.count) steps and "
          + "\(state.history.epochs.count) epochs")
    }
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
    let run = try TrainingRun(
      settings: settings, model: source.model, loss: objective.loss, metrics: objective.metrics,
      data: dataset, replacesOutput: force,
      openingStore: {
        try CheckpointStore(opening: absolutePath(folder), profile: Self.profile(saved))
      })
    print(
      "resuming \(saved.path) at step \(state.position.step), epoch "
        + "\(min(state.position.epoch + 1, settings.epochs)) of \(settings.epochs)")
    try run.go(from: state)
  }

  /// The newest checkpoint that opens; each one passed over is reported with the reason.
  private func newestReadable() throws -> (CheckpointStore.Saved, Checkpoint) {
    let all = try CheckpointStore.saved(in: folder)
    guard !all.isEmpty else {
      throw CommandError("cannot resume \(folder): it holds no checkpoint (step-*.h5)")
    }
    var damages: [CheckpointError] = []
    for saved in all {
      do throws(CheckpointError) {
        let checkpoint = try CheckpointReader(
          opening: saved.path, verifying: reading.verifying
        ).load()
        for damage in damages {
          printToStandardError(
            "cairn: passing over a damaged checkpoint: \(damage.description.withoutControlCharacters)"
          )
        }
        return (saved, checkpoint)
      } catch {
        damages.append(error)
      }
    }
    throw CommandError(
      "cannot resume \(folder): none of its \(all.count) checkpoints can be read; the newest: "
        + "\(damages[0])")
  }

  private static func profile(_ saved: CheckpointStore.Saved) -> Profile {
    if saved.path.hasSuffix(Layout.weights.fileSuffix) { return CheckpointFormat.weights.profile }
    if saved.path.hasSuffix(Layout.archive.fileSuffix) { return CheckpointFormat.archive.profile }
    return CheckpointFormat.h5.profile
  }
}
