import ArgumentParser
import Checkpoints
import KerasConfiguration

/// The options of `train` that say when checkpoints are saved, and which of them stay.
struct SavingOptions: ParsableArguments {
  @Option(help: "A folder to save checkpoints in; cairn resume goes on from it.")
  var checkpoints: String?

  @Option(help: "Save a checkpoint every so many steps; by default at the end of each epoch.")
  var saveEverySteps: Int?

  @Option(help: "Save a checkpoint when so many seconds have passed since the last.")
  var saveEverySeconds: Double?

  @Option(
    help: ArgumentHelp(
      """
      For which Keras checkpoints are written, and in which layout. h5 means keras2-h5, weights.h5 \
      keras3-weights, keras keras3-archive.
      """, valueName: "profile"))
  var checkpointFormat = CheckpointFormat.keras2

  @Option(help: "keras3-sharded: bytes of variables in one file, such as 200M; 5G by default.")
  var maxShardSize: ByteCount?

  @Option(
    help: "How the digests of checkpoints are computed: crc32c, as fast as memory, or sha256.")
  var digest = DigestAlgorithm.crc32c

  @Option(help: "Keep so many of the newest checkpoints; by default all.")
  var keepNewest: Int?

  @Option(
    help: ArgumentHelp(
      """
      Save at the end of each epoch, too, and keep the checkpoints with the best values of a metric, \
      such as val_loss or val_accuracy:3; one unless a number is given.
      """, valueName: "metric"))
  var keepBest: BestMetric?

  @Option(help: "Keep checkpoints of steps that are multiples of this for ever.")
  var keepEvery: Int?

  func validate() throws {
    let options: [(name: String, isGiven: Bool, isValid: Bool)] = [
      ("save-every-steps", saveEverySteps != nil, saveEverySteps ?? 1 >= 1),
      ("keep-newest", keepNewest != nil, keepNewest ?? 1 >= 1),
      ("keep-every", keepEvery != nil, keepEvery ?? 1 >= 1),
      ("keep-best", keepBest != nil, true),
    ]
    for option in options where option.isGiven {
      guard option.isValid else { throw ValidationError("--\(option.name) must be at least 1") }
      guard checkpoints != nil else {
        throw ValidationError("--\(option.name) needs --checkpoints")
      }
    }
    if let saveEverySeconds {
      guard saveEverySeconds > 0, saveEverySeconds.isFinite else {
        throw ValidationError("--save-every-seconds must be a number above 0")
      }
      guard checkpoints != nil else {
        throw ValidationError("--save-every-seconds needs --checkpoints")
      }
    }
    guard maxShardSize == nil || checkpointFormat.profile.layout == .sharded else {
      throw ValidationError("--max-shard-size needs --checkpoint-format keras3-sharded")
    }
  }

  /// Everything unless one of the options asks for less. The newest one stays in any case: a run goes on
  /// from it.
  var retention: Retention {
    if keepNewest == nil, keepBest == nil, keepEvery == nil { return .everything }
    return Retention(
      newest: keepNewest ?? 1,
      best: keepBest.map { Retention.Best($0.metric, count: $0.count) }, everySteps: keepEvery)
  }
}

/// `val_loss`, or `val_loss:3`.
struct BestMetric: ExpressibleByArgument {
  let metric: String
  let count: Int

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !parts[0].isEmpty,
      let count = parts.count == 2 ? Int(parts[1]) : 1, count >= 1
    else { return nil }
    metric = String(parts[0])
    self.count = count
  }
}

extension ByteCount: ExpressibleByArgument {}
