import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing
import Training

/// A run in 120 steps with everything that carries state from one to the next: an embedding, dropout, batch
/// normalization, averages that overwrite the weights, a schedule, shuffling, early stopping, a smaller last
/// batch.
private struct LongRun {
  static let stepCount = 120
  static let epochs = 20

  let trainer: Trainer
  let data: Dataset
  let validation: Dataset

  init() throws {
    let model = try Model.sequential(
      inputShape: [3], inputDType: .int64,
      [
        .embedding(.init(inputDimension: 11, outputDimension: 4)), .flatten,
        .dense(.init(units: 5, activation: .relu)), .batchNormalization(.init(momentum: 0.9)),
        .dropout(.init(rate: 0.3)), .dense(.init(units: 3, activation: .softmax)),
      ])
    trainer = Trainer(
      model: model, loss: .init(.sparseCategoricalCrossentropy), metrics: [.init(.accuracy)],
      batchSize: 4, earlyStopping: EarlyStopping(patience: 100, keepsBestWeights: true))
    let ids = Tensor((0..<29 * 3).map { Int64($0 * 7 % 11) }, shape: [29, 3])
    let labels = Tensor((0..<29).map { Int64($0 * 5 % 3) })
    (data, validation) = try Dataset(inputs: ids, labels: labels).split(validationFraction: 0.2)
  }

  func start() throws -> TrainingState {
    let optimizer = try Optimizer(
      Adagrad(),
      learningRate: .schedule(CosineDecay(initialLearningRate: 0.3, decaySteps: 100)),
      averages: MovingAverages(momentum: 0.9, overwriteFrequency: 7))
    return try TrainingState(model: trainer.model, optimizer: optimizer, seed: 5)
  }

  /// Trains to the end, or until `stop` says so.
  func train(
    _ state: inout TrainingState,
    until stop: (TrainingEvent, TrainingState) throws -> Bool = { _, _ in false }
  ) throws {
    try trainer.fit(data, validation: validation, epochs: Self.epochs, state: &state) {
      try stop($0, $1) ? .stop : .proceed
    }
  }
}

@Suite("Exactness")
struct ExactnessTests {
  @Test(
    "a run stopped after any of its 120 steps and resumed from the file ends in the same bits",
    arguments: [
      (Profile(dialect: .keras2, layout: .wholeModel), 1),
      // The state is the same in every layout: a sample.
      (Profile(dialect: .keras3, layout: .archive), 15),
      (Profile(dialect: .keras3, layout: .weights), 15),
    ])
  func everyStep(profile: Profile, every: Int) throws {
    let folder = try TemporaryDirectory()
    let store = try CheckpointStore(opening: folder.path, profile: profile)
    let run = try LongRun()
    var whole = try run.start()
    // Every step's state is saved from one run: what a stop after it would leave.
    try run.train(&whole) { event, state in
      if case .stepEnded(let step) = event, Int(step.step).isMultiple(of: every) {
        try store.save(state.checkpoint(run.trainer), step: Int(step.step))
      }
      return false
    }
    try store.finish()
    #expect(whole.position.step == Int64(LongRun.stepCount))

    let saved = try store.saved()
    #expect(
      saved.map(\.step) == (1...LongRun.stepCount).filter { $0.isMultiple(of: every) }.reversed()
    )
    for file in saved {
      var state = try TrainingState(
        resuming: CheckpointReader(opening: file.path).load(), model: run.trainer.model)
      #expect(state.position.step == Int64(file.step))
      try run.train(&state)
      let difference = state.firstDifference(from: whole)
      #expect(difference == nil, "resumed after step \(file.step)")
    }
  }

  @Test("what is compared includes every part of the state")
  func firstDifference() throws {
    let run = try LongRun()
    var state = try run.start()
    try run.train(&state) { event, _ in
      if case .stepEnded(let step) = event { return step.step == 9 }
      return false
    }
    #expect(state.firstDifference(from: state) == nil)
    let kernel = state.variables.firstIndex { $0.name == "dense/kernel" }!
    let id = state.variables[kernel].id
    let changes: [(name: String, change: (inout TrainingState) throws -> Void)] = [
      (
        "dense/kernel",
        { $0.variables[kernel].value.withMutableElements(of: Float.self) { $0[7] = 3 } }
      ),
      (
        "accumulator/dense/kernel",
        {
          var slot = $0.optimizer.slots["accumulator", id]!
          slot.withMutableElements(of: Float.self) { $0[7] = 3 }
          try $0.optimizer.setSlots([SlotID(slot: "accumulator", variable: id): slot])
        }
      ),
      ("iteration: 9 and 8", { $0.optimizer.iterations = 8 }),
      ("seed: 5 and 6", { $0.seed = 6 }),
      (
        "position: step 9, epoch 2, batch 3 and step 9, epoch 2, batch 4", { $0.position.batch = 4 }
      ),
      ("the sums of the epoch under way", { $0.running.rowCount = 1 }),
      ("the values of past epochs", { $0.history.epochs[0].values[0].value = 1 }),
      ("the progress of early stopping", { $0.stopping.waitedEpochs += 1 }),
      (
        "the progress of early stopping",
        { $0.stopping.bestWeights![0].withMutableElements(of: Float.self) { $0[0] = 3 } }
      ),
    ]
    for (name, change) in changes {
      var other = state
      try change(&other)
      #expect(state.firstDifference(from: other) == name)
    }
    var other = state
    other.history.losses[4] = 0.5
    #expect(state.firstDifference(from: other)?.hasPrefix("the loss of step 5: ") == true)
  }
}

@Suite("Live weights and averages")
struct LiveWeightsTests {
  @Test("training to the end leaves the live weights in the state, and the file says so")
  func live() throws {
    let folder = try TemporaryDirectory()
    let run = try SmallRun()
    var state = try TrainingState(
      model: run.trainer.model,
      optimizer: Optimizer(
        Adagrad(), learningRate: 0.1, averages: MovingAverages(momentum: 0.8)), seed: 9)
    try run.trainer.fit(run.data, epochs: 3, state: &state)
    let averaged = try #require(state.averagedVariables)
    #expect(!averaged[0].value.isIdentical(to: state.variables[0].value))

    let profile = Profile(dialect: .keras2, layout: .wholeModel)
    let checkpoint = try state.checkpoint(run.trainer)
    try checkpoint.save(to: folder.file("live.h5"), profile: profile)
    let reader = try CheckpointReader(opening: folder.file("live.h5"))
    #expect(reader.manifest.weights == .live)
    #expect(try reader.load().variables[0].value.isIdentical(to: state.variables[0].value))

    var output = checkpoint
    output.variables = averaged
    output.weights = .average
    try output.save(to: folder.file("average.h5"), profile: profile)
    let other = try CheckpointReader(opening: folder.file("average.h5"))
    #expect(other.manifest.weights == .average)
    #expect(try other.load().weights == .average)
  }
}
