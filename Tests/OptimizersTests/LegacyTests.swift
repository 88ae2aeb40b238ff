import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

/// Numbers that `tf.keras.optimizers.legacy.Adagrad` of Keras 2.12 printed, rate 0.3.
@Suite("The legacy Adagrad of Keras 2")
struct LegacyTests {
  struct Case: Sendable {
    let dtype: DType
    let configuration: OptimizerConfiguration
    let variable: [Double]
    let accumulator: [Double]
  }

  static let plain = OptimizerConfiguration(
    learningRate: .constant(0.3), arithmetic: .kerasLegacy)
  static let decayed = OptimizerConfiguration(
    rule: .adagrad(initialAccumulatorValue: 0, epsilon: 0.25), learningRate: .constant(0.3),
    legacyDecay: 0.1, arithmetic: .kerasLegacy)
  /// Both limits act, the value first.
  static let clipped = OptimizerConfiguration(
    learningRate: .constant(0.3), clipping: .init(norm: 0.375, value: 0.5),
    arithmetic: .kerasLegacy)

  static let cases = [
    Case(
      dtype: .float32, configuration: plain,
      variable: [1.0481882095336914, -1.884883165359497, 0.202279195189476],
      accumulator: [0.6799999475479126, 8.662500381469727, 144.11563110351562]),
    Case(
      dtype: .float32, configuration: decayed,
      variable: [1.025087833404541, -1.8700207471847534, 0.23419423401355743],
      accumulator: [0.5799999833106995, 8.5625, 144.015625]),
    Case(
      dtype: .float32, configuration: clipped,
      variable: [1.0115714073181152, -2.0503499507904053, 0.37936466932296753],
      accumulator: [0.19972415268421173, 0.35137835144996643, 0.1707724630832672]),
    Case(
      dtype: .float64, configuration: plain,
      variable: [1.0481882642055345, -1.8848831808918343, 0.20227917200501994],
      accumulator: [0.6799999999999999, 8.6625, 144.115626]),
    Case(
      dtype: .float64, configuration: decayed,
      variable: [1.02508780965322, -1.87002074388079, 0.2341942463932373],
      accumulator: [0.58, 8.5625, 144.015626]),
    Case(
      dtype: .float64, configuration: clipped,
      variable: [1.0115714606764923, -2.05034987646793, 0.3793646752929115],
      accumulator: [0.19972415522307288, 0.351378372351673, 0.17077247242525412]),
    Case(
      dtype: .float16, configuration: plain, variable: [1.0478515625, -1.884765625, 0.2021484375],
      accumulator: [0.68017578125, 8.6640625, 144.125]),
    Case(
      dtype: .float16, configuration: decayed,
      variable: [1.025390625, -1.8701171875, 0.2340087890625],
      accumulator: [0.580078125, 8.5625, 144.0]),
    Case(
      dtype: .float16, configuration: clipped,
      variable: [1.01171875, -2.05078125, 0.37890625],
      accumulator: [0.19970703125, 0.35107421875, 0.1707763671875]),
  ]

  @Test(
    "has the bits of Keras, with decay of the rate and both kinds of clipping", arguments: cases)
  func golden(_ expected: Case) throws {
    func tensor(_ values: [Double]) -> Tensor { Tensor(values).converted(to: expected.dtype) }
    let gradients = [[0.3, -2.5, 0.001], [-0.7, 0.25, 12], [0, 1.5, -0.125]]
    for byRows in [false, true] {
      var optimizer = try Optimizer(configuration: expected.configuration)
      var variables = [
        Variable(
          id: VariableID(layer: ["x"], index: 0), name: "x",
          value: tensor([1, -2, 0.5]).reshaped(to: [1, 3]))
      ]
      for values in gradients {
        let gradient = tensor(values).reshaped(to: [1, 3])
        let rows = IndexedRows(indices: [0], values: gradient, shape: [1, 3])
        try optimizer.applyGradients([byRows ? .rows(rows) : .dense(gradient)], to: &variables)
      }
      expectIdentical(variables[0].value.reshaped(to: [3]), tensor(expected.variable))
      expectIdentical(
        try optimizer.slot("accumulator", of: "x").reshaped(to: [3]), tensor(expected.accumulator))
    }
  }

  @Test("takes an epsilon of zero for 1e-7, and refuses what the class lacks")
  func options() throws {
    var variables = [variable("x", [Float(1)])]
    var other = variables
    var optimizer = try Optimizer(
      Adagrad(initialAccumulatorValue: 0, epsilon: 0), arithmetic: .kerasLegacy)
    var explicit = try Optimizer(
      Adagrad(initialAccumulatorValue: 0, epsilon: 1e-7), arithmetic: .kerasLegacy)
    try optimizer.applyGradients([dense([Float(1e-6)])], to: &variables)
    try explicit.applyGradients([dense([Float(1e-6)])], to: &other)
    expectIdentical(variables[0].value, other[0].value)
    #expect(throws: OptimizerError.self) {
      try Optimizer(Adagrad(), arithmetic: .kerasLegacy, clipping: .value(-1))
    }
    #expect(throws: OptimizerError.self) {
      try Optimizer(Adagrad(), arithmetic: .kerasLegacy, averages: MovingAverages())
    }
  }

  @Test("comes back as its own configuration")
  func roundTrip() throws {
    for configuration in [Self.plain, Self.decayed, Self.clipped] {
      #expect(try Optimizer(configuration: configuration).configuration() == configuration)
    }
  }
}
