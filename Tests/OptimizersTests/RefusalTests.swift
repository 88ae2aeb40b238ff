import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("An optimizer refuses bad input before anything changes")
struct RefusalTests {
  /// An optimizer that has taken a step with averages, its variables, and a way to see any change.
  struct Scene {
    var optimizer: Optimizer
    var variables: [Variable]

    init(_ arithmetic: Arithmetic = .keras2, averages: Bool = true) throws {
      variables = [
        variable("a", [Float(1), 2, 3]), variable("b", [Float(1), 2, 3, 4, 5, 6], shape: [3, 2]),
      ]
      optimizer = try Optimizer(
        Adagrad(), learningRate: 0.5, arithmetic: arithmetic,
        averages: averages ? MovingAverages(momentum: 0.5) : nil)
      try optimizer.applyGradients(
        [dense([Float(1), 2, 3]), rows([1], [Float(1), 2], of: [3, 2])], to: &variables)
    }

    /// Expects `error` from a step, and that nothing is different afterwards.
    mutating func expect(
      _ error: OptimizerError, from gradients: [Gradient],
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let before = self
      #expect(throws: error, sourceLocation: sourceLocation) {
        try optimizer.applyGradients(gradients, to: &variables)
      }
      expectUnchanged(since: before, sourceLocation: sourceLocation)
    }

    func expectUnchanged(
      since before: Scene, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(optimizer.iterations == before.optimizer.iterations, sourceLocation: sourceLocation)
      for (now, then) in zip(variables, before.variables) {
        expectIdentical(now.value, then.value, sourceLocation: sourceLocation)
      }
      for name in before.optimizer.slots.names {
        for (now, then) in zip(
          optimizer.slots[name] ?? [], before.optimizer.slots[name] ?? [])
        {
          #expect((now == nil) == (then == nil), sourceLocation: sourceLocation)
          if let now, let then { expectIdentical(now, then, sourceLocation: sourceLocation) }
        }
      }
    }
  }

  let good = dense([Float(1), 1, 1])

  @Test("a wrong number of gradients")
  func gradientCount() throws {
    var scene = try Scene()
    scene.expect(.gradientCount(gradients: 1, variables: 2), from: [good])
    scene.expect(.gradientCount(gradients: 0, variables: 2), from: [])
  }

  @Test("gradients that are all absent")
  func noGradients() throws {
    var scene = try Scene()
    scene.expect(.noGradients(variables: ["a/kernel", "b/kernel"]), from: [.none, .none])
  }

  @Test("a gradient of another shape, dense or by rows, even one that could be broadcast")
  func shape() throws {
    var scene = try Scene()
    scene.expect(
      .gradientShape(variable: "b/kernel", expected: [3, 2], found: [1, 2]),
      from: [good, dense([Float(1), 2], shape: [1, 2])])
    scene.expect(
      .gradientShape(variable: "b/kernel", expected: [3, 2], found: [4, 2]),
      from: [good, rows([0], [Float(1), 2], of: [4, 2])])
  }

  @Test("a row that the variable does not have")
  func rowRange() throws {
    var scene = try Scene()
    scene.expect(
      .rowOutOfRange(variable: "b/kernel", row: 3, rowCount: 3),
      from: [good, rows([0, 3], [Float(1), 2, 3, 4], of: [3, 2])])
    scene.expect(
      .rowOutOfRange(variable: "b/kernel", row: -1, rowCount: 3),
      from: [good, rows([-1], [Float(1), 2], of: [3, 2])])
  }

  @Test("a gradient of another dtype in Keras 2's arithmetic; Keras 3's converts it")
  func dtype() throws {
    var scene = try Scene()
    scene.expect(
      .gradientDType(variable: "a/kernel", expected: .float32, found: .float64),
      from: [dense([1.0, 2.0, 3.0]), .none])

    var converting = try Scene(.keras3)
    var plain = converting
    try converting.optimizer.applyGradients(
      [dense([0.1, 2.0, 3.0]), rows([2], [0.3, 0.7], of: [3, 2])], to: &converting.variables)
    try plain.optimizer.applyGradients(
      [dense([Float(0.1), 2, 3]), rows([2], [Float(0.3), 0.7], of: [3, 2])], to: &plain.variables)
    converting.expectUnchanged(since: plain)
  }

  @Test("a variable that it was not built for")
  func unknownVariable() throws {
    var scene = try Scene()
    scene.variables.append(variable("c", [Float(1)]))
    scene.expect(.unknownVariable("c/kernel"), from: [good, .none, dense([Float(1)])])
    #expect(throws: OptimizerError.unknownVariable("c/kernel")) {
      try scene.optimizer.build(for: scene.variables)
    }
  }

  @Test("a variable that occurs twice, before and after building")
  func duplicate() throws {
    var scene = try Scene()
    scene.variables[1] = scene.variables[0]
    scene.expect(.duplicateVariable("a/kernel"), from: [good, good])
    var fresh = try Optimizer(Adagrad())
    var variables = scene.variables
    #expect(throws: OptimizerError.duplicateVariable("a/kernel")) {
      try fresh.applyGradients([good, good], to: &variables)
    }
    #expect(!fresh.isBuilt)
  }

  @Test("a variable whose shape or dtype changed after building")
  func changedVariable() throws {
    var scene = try Scene()
    scene.variables[0].value = Tensor([Float(1), 2])
    scene.expect(
      .changedVariable(
        name: "a/kernel", builtShape: [3], builtDType: .float32, shape: [2], dtype: .float32),
      from: [dense([Float(1), 1]), .none])
  }

  @Test("in Keras 3's arithmetic a call that leaves out a variable with an average")
  func missingVariable() throws {
    var scene = try Scene(.keras3)
    scene.variables.removeLast()
    scene.expect(.missingVariable("b/kernel"), from: [good])

    var withoutAverages = try Scene(.keras3, averages: false)
    withoutAverages.variables.removeLast()
    try withoutAverages.optimizer.applyGradients([good], to: &withoutAverages.variables)
  }

  @Test("an integer variable, an empty list, and nothing is built by a call that fails")
  func building() throws {
    var optimizer = try Optimizer(Adagrad())
    var integers = [variable("n", [Int32(1), 2])]
    #expect(throws: OptimizerError.unsupportedDType(variable: "n/kernel", dtype: .int32)) {
      try optimizer.applyGradients([dense([Int32(1), 2])], to: &integers)
    }
    #expect(throws: OptimizerError.noVariables) { try optimizer.build(for: []) }
    var floats = [variable("a", [Float(1)])]
    #expect(throws: OptimizerError.noGradients(variables: ["a/kernel"])) {
      try optimizer.applyGradients([.none], to: &floats)
    }
    #expect(!optimizer.isBuilt)
    #expect(optimizer.iterations == 0)
  }

  @Test("averages switched on or off after building, and rules with other slots")
  func changedSlots() throws {
    var scene = try Scene()
    scene.optimizer.averages = nil
    scene.expect(
      .changedSlots(expected: ["average", "accumulator"], found: ["accumulator"]),
      from: [good, .none])
    var other = try Scene(averages: false)
    other.optimizer.averages = try MovingAverages()
    other.expect(
      .changedSlots(expected: ["accumulator"], found: ["average", "accumulator"]),
      from: [good, .none])
    // Hyper-parameters of the same rule may change.
    other.optimizer.averages = nil
    other.optimizer.rule = try Adagrad(epsilon: 1e-3)
    try other.optimizer.applyGradients([good, .none], to: &other.variables)
  }

  @Test("a counter that is negative or at its end")
  func iterations() throws {
    var scene = try Scene()
    scene.optimizer.iterations = .max
    scene.expect(.iterationOutOfRange(.max), from: [good, .none])
    scene.optimizer.iterations = -1
    scene.expect(.iterationOutOfRange(-1), from: [good, .none])
  }

  @Test("arguments out of their range")
  func arguments() {
    #expect(throws: OptimizerError.self) { try Adagrad(initialAccumulatorValue: -0.1) }
    #expect(throws: OptimizerError.self) { try Adagrad(initialAccumulatorValue: .nan) }
    #expect(throws: OptimizerError.self) { try MovingAverages(momentum: 1.01) }
    #expect(throws: OptimizerError.self) { try MovingAverages(momentum: .nan) }
    #expect(throws: OptimizerError.self) { try MovingAverages(overwriteFrequency: 0) }
  }
}
