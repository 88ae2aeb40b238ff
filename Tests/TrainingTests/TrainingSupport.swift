import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

/// A small run with everything that carries state from step to step: shuffling, dropout, batch
/// normalization, averages that overwrite, a last batch that is smaller.
struct SmallRun {
  let trainer: Trainer
  let data: Dataset
  let validation: Dataset
  let epochs = 3

  init(batchSize: Int = 4, optimizerSeed: UInt64 = 1) throws {
    let model = try Model.sequential(
      inputShape: [5],
      [
        .dense(.init(units: 6, activation: .relu)), .batchNormalization(.init(momentum: 0.9)),
        .dropout(.init(rate: 0.25)), .dense(.init(units: 3, activation: .softmax)),
      ])
    trainer = Trainer(
      model: model, loss: .init(.sparseCategoricalCrossentropy), metrics: [.init(.accuracy)],
      batchSize: batchSize)
    let inputs = normalTensor("run inputs", [22, 5])
    let labels = Tensor((0..<22).map { Int64($0 * 7 % 3) })
    (data, validation) = try Dataset(inputs: inputs, labels: labels)
      .split(validationFraction: 0.2)
  }

  func start() throws -> TrainingState {
    let optimizer = try Optimizer(
      Adagrad(), learningRate: 0.1,
      averages: MovingAverages(momentum: 0.8, overwriteFrequency: 4))
    return try TrainingState(model: trainer.model, optimizer: optimizer, seed: 9)
  }
}

/// Every bit of two states.
func expectIdentical(
  _ a: TrainingState, _ b: TrainingState, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let same =
    a.variables.count == b.variables.count
    && zip(a.variables, b.variables).allSatisfy { $0.value.isIdentical(to: $1.value) }
  #expect(same, "variables", sourceLocation: sourceLocation)
  #expect(a.optimizer.iterations == b.optimizer.iterations, comment, sourceLocation: sourceLocation)
  #expect(a.optimizer.slots.names == b.optimizer.slots.names, sourceLocation: sourceLocation)
  for name in a.optimizer.slots.names {
    let first = a.optimizer.slots[name] ?? []
    let second = b.optimizer.slots[name] ?? []
    let same = zip(first, second).allSatisfy { a, b in
      guard let a, let b else { return a == nil && b == nil }
      return a.isIdentical(to: b)
    }
    #expect(same && first.count == second.count, "slot \(name)", sourceLocation: sourceLocation)
  }
  #expect(a.seed == b.seed, sourceLocation: sourceLocation)
  #expect(a.position == b.position, comment, sourceLocation: sourceLocation)
  #expect(a.running == b.running, comment, sourceLocation: sourceLocation)
  #expect(a.history == b.history, comment, sourceLocation: sourceLocation)
}
