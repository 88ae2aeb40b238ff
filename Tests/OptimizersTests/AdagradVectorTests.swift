import KerasConfiguration
import Optimizers
import Tensors
import Testing

/// Numbers that eager Keras 2.12 and 3.15 printed.
@Suite("Adagrad gives the numbers of eager Keras")
struct AdagradVectorTests {
  @Test("five steps of a scalar have Keras's bits", arguments: [Arithmetic.keras2, .keras3])
  func scalarSteps(_ arithmetic: Arithmetic) throws {
    let steps: [(gradient: Float, accumulator: UInt32, variable: UInt32)] = [
      (0.3, 0x3e42_8f5c, 0x3f27_e786), (-0.7, 0x3f2e_147a, 0x3f8a_47b9),
      (0.0, 0x3f2e_147a, 0x3f8a_47b9), (0.001, 0x3f2e_148b, 0x3f8a_33db),
      (2.5, 0x40dd_c291, 0x3f1a_d8e0),
    ]
    var optimizer = try Optimizer(Adagrad(), learningRate: 0.5, arithmetic: arithmetic)
    var variables = [variable("x", [Float(1)], shape: [])]
    for (index, step) in steps.enumerated() {
      try optimizer.applyGradients([dense([step.gradient], shape: [])], to: &variables)
      let accumulator = try optimizer.slot("accumulator", of: "x").elements(of: Float.self)
      #expect(accumulator[0].bitPattern == step.accumulator, "step \(index)")
      #expect(variables[0].floats[0].bitPattern == step.variable, "step \(index)")
    }
    #expect(optimizer.iterations == 5)
  }

  @Test("a repeated row counts once by its sum in Keras 2, each time by itself in Keras 3")
  func repeatedRows() throws {
    let expected: [Arithmetic: (accumulator: [Float], variable: [Float])] = [
      .keras2: ([16.1, 36.1], [0.00311046839, 0.0013859868]),
      .keras3: ([10.1, 20.1], [-0.258633554, -0.338299096]),
    ]
    for (arithmetic, row) in expected {
      var optimizer = try Optimizer(Adagrad(), learningRate: 1, arithmetic: arithmetic)
      var variables = [variable("table", [Float](repeating: 1, count: 6), shape: [3, 2])]
      let gradient = rows([1, 1], [Float(1), 2, 3, 4], of: [3, 2])
      try optimizer.applyGradients([gradient], to: &variables)
      let accumulator = try optimizer.slot("accumulator", of: "table").elements(of: Float.self)
      #expect(accumulator == [0.1, 0.1] + row.accumulator + [0.1, 0.1], "\(arithmetic)")
      #expect(variables[0].floats == [1, 1] + row.variable + [1, 1], "\(arithmetic)")
    }
  }

  @Test("minus zero stays in Keras 2, whose sums of rows begin at zero, and not in Keras 3")
  func minusZero() throws {
    for (arithmetic, sign) in [(Arithmetic.keras2, FloatingPointSign.minus), (.keras3, .plus)] {
      var optimizer = try Optimizer(Adagrad(), learningRate: 0.5, arithmetic: arithmetic)
      var variables = [variable("table", [Float](repeating: -0.0, count: 6), shape: [3, 2])]
      try optimizer.applyGradients([rows([1], [Float(-0.0), 0], of: [3, 2])], to: &variables)
      #expect(
        variables[0].floats.map(\.sign) == [.minus, .minus, sign, .minus, .minus, .minus],
        "\(arithmetic)")
    }
  }

  @Test("every row of a table named once is a dense step", arguments: [1, 7, 16, 65, 3000])
  func rowsOfEveryWidth(_ width: Int) throws {
    let shape: Shape = [83, width]
    let start = variable("table", manyValues(shape.elementCount, seed: 1), shape: shape)
    let gradient = manyValues(shape.elementCount, seed: 2)
    let indices = (0..<83).map { $0 * 29 % 83 }
    let shuffled = indices.flatMap { gradient[($0 * width)..<(($0 + 1) * width)] }
    var byRows = try Optimizer(Adagrad(), learningRate: 0.1, arithmetic: .keras3)
    var densely = byRows
    var (some, all) = ([start], [start])
    for _ in 0..<2 {
      try byRows.applyGradients([rows(indices, shuffled, of: shape)], to: &some)
      try densely.applyGradients([dense(gradient, shape: shape)], to: &all)
    }
    expectIdentical(some[0].value, all[0].value)
    expectIdentical(
      try byRows.slot("accumulator", of: "table"), try densely.slot("accumulator", of: "table"))
  }

  @Test("averages start, round and overwrite as each generation has them")
  func averages() throws {
    let expected: [Arithmetic: [(variable: Float, average: Float)]] = [
      .keras2: [
        (1.0465374, 1.5232687), (0.356471837, 0.939870238), (0.364190102, 0.364190102),
        (-0.129674703, 0.117257699), (-0.572482109, -0.227612197), (-0.60249126, -0.60249126),
      ],
      .keras3: [
        (1.0465374, 1.0465374), (0.356471837, 0.701504588), (0.245007277, 0.245007277),
        (-0.248857528, -0.00192512572), (-0.691664934, -0.346795022),
        (-0.721674085, -0.721674085),
      ],
    ]
    for (arithmetic, steps) in expected {
      var optimizer = try Optimizer(
        Adagrad(), learningRate: 1, arithmetic: arithmetic,
        averages: MovingAverages(momentum: 0.5, overwriteFrequency: 3))
      var variables = [variable("x", [Float(2)], shape: [])]
      for (index, step) in steps.enumerated() {
        try optimizer.applyGradients([dense([Float(1)], shape: [])], to: &variables)
        let average = try optimizer.slot("average", of: "x").elements(of: Float.self)
        #expect(variables[0].floats == [step.variable], "\(arithmetic), step \(index)")
        #expect(average == [step.average], "\(arithmetic), step \(index)")
      }
    }
  }
}
