import Checkpoints
import KerasConfiguration
import Training

/// What a run needs to be taken up again, beside its state: part of every checkpoint.
struct RunSettings {
  var dataPath: String
  var dataDigest: String
  var validationSplit: Double
  var epochs: Int
  var batchSize: Int
  var shuffles: Bool
  var threadCount: Int
  /// What the run's matrix products were computed with; others may change the last bits.
  var instructionSet: String
  /// Where both are nil, checkpoints are saved at the end of every epoch.
  var saveEverySteps: Int?
  var saveEverySeconds: Double?
  var retention: Retention
  var checkpointProfile: Profile
  /// Nil for the usual size; see `CheckpointStore.maximumShardByteCount`.
  var maximumShardByteCount: Int?
  var digests: DigestAlgorithm
  var earlyStopping: EarlyStopping?
  var output: String?
  var history: String?
  var outputWeights: OutputWeights

  var json: JSONValue {
    [
      "data": .string(dataPath), "dataDigest": .string(dataDigest),
      "validationSplit": JSONValue(validationSplit), "epochs": JSONValue(epochs),
      "batchSize": JSONValue(batchSize), "shuffles": .bool(shuffles),
      "threadCount": JSONValue(threadCount), "instructionSet": .string(instructionSet),
      "saveEverySteps": JSONValue(saveEverySteps),
      "saveEverySeconds": JSONValue(saveEverySeconds), "retention": retention.json,
      "checkpointFormat": .string(checkpointProfile.name),
      "maximumShardByteCount": JSONValue(maximumShardByteCount),
      "digests": .string(digests.rawValue),
      "earlyStopping": earlyStopping?.json ?? .null,
      "output": JSONValue(output), "history": JSONValue(history),
      "outputWeights": .string(outputWeights.rawValue),
    ]
  }

  /// Throws when a setting is missing or out of the range of its option: the checkpoint is not one of
  /// `cairn train`, or damaged.
  init(json: JSONValue, path: String) throws {
    func require<Value>(_ value: Value?, _ key: String) throws -> Value {
      if let value { return value }
      throw CommandError(
        "cannot resume from \(path): its record of the run lacks a usable `\(key)`; "
          + "only runs of `cairn train --checkpoints` can be resumed")
    }
    dataPath = try require(json["data"]?.string, "data")
    dataDigest = try require(json["dataDigest"]?.string, "dataDigest")
    validationSplit = try require(
      json["validationSplit"]?.double.within(OptionRanges.validationSplit), "validationSplit")
    epochs = try require(json["epochs"]?.int.within(1...Int.max), "epochs")
    batchSize = try require(
      json["batchSize"]?.int.within(OptionRanges.batchSize), "batchSize")
    shuffles = try require(json["shuffles"]?.bool, "shuffles")
    threadCount = try require(
      json["threadCount"]?.int.within(OptionRanges.threads), "threadCount")
    instructionSet = try require(json["instructionSet"]?.string, "instructionSet")
    if let interval = json["saveEverySteps"], interval != .null {
      saveEverySteps = try require(interval.int.within(1...Int.max), "saveEverySteps")
    }
    if let interval = json["saveEverySeconds"], interval != .null {
      saveEverySeconds = try require(
        interval.double.within(Double.leastNonzeroMagnitude...1e12), "saveEverySeconds")
    }
    retention = .everything
    if let rules = json["retention"] {
      retention = try require(Retention(json: rules), "retention")
    }
    checkpointProfile = try require(
      json["checkpointFormat"]?.string.flatMap(CheckpointFormat.init)?.profile, "checkpointFormat")
    if let count = json["maximumShardByteCount"], count != .null {
      maximumShardByteCount = try require(count.int.within(1...Int.max), "maximumShardByteCount")
    }
    digests = try require(
      json["digests"]?.string.flatMap(DigestAlgorithm.init(rawValue:)), "digests")
    if let rule = json["earlyStopping"], rule != .null {
      earlyStopping = try require(EarlyStopping(json: rule), "earlyStopping")
    }
    output = json["output"]?.string
    history = json["history"]?.string
    outputWeights = try require(
      json["outputWeights"]?.string.flatMap(OutputWeights.init), "outputWeights")
    if outputWeights == .best {
      _ = try require(earlyStopping?.keepsBestWeights == true ? true : nil, "outputWeights")
    }
  }

  init(
    dataPath: String, dataDigest: String, validationSplit: Double, epochs: Int, batchSize: Int,
    shuffles: Bool, threadCount: Int, instructionSet: String, saveEverySteps: Int?,
    saveEverySeconds: Double?, retention: Retention, checkpointProfile: Profile,
    maximumShardByteCount: Int?, digests: DigestAlgorithm, earlyStopping: EarlyStopping?,
    output: String?, history: String?, outputWeights: OutputWeights
  ) {
    self.dataPath = dataPath
    self.dataDigest = dataDigest
    self.validationSplit = validationSplit
    self.epochs = epochs
    self.batchSize = batchSize
    self.shuffles = shuffles
    self.threadCount = threadCount
    self.instructionSet = instructionSet
    self.saveEverySteps = saveEverySteps
    self.saveEverySeconds = saveEverySeconds
    self.retention = retention
    self.checkpointProfile = checkpointProfile
    self.maximumShardByteCount = maximumShardByteCount
    self.digests = digests
    self.earlyStopping = earlyStopping
    self.output = output
    self.history = history
    self.outputWeights = outputWeights
  }
}

/// Which copy of the weights the output file holds as the model's own: those that were trained (`live`), the
/// optimizer's moving averages, as Keras leaves them after `fit` (`average`), or those of the best epoch
/// (`best`).
typealias OutputWeights = WeightsCopy

extension Optional where Wrapped: Comparable {
  fileprivate func within(_ range: some RangeExpression<Wrapped>) -> Wrapped? {
    flatMap { range.contains($0) ? $0 : nil }
  }
}
