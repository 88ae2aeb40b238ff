import Checkpoints
import KerasConfiguration
import TestSupport
import Testing

@Suite("Schedules of the learning rate, compared") struct ScheduleDifferencesTests {
  static let kinds: [ScheduleConfiguration.Kind] = [
    .exponentialDecay(initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5),
    .piecewiseConstantDecay(boundaries: [1, 3], values: [0.1, 0.05, 0.01]),
    .polynomialDecay(initialLearningRate: 0.1, decaySteps: 5),
    .inverseTimeDecay(initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.5),
    .cosineDecay(initialLearningRate: 0.1, decaySteps: 7),
    .cosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 3),
  ]
  static let profiles = ["keras2-h5", "keras2-archive", "tf-keras-archive", "keras3-archive"]

  private func file(
    _ kind: ScheduleConfiguration.Kind, _ profileName: String,
    in folder: borrowing TemporaryDirectory
  ) throws -> CheckpointReader {
    let profile = try #require(Profile(name: profileName))
    let configuration = OptimizerConfiguration(learningRate: .schedule(.init(kind)))
    var checkpoint = try Checkpoint(dense: [1], inputs: 1, dialect: profile.dialect)
    checkpoint.training = try TrainingConfiguration(
      loss: .init(.meanSquaredError), optimizer: configuration, dialect: profile.dialect)
    checkpoint.optimizer = OptimizerState(configuration: configuration, iterations: 0, slots: [])
    let path = folder.file("\(profileName)\(profile.layout.fileSuffix)")
    try checkpoint.save(to: path, profile: profile, replacing: true)
    return try CheckpointReader(opening: path)
  }

  @Test("are the same in the words of every Keras", arguments: kinds, profiles)
  func spelling(kind: ScheduleConfiguration.Kind, profile: String) throws {
    let folder = try TemporaryDirectory()
    let first = try file(kind, "keras2-h5", in: folder)
    let second = try file(kind, profile, in: folder)
    let diff = try CheckpointDiff(first, second)
    #expect(diff.isEmpty, "\(diff.configuration)")
  }

  @Test("differ where a parameter does, which is told by its name", arguments: profiles)
  func parameter(profile: String) throws {
    let folder = try TemporaryDirectory()
    let first = try file(
      .cosineDecay(initialLearningRate: 0.1, decaySteps: 7), "tf-keras-h5", in: folder)
    let second = try file(
      .cosineDecay(initialLearningRate: 0.1, decaySteps: 8), profile, in: folder)
    let differences = try CheckpointDiff(first, second).configuration
    #expect(differences.map(\.path) == ["optimizer.learning_rate.config.decay_steps"])
    #expect(differences.first?.before == "7" && differences.first?.after == "8")
  }
}
