import Checkpoints
import KerasConfiguration
import Training

/// A folder of checkpoints as `resume` and `verify-resume` read it.
struct RunFolder {
  let path: String

  init(_ path: String) { self.path = path }

  /// The checkpoint to go on from.
  struct Found {
    let saved: CheckpointStore.Saved
    let checkpoint: Checkpoint
    /// The newest of the folder, which may be damaged.
    let newest: CheckpointStore.Saved
  }

  /// The newest checkpoint that can be read; each one passed over is reported with the reason.
  func newestReadable(verifying: Bool) throws -> Found {
    let all = try CheckpointStore.saved(in: path)
    guard !all.isEmpty else {
      throw CommandError("cannot resume \(path): it holds no checkpoint (step-*)")
    }
    var damages: [CheckpointError] = []
    for saved in all {
      do throws(CheckpointError) {
        let checkpoint = try CheckpointReader(opening: saved.path, verifying: verifying).load()
        damages.forEach(Self.reportPassingOver)
        return Found(saved: saved, checkpoint: checkpoint, newest: all[0])
      } catch {
        damages.append(error)
      }
    }
    throw CommandError(
      "cannot resume \(path): none of its \(all.count) checkpoints can be read; the newest: "
        + "\(damages[0])")
  }

  static func reportPassingOver(_ damage: CheckpointError) {
    printToStandardError(
      "cairn: passing over a damaged checkpoint: \(damage.description.withoutControlCharacters)")
  }
}

extension CheckpointStore {
  /// The store in which a run saves.
  convenience init(opening folder: String, for settings: RunSettings) throws(CheckpointError) {
    try self.init(
      opening: folder, profile: settings.checkpointProfile, retention: settings.retention,
      maximumShardByteCount: settings.maximumShardByteCount ?? 5 << 30,
      digests: settings.digests)
  }
}
