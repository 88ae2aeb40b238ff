import ArgumentParser
import Checkpoints
import Training

struct VerifyResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify-resume",
    abstract: "Prove that a run resumes exactly: replay it from each checkpoint to the next.",
    discussion: """
      Every bit of what comes out is compared with the next checkpoint: weights, slots, counters, \
      losses, history. Nothing is written. Exit codes: 0 all the same, 1 a difference or a damaged \
      checkpoint, 2 trouble.

      Example: cairn verify-resume run
      """)

  @Argument(help: "The folder that cairn train --checkpoints was given.")
  var folder: String

  @Argument(help: "Where the run's data are now; by default where the run found them.")
  var data: String?

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    try reportingTrouble {
      let all = try CheckpointStore.saved(in: folder).reversed()
      guard all.count >= 2 else {
        throw CommandError(
          "cannot verify \(folder): expected at least two checkpoints to replay between, found "
            + "\(all.count); name the folder of a run that saved, and kept, more (--save-every-steps, "
            + "--keep-newest)")
      }
      var replay = Replay(dataPath: data.map(absolutePath))
      var verdicts = Verdicts()
      var start: SavedRun?
      for saved in all {
        guard let target = try read(saved, &verdicts) else { continue }
        if let start { try replay.compare(start, with: target, &verdicts) }
        start = target
      }
      print(verdicts.summary)
      if verdicts.hasFailures { throw ExitCode(1) }
      guard verdicts.count > 0 else {
        throw CommandError("cannot verify \(folder): no two of its checkpoints can be read")
      }
    }
  }

  /// Nil for a damaged one.
  private func read(
    _ saved: CheckpointStore.Saved, _ verdicts: inout Verdicts
  ) throws -> SavedRun? {
    let checkpoint: Checkpoint
    do throws(CheckpointError) {
      checkpoint = try CheckpointReader(
        opening: saved.path, verifying: reading.verifying
      ).load()
    } catch {
      RunFolder.reportPassingOver(error)
      verdicts.damagedCount += 1
      return nil
    }
    return try SavedRun(checkpoint, path: saved.path)
  }
}

/// What has been found so far.
private struct Verdicts {
  var sameCount = 0
  var differentCount = 0
  var damagedCount = 0

  var count: Int { sameCount + differentCount }
  var hasFailures: Bool { differentCount + damagedCount > 0 }

  var summary: String {
    let damaged =
      damagedCount > 0
      ? ", \(damagedCount) damaged checkpoint\(damagedCount == 1 ? "" : "s")" : ""
    return (differentCount == 0 ? "exact: " : "not exact: ")
      + "\(sameCount) of \(count) replays equal to the bit\(damaged)"
  }
}

/// Trains from one checkpoint to where the next one stands.
private struct Replay {
  let dataPath: String?
  /// The data are read once.
  private var read: (path: String, file: DataFile, digest: String)?

  init(dataPath: String?) { self.dataPath = dataPath }

  mutating func compare(
    _ start: SavedRun, with target: SavedRun, _ verdicts: inout Verdicts
  ) throws {
    var target = target
    target.noteInstructionSet()
    let dataset = try data(for: target).dataset()
    let objective = try target.source.objective(for: dataset)
    let run = try TrainingRun(
      settings: target.settings, model: start.source.model, loss: objective.loss,
      metrics: objective.metrics, data: dataset, replacesOutput: false, openingStore: { nil })
    var state = start.state
    let end = target.state.position
    try run.trainer.fit(
      run.training, validation: run.validation, epochs: target.settings.epochs, state: &state
    ) { _, state in
      state.position == end || state.position.step > end.step ? .stop : .proceed
    }
    let steps = "step \(start.state.position.step) to \(end.step)"
    if let difference = state.firstDifference(from: target.state) {
      print("\(steps): different: \(difference)")
      verdicts.differentCount += 1
    } else {
      print("\(steps): same bits")
      verdicts.sameCount += 1
    }
  }

  private mutating func data(for run: SavedRun) throws -> DataFile {
    let path = dataPath ?? run.settings.dataPath
    if read?.path != path {
      let file = try DataFile(reading: path)
      read = (path, file, file.digest)
    }
    guard let read, read.digest == run.settings.dataDigest else {
      throw CommandError(
        "cannot verify: \(path) is not what step \(run.state.position.step) was trained on "
          + "(SHA-256 expected \(run.settings.dataDigest.prefix(12))..., found "
          + "\(read?.digest.prefix(12) ?? "")...); name a file with the run's own data")
    }
    return read.file
  }
}
