import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing
import Training

@Suite("Resumption with every rule")
struct RuleResumptionTests {
  static let rules: [OptimizerConfiguration.Rule] = [
    .sgd(), .sgd(momentum: 0.9, nesterov: true), .rmsprop(),
    .rmsprop(momentum: 0.5, centered: true),
    .adam(), .adam(amsgrad: true), .adamW(),
  ]
  static let profiles = [
    Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras3, layout: .weights),
  ]

  @Test(
    "a run that went through a file of either generation equals one that did not",
    arguments: rules, [Arithmetic.keras2, .keras3])
  func throughFiles(_ rule: OptimizerConfiguration.Rule, _ arithmetic: Arithmetic) throws {
    let folder = try TemporaryDirectory()
    let run = try SmallRun()
    let optimizer = try Optimizer(
      configuration: OptimizerConfiguration(
        rule: rule, learningRate: .constant(0.01),
        weightDecay: rule.defaultWeightDecay,
        average: .init(isEnabled: true, momentum: 0.9, overwriteFrequency: 4),
        arithmetic: arithmetic))
    let start = try TrainingState(model: run.trainer.model, optimizer: optimizer, seed: 9)
    var whole = start
    try run.trainer.fit(run.data, epochs: 3, state: &whole)
    for profile in Self.profiles {
      var first = start
      try run.trainer.fit(run.data, epochs: 2, state: &first)
      let path = folder.file("\(profile.dialect.rawValue)\(profile.layout.fileSuffix)")
      try first.checkpoint(run.trainer).save(to: path, profile: profile)
      let reader = try CheckpointReader(opening: path)
      #expect(reader.manifest.notes.isEmpty)
      var second = try TrainingState(resuming: reader.load(), model: run.trainer.model)
      try run.trainer.fit(run.data, epochs: 3, state: &second)
      for (a, b) in zip(second.variables, whole.variables) {
        #expect(a.value.isIdentical(to: b.value), "\(a.name)")
      }
      #expect(second.optimizer.slots.names == whole.optimizer.slots.names)
      for slot in whole.optimizer.slots.names {
        for (a, b) in zip(second.optimizer.slots[slot] ?? [], whole.optimizer.slots[slot] ?? []) {
          let (resumed, expected) = (try #require(a), try #require(b))
          #expect(resumed.isIdentical(to: expected), "\(slot)")
        }
      }
    }
  }

  @Test(
    "a file that Keras compiled with a rule goes on with it",
    arguments: ["keras-2.12", "keras-3.15"],
    ["sgd", "sgd_nesterov", "rmsprop", "adam", "adamw"])
  func fromKeras(generation: String, name: String) throws {
    let checkpoint = try CheckpointReader(
      opening: Fixture.path("\(generation)/\(name).h5")
    ).load()
    let saved = try #require(checkpoint.optimizer)
    let model = try Model(configuration: #require(checkpoint.model))
    var variables = model.trainableVariables.map { checkpoint.variables[$0] }
    var optimizer = try Optimizer(restoring: saved, training: variables)
    #expect(try optimizer.configuration() == saved.configuration)
    #expect(optimizer.iterations == 5)
    for slot in saved.slots {
      let restored = try #require(optimizer.slots[slot.slot, slot.owner])
      #expect(restored.isIdentical(to: slot.value))
    }
    let before = variables
    try optimizer.applyGradients(
      variables.map { .dense(Tensor(repeating: 1, shape: $0.value.shape, dtype: .float32)) },
      to: &variables)
    for (old, new) in zip(before, variables) {
      let (a, b) = (old.value.elements(of: Float.self), new.value.elements(of: Float.self))
      #expect(zip(a, b).allSatisfy { $0 > $1 }, "\(old.name) did not go down its slope")
    }
  }

  @Test("a missing slot of a rule is refused, and not made up")
  func missingSlot() throws {
    let checkpoint = try CheckpointReader(opening: Fixture.path("keras-2.12/adam.h5")).load()
    var saved = try #require(checkpoint.optimizer)
    let model = try Model(configuration: #require(checkpoint.model))
    let variables = model.trainableVariables.map { checkpoint.variables[$0] }
    saved.slots.removeLast()
    #expect(throws: TrainingError.self) {
      try Optimizer(restoring: saved, training: variables)
    }
  }
}
