import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("A copy of variables and optimizer is a snapshot")
struct SnapshotTests {
  /// Dense, row-indexed and absent gradients in turn, with averages that overwrite.
  struct Run {
    var variables = [
      variable("dense", mixedValues(1000, seed: 1)),
      variable("table", mixedValues(60, seed: 2), shape: [20, 3]),
      variable("idle", mixedValues(5, seed: 3)),
    ]
    var optimizer: Optimizer

    init(_ arithmetic: Arithmetic) throws {
      optimizer = try Optimizer(
        Adagrad(), learningRate: 0.1, arithmetic: arithmetic,
        averages: MovingAverages(momentum: 0.9, overwriteFrequency: 3))
    }

    mutating func step(_ index: Int) throws {
      let seed = UInt64(10 * index)
      try optimizer.applyGradients(
        [
          dense(mixedValues(1000, seed: seed)),
          rows([3, 0, 3], mixedValues(9, seed: seed + 1), of: [20, 3]),
          index.isMultiple(of: 2) ? .none : dense(mixedValues(5, seed: seed + 2)),
        ], to: &variables)
    }

    var tensors: [Tensor] {
      variables.map(\.value)
        + optimizer.slots.names.flatMap { optimizer.slots[$0] ?? [] }
        .compactMap { $0 }
    }

    /// All numbers, copied out.
    var elements: [[Float]] { tensors.map { $0.elements(of: Float.self) } }
  }

  @Test(
    "it stays as it was while the original trains on as if it shared nothing, bit for bit",
    arguments: [Arithmetic.keras2, .keras3])
  func snapshotIsUndisturbed(_ arithmetic: Arithmetic) throws {
    var unshared = try Run(arithmetic)
    var shared = try Run(arithmetic)
    for index in 0..<7 {
      try unshared.step(index)
      let snapshot = shared
      let before = snapshot.elements
      try shared.step(index)
      for (after, before) in zip(snapshot.elements, before) {
        #expect(after.map(\.bitPattern) == before.map(\.bitPattern), "step \(index)")
      }
      for (a, b) in zip(shared.tensors, unshared.tensors) {
        expectIdentical(a, b, "step \(index)")
      }
    }
  }

  @Test("training goes on from a snapshot as the original did")
  func snapshotResumes() throws {
    var run = try Run(.keras3)
    for index in 0..<4 { try run.step(index) }
    var snapshot = run
    for index in 4..<8 { try run.step(index) }
    for index in 4..<8 { try snapshot.step(index) }
    for (a, b) in zip(run.tensors, snapshot.tensors) { expectIdentical(a, b) }
  }

  @Test("what nobody shares is updated in place: no step moves a tensor")
  func inPlace() throws {
    var run = try Run(.keras2)
    for index in 0..<2 { try run.step(index) }
    // `tensors` lets its copies go before the next step.
    func addresses() -> [UnsafeMutableRawPointer] {
      run.tensors.map { $0.storageForReading.base }
    }
    let before = addresses()
    for index in 2..<6 { try run.step(index) }
    #expect(addresses() == before)
  }

  @Test("only what is shared moves")
  func onlySharedMoves() throws {
    var variables = [
      variable("a", mixedValues(10, seed: 1)), variable("b", mixedValues(10, seed: 2)),
    ]
    var optimizer = try Optimizer(Adagrad())
    let gradients = [dense(mixedValues(10, seed: 3)), dense(mixedValues(10, seed: 4))]
    try optimizer.applyGradients(gradients, to: &variables)
    let before = variables.map { $0.value.storageForReading.base }
    let copy = variables[0].value
    try optimizer.applyGradients(gradients, to: &variables)
    #expect(variables[0].value.storageForReading.base != before[0])
    #expect(variables[1].value.storageForReading.base == before[1])
    withExtendedLifetime(copy) {}
  }
}
