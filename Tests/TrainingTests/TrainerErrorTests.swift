import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

@Suite("What training refuses")
struct TrainerErrorTests {
  private let model = try! Model.sequential(
    inputShape: [2], [.dense(.init(units: 3, activation: .softmax))])

  private func trainer() -> Trainer {
    Trainer(model: model, loss: .init(.sparseCategoricalCrossentropy), batchSize: 2)
  }

  private func state() throws -> TrainingState {
    try TrainingState(model: model, optimizer: Optimizer(Adagrad()), seed: 0)
  }

  @Test("a NaN in the data stops training at its step, with the state of the step before")
  func nan() throws {
    var x = normalTensor("x", [8, 2])
    x.withMutableElements(of: Float.self) { $0[9] = .nan }  // row 4, in step 3
    let data = try Dataset(inputs: x, labels: Tensor([0, 1, 2, 0, 1, 2, 0, 1] as [Int64]))
    var trainer = trainer()
    trainer.shuffles = false
    var state = try state()
    var lastGood: TrainingState?
    let error = #expect(throws: TrainingError.self) {
      try trainer.fit(data, epochs: 1, state: &state) { event, state in
        if case .stepEnded = event { lastGood = state }
        return .proceed
      }
    }
    guard case .lossNotFinite(_, step: 3, epoch: 0, batch: 2)? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    #expect(
      error?.description == "the loss became nan at step 3 (epoch 1, batch 3); training stopped "
        + "before that step was applied")
    #expect(state.position.step == 2)
    expectIdentical(state, try #require(lastGood))
  }

  @Test("x and y of different lengths")
  func lengths() {
    let error = #expect(throws: TrainingError.self) {
      try Dataset(inputs: Tensor(zeros: [5, 2]), labels: Tensor(zeros: [4], dtype: .int64))
    }
    #expect(error?.description == "x has 5 rows and y has 4")
    #expect(throws: TrainingError.self) {
      try Dataset(inputs: Tensor(zeros: [0, 2]), labels: Tensor(zeros: [0]))
    }
    #expect(throws: TrainingError.self) {
      try Dataset(inputs: Tensor(scalar: Float(1)), labels: Tensor(scalar: Float(1)))
    }
  }

  @Test("a label out of range, before the first step")
  func labels() throws {
    let data = try Dataset(
      inputs: normalTensor("x", [4, 2]), labels: Tensor([0, 1, 2, 3] as [Int64]))
    var state = try state()
    let before = state
    let error = #expect(throws: TrainingError.self) {
      try trainer().fit(data, epochs: 1, state: &state)
    }
    #expect(error?.description == "the label of row 3 is 3: expected a whole number in 0..<3")
    expectIdentical(state, before)
  }

  @Test("inputs that the model does not take, before the first step")
  func inputs() throws {
    let data = try Dataset(
      inputs: normalTensor("x", [4, 3]), labels: Tensor([0, 1, 2, 0] as [Int64]))
    var state = try state()
    #expect(throws: TrainingError.self) { try trainer().fit(data, epochs: 1, state: &state) }
  }

  @Test("a validation split that leaves nothing", arguments: [0, 1, -0.5, 0.999, .nan])
  func split(fraction: Double) throws {
    let data = try Dataset(
      inputs: normalTensor("x", [4, 2]), labels: Tensor([0, 1, 2, 0] as [Int64]))
    #expect(throws: TrainingError.self) { try data.split(validationFraction: fraction) }
  }

  @Test("a validation split takes the tail")
  func tail() throws {
    let data = try Dataset(
      inputs: normalTensor("x", [9, 2]), labels: Tensor((0..<9).map { Int64($0 % 3) }))
    let (training, validation) = try data.split(validationFraction: 0.25)
    #expect(training.rows == 0..<6)
    #expect(validation.rows == 6..<9)
  }

  @Test("a batch size of zero, nothing to train, another model's optimizer, a handler's own error")
  func others() throws {
    let data = try Dataset(
      inputs: normalTensor("x", [4, 2]), labels: Tensor([0, 1, 2, 0] as [Int64]))
    var state = try state()
    var trainer = trainer()
    trainer.batchSize = 0
    #expect(throws: TrainingError.self) { try trainer.fit(data, epochs: 1, state: &state) }

    let frozen = try Model.sequential(
      inputShape: [2], layers: [.init(name: "d", isTrainable: false, .dense(.init(units: 1)))])
    #expect(throws: TrainingError.self) {
      try TrainingState(model: frozen, optimizer: Optimizer(Adagrad()), seed: 0)
    }

    var foreign = state
    foreign.optimizer = try SmallRun().start().optimizer
    let before = foreign
    let refusal = #expect(throws: TrainingError.self) {
      try self.trainer().fit(data, epochs: 1, state: &foreign)
    }
    guard case .optimizer? = refusal else {
      Issue.record("found \(String(describing: refusal))")
      return
    }
    expectIdentical(foreign, before)

    struct DiskIsFull: Error {}
    let error = #expect(throws: TrainingError.self) {
      try self.trainer().fit(data, epochs: 1, state: &state) { _, _ in throw DiskIsFull() }
    }
    guard case .eventHandler(let cause)? = error, cause is DiskIsFull else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }
}
