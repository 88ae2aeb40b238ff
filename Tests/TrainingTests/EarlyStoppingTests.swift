import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors
import Testing

@testable import Training

@Suite("Early stopping")
struct EarlyStoppingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let rule: EarlyStopping
    let values: [Double]
    /// Epochs until the run ended.
    let epochCount: Int
    let best: Double
    let bestEpoch: Int
    let waited: Int

    init(
      _ rule: EarlyStopping, _ values: [Double], epochCount: Int, best: Double, bestEpoch: Int,
      waited: Int
    ) {
      self.rule = rule
      self.values = values
      self.epochCount = epochCount
      self.best = best
      self.bestEpoch = bestEpoch
      self.waited = waited
    }

    var testDescription: String { "\(rule) \(values)" }
  }

  /// What `keras.callbacks.EarlyStopping` of Keras 3.15.1 did with these values, called epoch by epoch
  /// with a model that only counts.
  static let cases = [
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 0, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.81, 0.78, 0.48, 0.25, 0.05, 0.31, 0.32],
      epochCount: 6, best: 0.05, bestEpoch: 4, waited: 1),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 0, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.9, 0.81, 0.36, 0.44, .nan],
      epochCount: 4, best: 0.36, bestEpoch: 2, waited: 1),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 1, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.87, 0.02, 0.65, 0.0],
      epochCount: 3, best: 0.02, bestEpoch: 1, waited: 1),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 3, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.39, 0.77, 0.35, 0.63, .nan, 0.76, 0.77],
      epochCount: 6, best: 0.35, bestEpoch: 2, waited: 3),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0.05, patience: 2, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.48, 0.92, 0.29, 0.36, 0.0, 0.34, 0.49, 0.69],
      epochCount: 7, best: 0.0, bestEpoch: 4, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0.05, patience: 2, direction: .lower, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.41, 0.07, 0.79, 0.74, .nan],
      epochCount: 4, best: 0.07, bestEpoch: 1, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 2, direction: .lower, baseline: 0.5,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.0, 0.19, 0.32, 0.82],
      epochCount: 3, best: 0.0, bestEpoch: 0, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 2, direction: .lower, baseline: 0.5,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.5, 0.66, 0.64],
      epochCount: 2, best: 0.5, bestEpoch: 0, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 2, direction: .lower, baseline: nil,
        startFromEpoch: 3, keepsBestWeights: true),
      [0.42, 0.65, 0.73, 0.83, 0.32, 0.57, 0.26, 0.61, 0.16, 0.58, 0.31, 0.42],
      epochCount: 11, best: 0.16, bestEpoch: 8, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 2, direction: .lower, baseline: nil,
        startFromEpoch: 3, keepsBestWeights: true),
      [0.49, 0.05, 0.04, 0.47, .nan, 0.68, 0.02],
      epochCount: 6, best: 0.47, bestEpoch: 3, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 2, direction: .higher, baseline: nil,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.62, 0.24, 0.51, 0.6],
      epochCount: 3, best: 0.62, bestEpoch: 0, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0.1, patience: 1, direction: .higher, baseline: 0.9,
        startFromEpoch: 0, keepsBestWeights: true),
      [0.73, 0.24, 0.18],
      epochCount: 2, best: 0.73, bestEpoch: 0, waited: 2),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 3, direction: .lower, baseline: 0.2,
        startFromEpoch: 2, keepsBestWeights: true),
      [0.48, 0.37, 0.88, 0.33, 0.75, 0.34],
      epochCount: 5, best: 0.33, bestEpoch: 3, waited: 3),
    Case(
      .init(
        monitor: "val_loss", minimumChange: 0, patience: 3, direction: .lower, baseline: 0.2,
        startFromEpoch: 2, keepsBestWeights: true),
      [0.03, 0.15, 0.85, 0.12, .nan, 0.77, 0.09, 0.3, 0.56, 0.01, 0.04, 0.54, 0.37, 0.13],
      epochCount: 13, best: 0.01, bestEpoch: 9, waited: 3),
  ]

  @Test("does what Keras's callback does", arguments: cases)
  func keras(_ example: Case) {
    var progress = EarlyStopping.Progress()
    var epoch = 0
    while progress.stoppedEpoch == nil, epoch < example.values.count {
      example.rule.record(
        epoch: epoch, value: example.values[epoch], weights: [Tensor([Float(epoch)])],
        in: &progress)
      epoch += 1
    }
    #expect(epoch == example.epochCount)
    #expect(progress.stoppedEpoch == epoch - 1)
    #expect(progress.best == example.best)
    #expect(progress.bestEpoch == example.bestEpoch)
    #expect(progress.waitedEpochs == example.waited)
    #expect(
      progress.bestWeights?[0].elements(of: Float.self) == [Float(example.bestEpoch)])
  }

  @Test("a run ends early, and the weights of its best epoch are kept beside the live ones")
  func endsEarly() throws {
    let run = try SmallRun()
    var trainer = run.trainer
    // A change that nothing reaches: the first epoch stays the best.
    trainer.earlyStopping = EarlyStopping(
      minimumChange: 100, patience: 2, keepsBestWeights: true)
    var state = try run.start()
    var afterFirst: [Variable] = []
    let outcome = try trainer.fit(
      run.data, validation: run.validation, epochs: 9, state: &state
    ) { event, state in
      if case .epochEnded(0, _, _) = event { afterFirst = state.variables }
      return .proceed
    }
    #expect(outcome == .stoppedEarly)
    #expect(state.position.epoch == 3)
    #expect(state.stopping.bestEpoch == 0)
    let best = try #require(state.bestVariables)
    #expect(zip(best, afterFirst).allSatisfy { $0.value.isIdentical(to: $1.value) })
    #expect(!state.variables[0].value.isIdentical(to: best[0].value))
    // It has ended: nothing is left to do.
    let before = state
    #expect(
      try trainer.fit(run.data, validation: run.validation, epochs: 9, state: &state)
        == .stoppedEarly)
    #expect(state.firstDifference(from: before) == nil)
  }

  @Test(
    "a run that goes on from a file stops in the same epoch with the same bits", arguments: 1...4)
  func resumed(epochs: Int) throws {
    let run = try SmallRun()
    var trainer = run.trainer
    trainer.earlyStopping = EarlyStopping(
      minimumChange: 100, patience: 4, keepsBestWeights: true)
    var whole = try run.start()
    var part = whole
    #expect(
      try trainer.fit(run.data, validation: run.validation, epochs: 20, state: &whole)
        == .stoppedEarly)
    try trainer.fit(run.data, validation: run.validation, epochs: epochs, state: &part)
    var resumed = try TrainingState(
      resuming: part.checkpoint(trainer), model: trainer.model)
    #expect(resumed.firstDifference(from: part) == nil)
    try trainer.fit(run.data, validation: run.validation, epochs: 20, state: &resumed)
    #expect(resumed.firstDifference(from: whole) == nil)
    #expect(resumed.stopping.stoppedEpoch == 4)
  }

  @Test(
    "a value that no epoch reports, and options out of range, are refused before the first step")
  func refused() throws {
    let run = try SmallRun()
    for rule in [
      EarlyStopping(monitor: "val_auc"), EarlyStopping(monitor: "loss", patience: -1),
      EarlyStopping(monitor: "loss", minimumChange: -1),
      EarlyStopping(monitor: "loss", minimumChange: .nan),
    ] {
      var trainer = run.trainer
      trainer.earlyStopping = rule
      var state = try run.start()
      let error = #expect(throws: TrainingError.self) {
        try trainer.fit(run.data, validation: run.validation, epochs: 1, state: &state)
      }
      guard case .invalidOption? = error else {
        Issue.record("found \(String(describing: error))")
        return
      }
      #expect(state.position.step == 0)
    }
  }
}
