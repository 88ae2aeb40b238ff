import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("Optimizer")
struct OptimizerTests {
  @Test("variables are known by their identity, whatever their order in a call")
  func order() throws {
    let gradients = [dense(mixedValues(4, seed: 1)), dense(mixedValues(4, seed: 2))]
    var forward = [variable("a", mixedValues(4, seed: 3)), variable("b", mixedValues(4, seed: 4))]
    var backward = forward
    for arithmetic in [Arithmetic.keras2, .keras3] {
      var optimizer = try Optimizer(
        Adagrad(), arithmetic: arithmetic, averages: MovingAverages(momentum: 0.5))
      try optimizer.build(for: forward)
      var other = optimizer
      for _ in 0..<3 {
        try optimizer.applyGradients(gradients, to: &forward)
        backward.reverse()
        try other.applyGradients(gradients.reversed(), to: &backward)
        backward.reverse()
      }
      for (a, b) in zip(forward, backward) { expectIdentical(a.value, b.value) }
      for name in ["a", "b"] {
        for slot in ["average", "accumulator"] {
          expectIdentical(try optimizer.slot(slot, of: name), try other.slot(slot, of: name))
        }
      }
    }
  }

  @Test("a call may pass some of the variables; the others keep everything")
  func subset() throws {
    let all = [variable("a", [Float(1)]), variable("b", [Float(2)])]
    var optimizer = try Optimizer(Adagrad(), averages: MovingAverages())
    try optimizer.build(for: all)
    let before = try optimizer.slot("accumulator", of: "a")
    var some = [all[1]]
    try optimizer.applyGradients([dense([Float(1)])], to: &some)
    expectIdentical(try optimizer.slot("accumulator", of: "a"), before)
    #expect(some[0].floats != [2])
  }

  @Test("the number of threads does not show in the bits", arguments: [Arithmetic.keras2, .keras3])
  func threads(_ arithmetic: Arithmetic) throws {
    let sizes = [600_000, 1, 70_001, 0, 33]
    let table: Shape = [3000, 40]
    let indices = (0..<4000).map { Int($0 * 7919 % 3001 % 3000) }
    var results: [[Tensor]] = []
    for threadCount in [1, 2, 3, 8] {
      var variables = sizes.enumerated().map { index, size in
        variable("v\(index)", manyValues(size, seed: UInt64(index)))
      }
      variables.append(variable("table", manyValues(table.elementCount, seed: 9), shape: table))
      var optimizer = try Optimizer(
        Adagrad(), learningRate: 0.1, arithmetic: arithmetic,
        averages: MovingAverages(momentum: 0.9, overwriteFrequency: 2), threadCount: threadCount)
      for step in 0..<2 {
        var gradients = sizes.enumerated().map { index, size in
          dense(manyValues(size, seed: UInt64(100 * step + index)))
        }
        gradients.append(
          rows(indices, manyValues(indices.count * 40, seed: UInt64(step)), of: table))
        try optimizer.applyGradients(gradients, to: &variables)
      }
      results.append(
        variables.map(\.value)
          + optimizer.slots.names.flatMap { optimizer.slots[$0] ?? [] }.compactMap { $0 })
    }
    for result in results.dropFirst() {
      for (a, b) in zip(result, results[0]) { expectIdentical(a, b) }
    }
  }

  @Test("slots stand in the order in which Keras saves them, indexed like the variables")
  func slotOrder() throws {
    let variables = [variable("a", [Float(1)]), variable("b", [Double(2), 3])]
    var optimizer = try Optimizer(Adagrad(), averages: MovingAverages())
    try optimizer.build(for: variables)
    #expect(optimizer.slots.names == ["average", "accumulator"])
    #expect(optimizer.slots.variables.map(\.name) == ["a/kernel", "b/kernel"])
    let accumulators = try #require(optimizer.slots["accumulator"])
    expectIdentical(try #require(accumulators[0]), Tensor([Float(0.1)]))
    expectIdentical(try #require(accumulators[1]), Tensor([0.1, 0.1]))
    expectIdentical(try optimizer.slot("average", of: "b"), variables[1].value)
    #expect(optimizer.slots["momentum"] == nil)
  }

  @Test("Keras 3 rounds the accumulator's start to float32 and starts averages at zero")
  func keras3Start() throws {
    var optimizer = try Optimizer(Adagrad(), arithmetic: .keras3, averages: MovingAverages())
    try optimizer.build(for: [variable("a", [Double(2)])])
    expectIdentical(try optimizer.slot("accumulator", of: "a"), Tensor([Double(Float(0.1))]))
    expectIdentical(try optimizer.slot("average", of: "a"), Tensor([0.0]))
  }

  @Test("Keras 2 leaves the average of a variable without gradient alone, also when overwriting")
  func absentGradientKeras2() throws {
    var variables = [variable("a", [Float(1)]), variable("b", [Float(2)])]
    var optimizer = try Optimizer(
      Adagrad(), learningRate: 1, averages: MovingAverages(momentum: 0.5, overwriteFrequency: 1))
    try optimizer.build(for: variables)
    try optimizer.setSlots([
      SlotID(slot: "average", variable: variables[0].id): Tensor([Float(7)])
    ])
    try optimizer.applyGradients([.none, dense([Float(1)])], to: &variables)
    #expect(variables[0].floats == [1])
    expectIdentical(try optimizer.slot("average", of: "a"), Tensor([Float(7)]))
    expectIdentical(try optimizer.slot("average", of: "b"), variables[1].value)
  }

  @Test("slots can be set by name and variable, all or none")
  func setSlots() throws {
    var variables = [variable("a", [Float(1)]), variable("b", [Float(2), 3])]
    var optimizer = try Optimizer(Adagrad())
    let a = SlotID(slot: "accumulator", variable: variables[0].id)
    let b = SlotID(slot: "accumulator", variable: variables[1].id)
    #expect(throws: OptimizerError.notBuilt) { try optimizer.setSlots([a: Tensor([Float(1)])]) }
    try optimizer.applyGradients([dense([Float(1)]), dense([Float(1), 1])], to: &variables)
    let before = try optimizer.slot("accumulator", of: "a")
    #expect(
      throws: OptimizerError.slotMismatch(
        slot: "accumulator", variable: "b/kernel", shape: [2], dtype: .float32, foundShape: [2],
        foundDType: .float64)
    ) {
      try optimizer.setSlots([a: Tensor([Float(9)]), b: Tensor([1.0, 2.0])])
    }
    expectIdentical(try optimizer.slot("accumulator", of: "a"), before)
    let unknown = SlotID(slot: "average", variable: variables[0].id)
    #expect(throws: OptimizerError.unknownSlot(slot: "average", variable: variables[0].id)) {
      try optimizer.setSlots([unknown: Tensor([Float(9)])])
    }
    try optimizer.setSlots([b: Tensor([Float(8), 9])])
    expectIdentical(try optimizer.slot("accumulator", of: "a"), before)
    expectIdentical(try optimizer.slot("accumulator", of: "b"), Tensor([Float(8), 9]))
  }

  @Test("finalizing gives variables their averages, by identity, and keeps the averages")
  func finalize() throws {
    var variables = [variable("a", [Float(1)]), variable("b", [Float(2)])]
    var optimizer = try Optimizer(Adagrad(), averages: MovingAverages(momentum: 0.5))
    #expect(throws: OptimizerError.notBuilt) {
      try optimizer.finalizeVariableValues(&variables)
    }
    try optimizer.applyGradients([dense([Float(1)]), dense([Float(-3)])], to: &variables)
    variables.reverse()
    try optimizer.finalizeVariableValues(&variables)
    expectIdentical(variables[1].value, try optimizer.slot("average", of: "a"))
    expectIdentical(variables[0].value, try optimizer.slot("average", of: "b"))
  }

  @Test("names default to Keras's")
  func names() throws {
    #expect(try Optimizer(Adagrad()).name == "Adagrad")
    #expect(try Optimizer(Adagrad(), arithmetic: .keras3).name == "adagrad")
    #expect(try Optimizer(Adagrad(), name: "mine").name == "mine")
  }
}
