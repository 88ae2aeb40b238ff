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
      history: try reader.history(), stopping: try reader.stopping(for: checkpoint.variables))
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
        "lossCount": JSONValue(history.losses.count),
        "epochs": .array(
          history.epochs.map { epoch in
            [
              "stepCount": JSONValue(epoch.stepCount),
              "values": .object(
                JSONObject(epoch.values.map { ($0.name, JSONValue($0.value)) })),
            ]
          }),
        "stopping": [
          "best": JSONValue(stopping.best), "bestEpoch": JSONValue(stopping.bestEpoch),
          "waitedEpochs": JSONValue(stopping.waitedEpochs),
          "stoppedEpoch": JSONValue(stopping.stoppedEpoch),
        ],
        // Keras saves these nowhere.
        "weightDecayExclusions": [
          "variables": .array(
            variables.indices.filter { exclusions.variables.contains(variables[$0].id) }
              .map { JSONValue($0) }),
          "patterns": .array(exclusions.patterns.map { .string($0) }),
          "modelName": JSONValue(exclusions.modelName),
        ],
        "run": run,
      ],
      arrays: [("losses", Tensor(history.losses.padded))]
        + (stopping.bestWeights ?? []).enumerated().map { index, weights in
          (ResumptionReader.name(ofBestWeights: index), weights.storable)
        })
  }
}

extension [Float] {
  /// With zeros up to a power of two, so that the file of one step is laid out as that of the next.
  fileprivate var padded: [Float] {
    var capacity = 1024
    while capacity < count { capacity *= 2 }
    return self + repeatElement(0, count: capacity - count)
  }
}

extension Tensor {
  /// In a dtype that files have: bfloat16 becomes float32, which loses nothing.
  fileprivate var storable: Tensor { dtype == .bfloat16 ? converted(to: .float32) : self }
}
