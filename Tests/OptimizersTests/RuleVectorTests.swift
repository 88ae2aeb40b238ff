import KerasConfiguration
import Optimizers
import Tensors
import Testing

@Suite("Rules give the values that Keras gives")
struct RuleVectorTests {
  /// One variable, 1.0, rate 0.5, gradients 0.3, -0.7, 0, 0.001, 2.5, in float32: its value after each
  /// step, as Keras 2.12 and 3.15 print it with nine digits.
  private static func values(of rule: any UpdateRule, _ arithmetic: Arithmetic) throws -> [Float] {
    var variables = [variable("x", [Float(1)])]
    var optimizer = try Optimizer(rule, learningRate: 0.5, arithmetic: arithmetic)
    var values: [Float] = []
    for gradient in [Float(0.3), -0.7, 0, 0.001, 2.5] {
      try optimizer.applyGradients([dense([gradient])], to: &variables)
      values += variables[0].floats
    }
    return values
  }

  static let cases: [(any UpdateRule, [Float])] = [
    (SGD(), [0.850000024, 1.20000005, 1.20000005, 1.19950008, -0.0504999161]),
    (
      try! SGD(momentum: 0.9),
      [0.850000024, 1.06500006, 1.2585001, 1.43215013, 0.338435054]
    ),
    (
      try! SGD(momentum: 0.9, nesterov: true),
      [0.714999974, 1.25849986, 1.43264985, 1.58843482, -0.645908713]
    ),
    (Adam(), [0.500008583, 0.710098267, 0.872499287, 1.00514543, 0.776830792]),
    (Adam(amsgrad: true), [0.500008583, 0.710098267, 0.872418046, 1.00493169, 0.77661705]),
    (AdamW(), [0.498008609, 0.707102299, 0.868089139, 0.998999119, 0.768686533]),
  ]

  @Test("where the generations agree", arguments: cases.indices, [Arithmetic.keras2, .keras3])
  func agreeing(index: Int, arithmetic: Arithmetic) throws {
    let (rule, expected) = Self.cases[index]
    #expect(try Self.values(of: rule, arithmetic) == expected)
  }

  @Test("RMSprop, which multiplies by a reciprocal in Keras 2 and divides in Keras 3")
  func rmsprop() throws {
    #expect(
      try Self.values(of: RMSprop(), .keras2)
        == [-0.581130147, 0.883572936, 0.883572936, 0.881247997, -0.649729609])
    #expect(
      try Self.values(of: RMSprop(), .keras3)
        == [-0.581130028, 0.883573055, 0.883573055, 0.881248116, -0.64972949])
    let rule = RMSprop(momentum: 0.5, centered: true)
    let start: [Float] = [-0.666656494, -0.010974884, 0.316865921, 0.47843048]
    #expect(try Self.values(of: rule, .keras2) == start + [-1.02985609])
    #expect(try Self.values(of: rule, .keras3) == start + [-1.0298562])
  }

  @Test("momentum outside 0...1 is refused, as Keras refuses it", arguments: [-0.1, 1.1, .nan])
  func refusal(momentum: Double) {
    #expect(throws: OptimizerError.self) { try SGD(momentum: momentum) }
  }

  @Test(
    "a NaN and an infinity spoil their elements for good, and a NaN stays the greatest velocity")
  func nonFinite() throws {
    var variables = [variable("x", [Float(1), 1])]
    var optimizer = try Optimizer(Adam(amsgrad: true), learningRate: 0.5)
    for gradient in [[Float.nan, 1], [1, .infinity], [1, 1]] {
      try optimizer.applyGradients([dense(gradient)], to: &variables)
    }
    let allNaN = variables[0].floats.allSatisfy(\.isNaN)
    #expect(allNaN)
    let hat = try optimizer.slot("velocity_hat", of: "x").elements(of: Float.self)
    #expect(hat[0].isNaN)
  }

  @Test("rules keep the slots that they name, of each variable's shape and dtype")
  func slots() throws {
    func names(_ rule: any UpdateRule, _ arithmetic: Arithmetic) throws -> [String] {
      var optimizer = try Optimizer(rule, arithmetic: arithmetic)
      try optimizer.build(for: [variable("x", [Float16(1), 2])])
      for name in optimizer.slots.names {
        let slot = try optimizer.slot(name, of: "x")
        #expect(slot.dtype == .float16 && slot.shape == [2])
      }
      return optimizer.slots.names
    }
    // Keras 2 keeps a velocity that it never needs.
    #expect(try names(SGD(), .keras2) == ["momentum"])
    #expect(try names(SGD(), .keras3) == [])
    #expect(try names(SGD(momentum: 0.5), .keras3) == ["momentum"])
    #expect(try names(RMSprop(), .keras3) == ["velocity"])
    #expect(
      try names(RMSprop(momentum: 0.5, centered: true), .keras2)
        == ["velocity", "momentum", "average_gradient"])
    #expect(try names(AdamW(), .keras2) == ["momentum", "velocity"])
    #expect(
      try names(Adam(amsgrad: true), .keras3) == ["momentum", "velocity", "velocity_hat"])
  }

  @Test("AdamW decays its weights by 0.004 unless told otherwise")
  func decay() throws {
    #expect(try Optimizer(AdamW()).weightDecay == 0.004)
    #expect(try Optimizer(AdamW(), weightDecay: 0.5).weightDecay == 0.5)
    #expect(try Optimizer(Adam()).weightDecay == nil)
  }
}
