import Checkpoints
import KerasConfiguration
import Primitives
import Training

/// A run as one of its checkpoints holds it.
struct SavedRun {
  var settings: RunSettings
  let source: ModelSource
  let state: TrainingState

  /// Throws when the checkpoint holds no run of `cairn train`, or a damaged record of it.
  init(_ checkpoint: Checkpoint, path: String) throws {
    guard let record = checkpoint.resumption else {
      throw CommandError(
        "cannot resume from \(path): it holds no run; train from it with "
          + "`cairn train --model \(path)`")
    }
    let settings = try RunSettings(json: record.json["run"] ?? .null, path: path)
    let source = try ModelSource(checkpoint: checkpoint, path: path)
    let state = try Self.state(of: checkpoint, model: source.model, path: path)
    guard state.history.losses.count == Int(state.position.step),
      state.history.epochs.count == state.position.epoch,
      state.position.epoch <= settings.epochs
    else {
      throw CommandError(
        "cannot resume from \(path): its record of the run is damaged: it stands at step "
          + "\(state.position.step) after \(state.position.epoch) of \(settings.epochs) epochs, "
          + "with the losses of \(state.history.losses.count) steps and "
          + "\(state.history.epochs.count) epochs")
    }
    self.settings = settings
    self.source = source
    self.state = state
  }

  private static func state(
    of checkpoint: Checkpoint, model: Model, path: String
  ) throws -> TrainingState {
    do {
      return try TrainingState(resuming: checkpoint, model: model)
    } catch TrainingError.stateMismatch(let reason) {
      throw CommandError("cannot resume from \(path): \(reason)")
    }
  }

  /// Says so when this machine may compute other last bits than the one that the run was computed on.
  mutating func noteInstructionSet() {
    guard settings.instructionSet != matrixInstructionSet else { return }
    printToStandardError(
      "cairn: the run was computed with \(settings.instructionSet), this machine has "
        + "\(matrixInstructionSet): the last bits of the result may differ")
    settings.instructionSet = matrixInstructionSet
  }
}
