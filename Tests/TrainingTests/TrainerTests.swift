import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

@Suite("Trainer")
struct TrainerTests {
  @Test("one step of a linear model is what a calculation by hand gives")
  func oneStep() throws {
    let model = try Model.sequential(inputShape: [1], [.dense(.init(units: 1))])
    let trainer = Trainer(model: model, loss: .init(.meanSquaredError))
    var variables = model.initialVariables(seed: 0)
    variables[0].value = Tensor([2] as [Float], shape: [1, 1])
    var state = try TrainingState(
      model: model, optimizer: Optimizer(Adagrad(), learningRate: 1), seed: 0,
      variables: variables)
    let loss = try trainer.step(
      &state,
      batch: Batch(
        inputs: Tensor([1, 2] as [Float], shape: [2, 1]),
        labels: Tensor([1, 2] as [Float])))
    // y = (2, 4), loss (1 + 4) / 2; dy = (1, 2); dw = 5, db = 3.
    #expect(loss == 2.5)
    let kernel = state.variables[0].value.elements(of: Float.self)[0]
    let bias = state.variables[1].value.elements(of: Float.self)[0]
    #expect(abs(kernel - (2 - 5 / Float(25.1).squareRoot())) < 1e-6)
    #expect(abs(bias + 3 / Float(9.1).squareRoot()) < 1e-6)
    #expect(state.optimizer.iterations == 1)
    #expect(state.position == .init(epoch: 0, batch: 1, step: 1))
  }

  @Test("the events of a run come in order, with the loss of each step and the means so far")
  func events() throws {
    let run = try SmallRun()
    var state = try run.start()
    var names: [String] = []
    var losses: [Float] = []
    var sum = 0.0
    try run.trainer.fit(
      run.data, validation: run.validation, epochs: 2, state: &state
    ) { event, state in
      switch event {
      case .epochBegan(let epoch, let epochCount, let firstBatch, let batchCount):
        #expect(epochCount == 2 && firstBatch == 0 && batchCount == 5)
        names.append("begin \(epoch)")
        sum = 0
      case .stepEnded(let step):
        names.append("step \(step.step)")
        losses.append(step.loss)
        let rows = step.batch == 4 ? 1.0 : 4.0  // 17 rows
        sum += Double(step.loss) * rows
        let mean = sum / (Double(step.batch) * 4 + rows)
        #expect(abs(step.means[0].value - mean) < 1e-12)
        #expect(step.means.map(\.name) == ["loss", "accuracy"])
        #expect(state.position.step == step.step)
      case .validationBatchEnded(let epoch, let batch, let batchCount):
        names.append("validate \(batch) of \(batchCount)")
        #expect(state.position == .init(epoch: epoch, batch: 5, step: Int64(5 * epoch + 5)))
      case .epochEnded(let epoch, _, let values):
        names.append("end \(epoch)")
        #expect(values.map(\.name) == ["loss", "accuracy", "val_loss", "val_accuracy"])
        #expect(state.history.epochs.last?.values == values)
        #expect(state.position == .init(epoch: epoch + 1, batch: 0, step: Int64(5 * epoch + 5)))
      }
      return .proceed
    }
    #expect(
      names == [
        "begin 0", "step 1", "step 2", "step 3", "step 4", "step 5",
        "validate 0 of 2", "validate 1 of 2", "end 0",
        "begin 1", "step 6", "step 7", "step 8", "step 9", "step 10",
        "validate 0 of 2", "validate 1 of 2", "end 1",
      ])
    #expect(state.history.losses == losses)
    #expect(state.history.epochs.map(\.stepCount) == [5, 10])
    #expect((0..<11).map(state.history.epoch(ofStepAt:)) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2])
  }

  @Test("each epoch visits every row once, in an order of its own, a function of the seed")
  func shuffling() throws {
    var state = try SmallRun().start()
    let first = state.order(ofRows: 100, shuffled: true)
    #expect(first.sorted() == Array(0..<100))
    #expect(first != Array(0..<100))
    #expect(state.order(ofRows: 100, shuffled: true) == first)
    #expect(state.order(ofRows: 100, shuffled: false) == Array(0..<100))
    state.position.epoch = 1
    #expect(state.order(ofRows: 100, shuffled: true) != first)
  }

  @Test("an evaluation weights the loss of each batch by its rows and leaves dropout out")
  func evaluation() throws {
    let run = try SmallRun()
    let variables = try run.start().variables
    let values = try run.trainer.evaluate(run.data, variables: variables)
    var whole = run.trainer
    whole.batchSize = 100
    let expected = try whole.evaluate(run.data, variables: variables)
    #expect(values.map(\.name) == ["loss", "accuracy"])
    #expect(abs(values[0].value - expected[0].value) < 1e-6)
    #expect(values[1].value == expected[1].value)
  }

  @Test("accuracy is the one that fits the shapes, the first of equal outputs winning")
  func accuracy() throws {
    func accuracy(_ outputs: Tensor, _ labels: Tensor, _ loss: LossConfiguration.Function) throws
      -> Double
    {
      let model = try Model.sequential(
        inputShape: outputs.shape.row.dimensions, [.activation(.linear)])
      let trainer = Trainer(model: model, loss: .init(loss), metrics: [.init(.accuracy)])
      return try trainer.evaluate(Dataset(inputs: outputs, labels: labels), variables: [])[1].value
    }
    let outputs = Tensor(
      [0.5, 0.5, 0, 0.1, 0.2, 0.7, 0.3, 0.4, 0.3, 1, 0, 0] as [Float], shape: [4, 3])
    let sparse = Tensor([0, 2, 0, 0] as [Int64])
    let oneHot = Tensor([1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0] as [Float], shape: [4, 3])
    #expect(try accuracy(outputs, sparse, .sparseCategoricalCrossentropy) == 0.75)
    #expect(
      try accuracy(outputs, sparse.reshaped(to: [4, 1]), .sparseCategoricalCrossentropy) == 0.75)
    #expect(try accuracy(outputs, oneHot, .categoricalCrossentropy) == 0.75)
    let single = Tensor([0.5, 0.6, 0.4, 0.9] as [Float], shape: [4, 1])
    #expect(try accuracy(single, Tensor([0, 1, 1, 1] as [Int64]), .binaryCrossentropy) == 0.75)
  }

  @Test("digits are learned")
  func digits() throws {
    let model = try Model.sequential(
      inputShape: [64],
      [.dense(.init(units: 32, activation: .relu)), .dense(.init(units: 10, activation: .softmax))])
    let trainer = Trainer(
      model: model, loss: .init(.sparseCategoricalCrossentropy), metrics: [.init(.accuracy)])
    let (data, validation) = try readDigits().split(validationFraction: 0.2)
    var state = try TrainingState(
      model: model, optimizer: Optimizer(Adagrad(), learningRate: 0.05), seed: 42)
    try trainer.fit(data, validation: validation, epochs: 5, state: &state)
    let values = try #require(state.history.epochs.last).values
    #expect(values[3].name == "val_accuracy")
    #expect(values[3].value > 0.9)
  }

  @Test("an embedding is trained by rows: the others keep their bits")
  func embedding() throws {
    let model = try Model.sequential(
      inputShape: [3],
      [
        .embedding(.init(inputDimension: 1000, outputDimension: 4)), .globalAveragePooling1D(),
        .dense(.init(units: 1, activation: .sigmoid)),
      ])
    let trainer = Trainer(model: model, loss: .init(.binaryCrossentropy))
    var state = try TrainingState(model: model, optimizer: Optimizer(Adagrad()), seed: 1)
    let before = state.variables[0].value.elements(of: Float.self)
    let batch = Batch(
      inputs: Tensor([7, 3, 7, 999, 0, 3] as [Int32], shape: [2, 3]),
      labels: Tensor([1, 0] as [Int32]))
    let gradients = try trainer.gradients(of: batch, state: state)
    guard case .rows(let rows) = gradients.gradients[0] else {
      Issue.record("the table's gradient is dense")
      return
    }
    #expect(rows.indices == [7, 3, 7, 999, 0, 3])
    try trainer.step(&state, batch: batch)
    let after = state.variables[0].value.elements(of: Float.self)
    let changed = (0..<1000).filter {
      before[$0 * 4..<$0 * 4 + 4] != after[$0 * 4..<$0 * 4 + 4]
    }
    #expect(changed == [0, 3, 7, 999])
  }

  @Test("averages stand in for the variables that have one")
  func averages() throws {
    let run = try SmallRun()
    var state = try run.start()
    try run.trainer.fit(run.data, epochs: 1, state: &state)
    let averaged = try #require(state.averagedVariables)
    #expect(!averaged[0].value.isIdentical(to: state.variables[0].value))
    let statistics = 4  // the moving mean
    #expect(averaged[statistics].value.isIdentical(to: state.variables[statistics].value))
    try run.trainer.model.check(averaged)
    let plain = try TrainingState(
      model: run.trainer.model, optimizer: Optimizer(Adagrad()), seed: 0)
    #expect(plain.averagedVariables == nil)
  }
}
