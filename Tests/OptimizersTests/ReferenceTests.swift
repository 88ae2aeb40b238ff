import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

/// Adagrad as `adagrad.py` of each generation states it, one element at a time and slow: every operation
/// in double, rounded to the dtype at once. (Double holds a product, sum, quotient or root of numbers
/// with 24 digits or fewer closely enough that rounding twice is as rounding once.)
struct ReferenceAdagrad {
  let arithmetic: Arithmetic
  let dtype: DType
  let learningRate: Float
  let epsilon: Double
  var variable: [Double]
  var accumulator: [Double]

  init(
    _ arithmetic: Arithmetic, _ variable: Tensor, learningRate: Float,
    initialAccumulatorValue: Double, epsilon: Double
  ) {
    self.arithmetic = arithmetic
    dtype = variable.dtype
    self.learningRate = learningRate
    self.epsilon = epsilon
    self.variable = variable.doubles
    accumulator = Array(repeating: initialAccumulatorValue, count: variable.elementCount)
    accumulator = accumulator.map { round($0) }
  }

  func round(_ value: Double) -> Double {
    Tensor(scalar: value).converted(to: dtype).doubles[0]
  }

  mutating func accumulate(_ g: Double, at i: Int) {
    accumulator[i] = round(accumulator[i] + round(g * g))
  }

  mutating func move(_ g: Double, at i: Int) {
    let root = round(round(accumulator[i] + round(epsilon)).squareRoot())
    let step = round(round(round(Double(learningRate)) * g) / root)
    variable[i] = round(variable[i] - step)
  }

  mutating func step(_ gradient: [Double]) {
    for (i, g) in gradient.enumerated() {
      accumulate(g, at: i)
      move(g, at: i)
    }
  }

  mutating func step(rows: [Int], width: Int, values: [Double]) {
    if arithmetic == .keras3 {
      for (position, row) in rows.enumerated() {
        for i in 0..<width { accumulate(values[position * width + i], at: row * width + i) }
      }
      for (position, row) in rows.enumerated() {
        for i in 0..<width { move(values[position * width + i], at: row * width + i) }
      }
      return
    }
    for row in Set(rows) {
      for i in 0..<width {
        var sum = 0.0
        for (position, candidate) in rows.enumerated() where candidate == row {
          sum = round(sum + values[position * width + i])
        }
        accumulate(sum, at: row * width + i)
        move(sum, at: row * width + i)
      }
    }
  }
}

extension Tensor {
  fileprivate var doubles: [Double] { converted(to: .float64).elements(of: Double.self) }
}

@Suite("Adagrad equals a slow reference")
struct ReferenceTests {
  static let cases = [Arithmetic.keras2, .keras3].flatMap { arithmetic in
    [DType.float32, .float16, .bfloat16].map { (arithmetic, $0) }
  }

  private func values(_ count: Int, seed: UInt64, _ dtype: DType) -> Tensor {
    Tensor(mixedValues(count, seed: seed)).converted(to: dtype)
  }

  @Test("dense, of every length around the kernels' blocks", arguments: cases)
  func dense(_ arithmetic: Arithmetic, _ dtype: DType) throws {
    for count in [1, 2, 7, 8, 63, 64, 65, 127, 128, 200] {
      let start = values(count, seed: UInt64(count), dtype)
      var variables = [
        Variable(id: VariableID(layer: ["x"], index: 0), name: "x", value: start)
      ]
      var optimizer = try Optimizer(
        Adagrad(initialAccumulatorValue: 0.3, epsilon: 1e-3), learningRate: 0.07,
        arithmetic: arithmetic)
      var reference = ReferenceAdagrad(
        arithmetic, start, learningRate: 0.07, initialAccumulatorValue: 0.3, epsilon: 1e-3)
      for step in 0..<4 {
        let gradient = values(count, seed: UInt64(1000 * count + step), dtype)
        // Every other step goes beside a snapshot.
        let snapshot = step.isMultiple(of: 2) ? variables : []
        try optimizer.applyGradients([.dense(gradient)], to: &variables)
        withExtendedLifetime(snapshot) {}
        reference.step(gradient.doubles)
        #expect(variables[0].value.doubles == reference.variable, "\(count), step \(step)")
        let accumulator = try optimizer.slot("accumulator", of: "x")
        #expect(accumulator.doubles == reference.accumulator, "\(count), step \(step)")
      }
    }
  }

  @Test("by rows, with repeated rows", arguments: cases)
  func rows(_ arithmetic: Arithmetic, _ dtype: DType) throws {
    for (rowCount, width, indices) in [
      (5, 1, [4, 4, 4, 0]), (7, 3, [6, 0, 6, 2, 0]), (2, 65, [1, 1]), (9, 16, [3]), (3, 2, []),
      (1, 4, [0, 0, 0]), (200, 2, (0..<300).map { $0 * 37 % 101 }),
    ] {
      let shape: Shape = [rowCount, width]
      let start = values(shape.elementCount, seed: 5, dtype).reshaped(to: shape)
      var variables = [
        Variable(id: VariableID(layer: ["x"], index: 0), name: "x", value: start)
      ]
      var optimizer = try Optimizer(Adagrad(), learningRate: 0.07, arithmetic: arithmetic)
      var reference = ReferenceAdagrad(
        arithmetic, start, learningRate: 0.07, initialAccumulatorValue: 0.1, epsilon: 1e-7)
      for step in 0..<3 {
        let given = values(indices.count * width, seed: UInt64(step), dtype)
        let gradient = IndexedRows(
          indices: indices, values: given.reshaped(to: [indices.count, width]), shape: shape)
        try optimizer.applyGradients([.rows(gradient)], to: &variables)
        reference.step(rows: indices, width: width, values: given.doubles)
        #expect(variables[0].value.doubles == reference.variable, "\(shape), step \(step)")
        let accumulator = try optimizer.slot("accumulator", of: "x")
        #expect(accumulator.doubles == reference.accumulator, "\(shape), step \(step)")
      }
    }
  }

  @Test("float64 by rows that occur once equals float64 dense on those rows")
  func float64Rows() throws {
    let start = Tensor(mixedValues(12, seed: 1), shape: [4, 3]).converted(to: .float64)
    let given = Tensor(mixedValues(6, seed: 2), shape: [2, 3]).converted(to: .float64)
    let elements = given.elements(of: Double.self)
    for arithmetic in [Arithmetic.keras2, .keras3] {
      var byRows = [Variable(id: VariableID(layer: ["x"], index: 0), name: "x", value: start)]
      var asDense = byRows
      var optimizer = try Optimizer(Adagrad(), learningRate: 0.1, arithmetic: arithmetic)
      var other = optimizer
      for _ in 0..<3 {
        try optimizer.applyGradients(
          [.rows(IndexedRows(indices: [3, 1], values: given, shape: [4, 3]))], to: &byRows)
        try other.applyGradients(
          [
            .dense(
              Tensor(
                [0, 0, 0] + elements[3..<6] + [0, 0, 0] + elements[0..<3], shape: [4, 3]))
          ], to: &asDense)
      }
      expectIdentical(byRows[0].value, asDense[0].value)
    }
  }
}

@Suite("Row grouping")
struct RowGroupingTests {
  @Test("keeps rows in order of first appearance and occurrences in order of appearance")
  func order() {
    var grouping = RowGrouping()
    for indices in [[7, 2, 7, 7, 0, 2], [], [5], [1, 1], Array((0..<100).map { $0 % 17 })] {
      grouping.group(indices)
      var distinct: [Int] = []
      for index in indices where !distinct.contains(index) { distinct.append(index) }
      #expect(grouping.rows == distinct)
      for (group, row) in distinct.enumerated() {
        let positions = grouping.positions[grouping.starts[group]..<grouping.starts[group + 1]]
        #expect(Array(positions) == indices.indices.filter { indices[$0] == row })
      }
    }
  }
}
