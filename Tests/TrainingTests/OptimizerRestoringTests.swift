import Checkpoints
import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

@Suite("Restoring an optimizer") struct OptimizerRestoringTests {
  private let variables = [
    Variable(
      id: VariableID(layer: ["a"], index: 0), name: "a/kernel", value: Tensor([1.0 as Float])),
    Variable(
      id: VariableID(layer: ["b"], index: 0), name: "b/kernel", value: Tensor([2.0 as Float])),
  ]

  private func state(iterations: Int64, owners: Range<Int>) -> OptimizerState {
    OptimizerState(
      configuration: OptimizerConfiguration(), iterations: iterations,
      slots: owners.map {
        SlotVariable(
          slot: "accumulator", owner: variables[$0].id, value: Tensor([Float($0) + 5]))
      })
  }

  @Test("slots go to the variables that own them, and come back the same")
  func roundTrip() throws {
    let saved = state(iterations: 7, owners: 0..<2)
    let optimizer = try Optimizer(restoring: saved, training: variables)
    #expect(optimizer.iterations == 7)
    #expect(optimizer.slots["accumulator", variables[1].id]?.elements(of: Float.self) == [6])
    let again = try optimizer.checkpointState()
    #expect(again.iterations == 7)
    #expect(again.slots.map(\.owner) == saved.slots.map(\.owner))
    #expect(zip(again.slots, saved.slots).allSatisfy { $0.value.isIdentical(to: $1.value) })
  }

  @Test("an optimizer that was never used starts anew")
  func fresh() throws {
    let optimizer = try Optimizer(
      restoring: state(iterations: 0, owners: 0..<0), training: variables)
    #expect(optimizer.slots["accumulator", variables[0].id]?.elements(of: Float.self) == [0.1])
  }

  @Test("slots that are missing, all or some, are never replaced by fresh ones", arguments: [0, 1])
  func missing(count: Int) {
    #expect(throws: TrainingError.self) {
      _ = try Optimizer(restoring: state(iterations: 7, owners: 0..<count), training: variables)
    }
  }
}
