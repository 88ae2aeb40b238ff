import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("LossScaledOptimizer")
struct LossScalingTests {
  func scaled(growing steps: Int64 = 3) throws -> LossScaledOptimizer {
    try LossScaledOptimizer(
      Optimizer(Adagrad(), learningRate: 0.5, arithmetic: .keras3), initialScale: 8,
      growthStepCount: steps)
  }

  @Test("divides every kind of gradient by the scale, which doubles after enough good steps")
  func growth() throws {
    var optimizer = try scaled()
    var plain = optimizer.inner
    var variables = [variable("a", [Float(1), 2]), variable("t", [Float(1), 2], shape: [2, 1])]
    var expected = variables
    var scales: [Float] = []
    for step in 0..<7 {
      let a = mixedValues(2, seed: UInt64(step))
      let t = mixedValues(3, seed: UInt64(step + 50))
      let scale = optimizer.scale
      let applied = try optimizer.applyGradients(
        [dense(a.map { $0 * scale }), rows([1, 0, 1], t.map { $0 * scale }, of: [2, 1])],
        to: &variables)
      #expect(applied?.iterations == Int64(step + 1))
      try plain.applyGradients([dense(a), rows([1, 0, 1], t, of: [2, 1])], to: &expected)
      for (x, y) in zip(variables, expected) { expectIdentical(x.value, y.value) }
      scales.append(scale)
    }
    #expect(scales == [8, 8, 8, 16, 16, 16, 32])
    #expect(optimizer.inner.lossScaleFactor == nil)
  }

  @Test("skips a step with a NaN or an infinity, halves the scale and counts anew")
  func skipping() throws {
    var optimizer = try scaled(growing: 2)
    var variables = [variable("a", [Float(1), 2]), variable("b", [Float(3)])]
    try optimizer.applyGradients([dense([Float(1), 1]), .none], to: &variables)
    let before = variables
    for bad in [Float.nan, .infinity, -.infinity] {
      #expect(
        try optimizer.applyGradients([dense([bad, 1]), dense([Float(1)])], to: &variables) == nil)
    }
    for (now, then) in zip(variables, before) { expectIdentical(now.value, then.value) }
    #expect(optimizer.inner.iterations == 1)
    #expect(optimizer.scale == 1)
    #expect(optimizer.goodStepCount == 0)
    try optimizer.applyGradients([dense([Float(1), 1]), .none], to: &variables)
    #expect(optimizer.scale == 1)
    try optimizer.applyGradients([dense([Float(1), 1]), .none], to: &variables)
    #expect(optimizer.scale == 2)
  }

  @Test("refuses another arithmetic, and input that does not fit even where it would be skipped")
  func refusals() throws {
    #expect(throws: OptimizerError.unsupportedArithmetic(.keras2)) {
      try LossScaledOptimizer(Optimizer(Adagrad()))
    }
    var optimizer = try scaled()
    var variables = [variable("a", [Float(1), 2])]
    #expect(throws: OptimizerError.self) {
      try optimizer.applyGradients([dense([Float.nan])], to: &variables)
    }
    #expect(optimizer.scale == 8)
  }
}
