import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing
import Training

@Suite("Resumption")
struct ResumptionTests {
  @Test("k steps, a copy, and the rest equal the uninterrupted run bit for bit, at every k")
  func everyStep() throws {
    let run = try SmallRun()
    var whole = try run.start()
    try run.trainer.fit(
      run.data, validation: run.validation, epochs: run.epochs, state: &whole)
    #expect(whole.history.losses.count == 15)

    for k in 1...15 {
      var state = try run.start()
      let outcome = try run.trainer.fit(
        run.data, validation: run.validation, epochs: run.epochs, state: &state
      ) { event, _ in
        guard case .stepEnded(let step) = event, step.step == k else { return .proceed }
        return .stop
      }
      #expect(outcome == .stopped)
      var resumed = state
      #expect(resumed.position.step == k)
      try run.trainer.fit(
        run.data, validation: run.validation, epochs: run.epochs, state: &resumed)
      expectIdentical(resumed, whole, "stopped after step \(k)")
      #expect(state.history.losses.count == k, "the copy was disturbed")
    }
  }

  @Test("a run that is stopped in the middle of a validation validates anew, to the same bits")
  func duringValidation() throws {
    let run = try SmallRun()
    var whole = try run.start()
    try run.trainer.fit(
      run.data, validation: run.validation, epochs: run.epochs, state: &whole)
    var state = try run.start()
    var stops = 0
    while stops < 3 {
      let outcome = try run.trainer.fit(
        run.data, validation: run.validation, epochs: run.epochs, state: &state
      ) { event, state in
        guard case .validationBatchEnded(1, 0, _) = event else { return .proceed }
        return .stop
      }
      #expect(outcome == .stopped)
      #expect(state.position == .init(epoch: 1, batch: 5, step: 10))
      #expect(state.history.epochs.count == 1)
      stops += 1
    }
    try run.trainer.fit(
      run.data, validation: run.validation, epochs: run.epochs, state: &state)
    expectIdentical(state, whole)
  }

  @Test("all checkpoints of a run are one layout with other numbers")
  func oneLayout() throws {
    let folder = try TemporaryDirectory()
    let run = try SmallRun()
    let kept = KeptSkeleton()
    var state = try run.start()
    try run.trainer.fit(
      run.data, validation: run.validation, epochs: run.epochs, state: &state
    ) { event, state in
      guard case .stepEnded(let step) = event else { return .proceed }
      let path = folder.file("\(step.step)")
      try state.checkpoint(run.trainer).save(
        to: path, profile: Profile(dialect: .keras2, layout: .wholeModel), reusing: kept)
      let resumed = try TrainingState(
        resuming: CheckpointReader(opening: path).load(), model: run.trainer.model)
      #expect(resumed.history.losses == state.history.losses)
      return .proceed
    }
    #expect(kept.layoutCount == 1)
  }

  @Test("a run that is given more epochs later equals one that had them from the start")
  func moreEpochs() throws {
    let run = try SmallRun()
    var whole = try run.start()
    try run.trainer.fit(run.data, epochs: 3, state: &whole)
    var state = try run.start()
    for epochs in 1...3 { try run.trainer.fit(run.data, epochs: epochs, state: &state) }
    expectIdentical(state, whole)
  }

  @Test("one changed bit of an accumulator changes the end")
  func alteredSlot() throws {
    let run = try SmallRun()
    var whole = try run.start()
    try run.trainer.fit(run.data, epochs: 2, state: &whole)
    var state = try run.start()
    try run.trainer.fit(run.data, epochs: 1, state: &state)
    let id = run.trainer.model.variables[0].id
    var slot = try #require(state.optimizer.slots["accumulator", id])
    slot.withMutableElements(of: Float.self) { $0[3] *= 1.5 }
    try state.optimizer.setSlots([SlotID(slot: "accumulator", variable: id): slot])
    try run.trainer.fit(run.data, epochs: 2, state: &state)
    #expect(!state.variables[0].value.isIdentical(to: whole.variables[0].value))
  }

  @Test("a state in the middle of an epoch is refused by another batch size")
  func otherBatchSize() throws {
    let run = try SmallRun()
    var state = try run.start()
    try run.trainer.fit(run.data, epochs: 1, state: &state) { event, _ in
      if case .stepEnded(let step) = event, step.step == 2 { return .stop }
      return .proceed
    }
    let before = state
    let other = try SmallRun(batchSize: 5)
    let error = #expect(throws: TrainingError.self) {
      try other.trainer.fit(other.data, epochs: 1, state: &state)
    }
    guard case .stateMismatch? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    expectIdentical(state, before)
  }
}

@Suite("A run through a checkpoint")
struct CheckpointedRunTests {
  @Test("goes on with the same bits under every option of the optimizer", arguments: [0, 1, 4, 9])
  func options(_ steps: Int64) throws {
    let run = try SmallRun()
    var optimizer = try Optimizer(
      Adagrad(),
      learningRate: .schedule(CosineDecay(initialLearningRate: 0.3, decaySteps: 12)),
      arithmetic: .keras3, clipping: .globalNorm(0.5), weightDecay: 0.05,
      averages: MovingAverages(momentum: 0.8, overwriteFrequency: 2), lossScaleFactor: 3,
      gradientAccumulationSteps: 3)
    try optimizer.excludeFromWeightDecay(
      [run.trainer.model.initialVariables(seed: 1)[0].id], patterns: ["bias"])
    var whole = try TrainingState(model: run.trainer.model, optimizer: optimizer, seed: 9)
    var part = whole
    try run.trainer.fit(run.data, epochs: 3, state: &whole)
    if steps > 0 {
      try run.trainer.fit(run.data, epochs: 3, state: &part) { event, _ in
        if case .stepEnded(let step) = event, step.step == steps { return .stop }
        return .proceed
      }
    }
    let checkpoint = try part.checkpoint(run.trainer)
    var resumed = try TrainingState(resuming: checkpoint, model: run.trainer.model)
    #expect(resumed.optimizer.weightDecayExclusions == optimizer.weightDecayExclusions)
    try run.trainer.fit(run.data, epochs: 3, state: &resumed)
    expectIdentical(resumed, whole)
  }
}

@Suite("Memory of a step")
struct StepMemoryTests {
  @Test("no variable or slot is copied from step to step")
  func inPlace() throws {
    let run = try SmallRun()
    var state = try run.start()
    var addresses: [[UInt]] = []
    // The averages start as copies of the variables, so the first step gives them storages.
    try run.trainer.fit(run.data, epochs: 2, state: &state) { event, state in
      guard case .stepEnded = event else { return .proceed }
      let trained = run.trainer.model.trainableVariables.map { state.variables[$0].value }
      let slots = state.optimizer.slots.names.flatMap { state.optimizer.slots[$0] ?? [] }
      addresses.append((trained + slots.compactMap { $0 }).map(address))
      return .proceed
    }
    #expect(addresses.count == 10)
    #expect(addresses[0].count == 18)
    for later in addresses.dropFirst() { #expect(later == addresses[0]) }
  }

  @Test("a snapshot stays as it was while training goes on")
  func snapshot() throws {
    let run = try SmallRun()
    var state = try run.start()
    try run.trainer.fit(run.data, epochs: 1, state: &state)
    let snapshot = state
    let bytes = snapshot.variables.map { $0.value.elements(of: Float.self) }
    try run.trainer.fit(run.data, epochs: 2, state: &state)
    #expect(snapshot.variables.map { $0.value.elements(of: Float.self) } == bytes)
    #expect(state.variables[0].value.elements(of: Float.self) != bytes[0])
  }

  private func address(_ tensor: Tensor) -> UInt {
    tensor.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }
}
