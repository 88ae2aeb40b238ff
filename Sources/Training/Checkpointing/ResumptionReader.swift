import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors

/// Decodes what ``TrainingState/checkpoint(_:run:)`` recorded.
struct ResumptionReader {
  private let json: JSONValue
  private let arrays: [(name: String, value: Tensor)]

  init(_ record: ResumptionRecord) {
    json = record.json
    arrays = record.arrays
  }

  func seed() throws(TrainingError) -> UInt64 {
    try require(json["seed"]?.string.flatMap { UInt64($0) }, "seed")
  }

  func position() throws(TrainingError) -> TrainingState.Position {
    let position = json["position"]
    return TrainingState.Position(
      epoch: try count(position?["epoch"], "position.epoch"),
      batch: try count(position?["batch"], "position.batch"),
      step: Int64(try count(position?["step"], "position.step")))
  }

  /// None in the records of versions that had no exclusions.
  func exclusions(among variables: [Variable]) throws(TrainingError) -> WeightDecayExclusions {
    guard let exclusions = json["weightDecayExclusions"] else { return WeightDecayExclusions() }
    var excluded: Set<VariableID> = []
    for entry in try require(
      exclusions["variables"]?.array, "weightDecayExclusions.variables")
    {
      let index = try count(entry, "weightDecayExclusions.variables")
      guard index < variables.count else { throw damaged("weightDecayExclusions.variables") }
      excluded.insert(variables[index].id)
    }
    var patterns: [String] = []
    for entry in try require(exclusions["patterns"]?.array, "weightDecayExclusions.patterns") {
      patterns.append(try require(entry.string, "weightDecayExclusions.patterns"))
    }
    return WeightDecayExclusions(
      variables: excluded, patterns: patterns, modelName: exclusions["modelName"]?.string)
  }

  func running() throws(TrainingError) -> RunningMeans {
    let running = json["running"]
    var sums: [RunningMeans.Sum] = []
    for sum in try require(running?["sums"]?.array, "running.sums") {
      sums.append(
        RunningMeans.Sum(
          name: try require(sum["name"]?.string, "running.sums.name"),
          sum: try require(sum["sum"]?.double, "running.sums.sum"),
          weight: try require(sum["weight"]?.double, "running.sums.weight")))
    }
    return RunningMeans(rowCount: try count(running?["rowCount"], "running.rowCount"), sums: sums)
  }

  func history() throws(TrainingError) -> TrainingHistory {
    var epochs: [TrainingHistory.Epoch] = []
    for epoch in try require(json["epochs"]?.array, "epochs") {
      var values: [NamedValue] = []
      for pair in try require(epoch["values"]?.object, "epochs.values").pairs {
        values.append(NamedValue(pair.key, try require(pair.value.double, "epochs.\(pair.key)")))
      }
      epochs.append(
        TrainingHistory.Epoch(
          stepCount: try count(epoch["stepCount"], "epochs.stepCount"), values: values))
    }
    let losses = try require(arrays.first { $0.name == "losses" }?.value, "losses")
    guard losses.dtype == .float32 else { throw damaged("losses") }
    let lossCount = try count(json["lossCount"], "lossCount")
    // What stands behind the losses is room for those to come.
    let found = losses.elements(of: Float.self)
    guard found.count >= lossCount else {
      throw .stateMismatch(
        "the checkpoint's record of the run is damaged: of the losses of \(lossCount) steps it has"
          + " \(found.count)")
    }
    return TrainingHistory(losses: Array(found.prefix(lossCount)), epochs: epochs)
  }

  /// The array of the best epoch's weights of one variable.
  static func name(ofBestWeights index: Int) -> String { "best-\(index)" }

  /// Nothing in the records of versions that had no early stopping.
  func stopping(for variables: [Variable]) throws(TrainingError) -> EarlyStopping.Progress {
    guard let stopping = json["stopping"] else { return EarlyStopping.Progress() }
    func optional<Value>(
      _ key: String, _ value: (JSONValue) -> Value?
    ) throws(TrainingError) -> Value? {
      guard let found = stopping[key], found != .null else { return nil }
      return try require(value(found), "stopping.\(key)")
    }
    return EarlyStopping.Progress(
      best: try optional("best", \.double), bestEpoch: try optional("bestEpoch", \.int),
      waitedEpochs: try count(stopping["waitedEpochs"], "stopping.waitedEpochs"),
      stoppedEpoch: try optional("stoppedEpoch", \.int),
      bestWeights: try bestWeights(of: variables))
  }

  private func bestWeights(of variables: [Variable]) throws(TrainingError) -> [Tensor]? {
    guard arrays.contains(where: { $0.name == Self.name(ofBestWeights: 0) }) else { return nil }
    var weights: [Tensor] = []
    for (index, variable) in variables.enumerated() {
      let name = Self.name(ofBestWeights: index)
      let value = try require(arrays.first { $0.name == name }?.value, name)
      guard value.shape == variable.value.shape else { throw damaged(name) }
      weights.append(value.converted(to: variable.value.dtype))
    }
    return weights
  }

  private func count(_ value: JSONValue?, _ key: String) throws(TrainingError) -> Int {
    let count = try require(value?.int, key)
    guard count >= 0 else { throw damaged(key) }
    return count
  }

  private func require<Value>(_ value: Value?, _ key: String) throws(TrainingError) -> Value {
    if let value { return value }
    throw damaged(key)
  }

  private func damaged(_ key: String) -> TrainingError {
    .stateMismatch(
      "the checkpoint's record of the run is damaged: `\(key)` is missing or no such value")
  }
}
