import HDF5
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing
import Training

@Suite("Agreement with Keras")
struct KerasAgreementTests {
  // Both sides round sums of a dozen products in their own order: a few units of 6e-8.
  @Test(
    "a model that Keras saved predicts what it predicted there",
    arguments: ["keras-2.12", "keras-3.15"], ["mlp", "mlp_ema", "embedding", "flatten"])
  func predictions(generation: String, name: String) throws {
    let (model, variables) = try readKerasModel("\(generation)/\(name).h5")
    let truth = try PredictionTruth("\(generation)/\(name).truth.json")
    let outputs = try model.predict(truth.inputs, variables: variables, batchSize: 3)
    expectClose(
      outputs.elements(of: Float.self), truth.outputs, tolerance: 3e-7, "\(generation) \(name)")
  }

  // 2e-6 and 4e-6 are the gates for an independent float32 engine: Keras's own eager, compiled and
  // 64-bit runs differ by 5e-7 in the losses and 9e-7 in the weights.
  @Test("135 steps of a 64-32-10 network on digits have Keras 3.15's losses and final weights")
  func lossesOnDigits() throws {
    let (model, initial) = try readKerasModel("losses/initial.h5")
    let data = try readDigits().split(validationFraction: 0.2).training
    #expect(data.rowCount == 1437)
    let trainer = Trainer(
      model: model, loss: .init(.sparseCategoricalCrossentropy), shuffles: false)
    var state = try TrainingState(
      model: model, optimizer: Optimizer(Adagrad(), learningRate: 0.05, arithmetic: .keras3),
      seed: 0, variables: initial)
    try trainer.fit(data, epochs: 3, state: &state)

    let losses = try HDF5File.open(Fixture.path("losses/losses.h5"))
    let lossesRoot = try losses.root()
    let expected = try readTensor(lossesRoot, "losses").elements(of: Float.self)
    #expect(expected.count == 135)
    #expect(largestDifference(state.history.losses, expected) <= 2e-6)

    let weights = try HDF5File.open(Fixture.path("losses/final.weights.h5"))
    let weightsRoot = try weights.root()
    let paths = ["dense/vars/0", "dense/vars/1", "dense_1/vars/0", "dense_1/vars/1"]
    for (variable, path) in zip(state.variables, paths) {
      let final = try readTensor(weightsRoot, "layers/\(path)").elements(of: Float.self)
      #expect(
        largestDifference(variable.value.elements(of: Float.self), final) <= 4e-6,
        "\(variable.name)")
    }
  }
}

private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
