public import Checkpoints
public import KerasConfiguration
import Optimizers
import Tensors

extension TrainingState {
  /// The whole state as a checkpoint; no bytes move.
  ///
  /// - Parameters:
  ///   - trainer: whose model, loss and metrics the file describes.
  ///   - run: whatever the caller needs to find its data and options again.
  ///
  /// Throws ``TrainingError/optimizer(_:)`` for a rule that Keras does not have, and
  /// ``TrainingError/configuration(_:)`` for a metric that it does not have.
  public func checkpoint(
    _ trainer: Trainer, run: JSONValue = .null
  ) throws(TrainingError) -> Checkpoint {
    let optimizer = try optimizer.checkpointState()
    let training: TrainingConfiguration
    do throws(ConfigurationError) {
      training = try TrainingConfiguration(
        loss: trainer.loss, metrics: trainer.metrics, optimizer: optimizer.configuration,
        // Keras 2 has no words for some of the options of Keras 3's arithmetic.
        dialect: optimizer.configuration.arithmetic == .keras3 ? .keras3 : .keras2)
    } catch { throw .configuration(error) }
    return Checkpoint(
      model: trainer.model.configuration, variables: variables, training: training,
      optimizer: optimizer, resumption: resumptionRecord(run: run))
  }

  /// Takes up a run from a checkpoint of Cairn.
  ///
  /// Throws ``TrainingError/stateMismatch(_:)`` when the checkpoint holds no run, or not this model's.
  public init(resuming checkpoint: Checkpoint, model: Model) throws(TrainingError) {
    guard let record = checkpoint.resumption else {
      throw .stateMismatch(
        "the checkpoint holds no run that could go on: train from it with --model instead")
    }
    guard let state = checkpoint.optimizer else {
      throw .stateMismatch("the checkpoint holds no optimizer")
    }
    try model.check(checkpoint.variables)
    var optimizer = try Optimizer(
      restoring: state, training: model.trainableVariables.map { checkpoint.variables[$0] })
    let reader = ResumptionReader(record)
    let exclusions = try reader.exclusions(among: checkpoint.variables)
    do throws(OptimizerError) { try optimizer.restore(exclusions) } catch {
      throw .optimizer(error)
    }
    self.init(
      variables: checkpoint.variables, optimizer: optimizer, seed: try reader.seed(),
      position: try reader.position(), running: try reader.running(),
      history: try reader.history())
  }

  private func resumptionRecord(run: JSONValue) -> ResumptionRecord {
    let exclusions = optimizer.weightDecayExclusions
    return ResumptionRecord(
      json: [
        // A string: a 64-bit seed may exceed what JSON readers hold exactly.
        "seed": .string(String(seed)),
        "position": [
          "epoch": JSONValue(position.epoch), "batch": JSONValue(position.batch),
          "step": JSONValue(Int(position.step)),
        ],
        "running": [
          "rowCount": JSONValue(running.rowCount),
          "sums": .array(
            running.sums.map {
              ["name": .string($0.name), "sum": JSONValue($0.sum), "weight": JSONValue($0.weight)]
            }),
        ],
        "epochs": .array(
          history.epochs.map { epoch in
            [
              "stepCount": JSONValue(epoch.stepCount),
              "values": .object(
                JSONObject(epoch.values.map { ($0.name, JSONValue($0.value)) })),
            ]
          }),
        // Keras saves these nowhere.
        "weightDecayExclusions": [
          "variables": .array(
            variables.indices.filter { exclusions.variables.contains(variables[$0].id) }
              .map { JSONValue($0) }),
          "patterns": .array(exclusions.patterns.map { .string($0) }),
          "modelName": JSONValue(exclusions.modelName),
        ],
        "run": run,
      ], arrays: [("losses", Tensor(history.losses))])
  }
}

/// Decodes what ``TrainingState/checkpoint(_:run:)`` recorded.
private struct ResumptionReader {
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
    return TrainingHistory(losses: losses.elements(of: Float.self), epochs: epochs)
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
