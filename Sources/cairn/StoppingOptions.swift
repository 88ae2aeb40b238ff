public import ArgumentParser
public import Checkpoints
import Training

/// The options of `train` that end a run before its last epoch.
struct StoppingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "End the run when this value of an epoch, such as val_loss, no longer improves.",
      valueName: "metric"))
  var stopEarly: String?

  @Option(help: "Epochs without improvement after which --stop-early ends the run.")
  var patience: Int?

  @Option(help: "By how much a value must be better to count as an improvement.")
  var minDelta: Double?

  @Option(
    help: "Whether lower (min) or higher (max) is better; by default as the metric's name says.")
  var mode: MetricDirection?

  @Option(help: "A value that must be beaten before the patience begins anew.")
  var baseline: Double?

  @Option(help: "Epochs before the first one that counts.")
  var startFromEpoch: Int?

  func validate() throws {
    let given: [(name: String, isGiven: Bool)] = [
      ("patience", patience != nil), ("min-delta", minDelta != nil), ("mode", mode != nil),
      ("baseline", baseline != nil), ("start-from-epoch", startFromEpoch != nil),
    ]
    if stopEarly == nil, let option = given.first(where: \.isGiven) {
      throw ValidationError("--\(option.name) needs --stop-early")
    }
    guard patience ?? 0 >= 0 else { throw ValidationError("--patience must be at least 0") }
    guard minDelta.map({ $0 >= 0 && $0.isFinite }) ?? true else {
      throw ValidationError("--min-delta must be a number from 0 up")
    }
    guard baseline?.isFinite ?? true else {
      throw ValidationError("--baseline must be a number")
    }
    guard startFromEpoch ?? 0 >= 0 else {
      throw ValidationError("--start-from-epoch must be at least 0")
    }
  }

  /// Nil for a run that goes through all of its epochs.
  func earlyStopping(keepsBestWeights: Bool) -> EarlyStopping? {
    stopEarly.map {
      EarlyStopping(
        monitor: $0, minimumChange: minDelta ?? 0, patience: patience ?? 0, direction: mode,
        baseline: baseline, startFromEpoch: startFromEpoch ?? 0, keepsBestWeights: keepsBestWeights)
    }
  }
}

extension MetricDirection: ExpressibleByArgument {}
