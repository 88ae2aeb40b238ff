import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite("Operators and their gradients, against double precision")
struct OperatorTests {
  @Test("a product of rows and a kernel", arguments: [[4], [2, 4]])
  func matmul(leading: [Int]) {
    let x = normalTensor("x", Shape(leading + [3]))
    let weights = normalTensor("w", [3, 2])
    checkGradient(of: [x, weights]) { tape, values in
      tape.matmul(values[0], values[1])
    } reference: { inputs in
      let (x, w) = (inputs[0], inputs[1])
      return table(x.count / 3 * 2) { index in
        sum(3) { x[index / 2 * 3 + $0] * w[$0 * 2 + index % 2] }
      }
    }
  }

  @Test("a bias added to each row")
  func addBias() {
    checkGradient(of: [normalTensor("x", [4, 3]), normalTensor("b", [3])]) { tape, values in
      tape.addBias(values[0], values[1])
    } reference: { inputs in
      inputs[0].indices.map { inputs[0][$0] + inputs[1][$0 % 3] }
    }
  }

  @Test("a sum, also of a value with itself")
  func add() {
    checkGradient(of: [normalTensor("a", [2, 3]), normalTensor("b", [2, 3])]) { tape, values in
      let sum = tape.add(values[0], values[1])
      return tape.add(sum, values[0])
    } reference: { inputs in
      inputs[0].indices.map { 2 * inputs[0][$0] + inputs[1][$0] }
    }
  }

  @Test("each activation", arguments: ActivationFunction.allCases)
  func activation(_ activation: ActivationFunction) {
    checkGradient(of: [normalTensor("x", [3, 5], scale: 2)]) { tape, values in
      tape.activate(values[0], activation)
    } reference: { inputs in
      activationReference(activation, inputs[0], columns: 5)
    }
  }

  @Test("a rectifier with a maximum, a slope and a threshold")
  func rectifier() {
    checkGradient(of: [normalTensor("x", [3, 5], scale: 2)]) { tape, values in
      tape.rectify(values[0], maximum: 2, slope: 0.25, threshold: -0.5)
    } reference: { inputs in
      inputs[0].map { $0 < -0.5 ? 0.25 * ($0 + 0.5) : min($0, 2) }
    }
  }

  @Test("an activation keeps a NaN", arguments: ActivationFunction.allCases)
  func activationOfNaN(_ activation: ActivationFunction) {
    var tape = GradientTape()
    let x = tape.variable(Tensor([Float.nan, 1], shape: [1, 2]))
    let y = tape.activate(x, activation)
    #expect(tape[y].elements(of: Float.self)[0].isNaN)
  }

  @Test("the saturated ends of the activations are finite and exact")
  func saturation() {
    func value(_ activation: ActivationFunction, _ x: Float) -> Float {
      var tape = GradientTape()
      let input = tape.constant(Tensor([x], shape: [1, 1]))
      let output = tape.activate(input, activation)
      return tape[output].elements(of: Float.self)[0]
    }
    #expect(value(.sigmoid, -200) == 0)
    #expect(value(.sigmoid, 200) == 1)
    #expect(value(.softplus, 200) == 200)
    #expect(value(.softplus, -200) == 0)
    #expect(value(.elu, -200) == -1)
    #expect(value(.relu, -.infinity) == 0)
    #expect(value(.softmax, 200) == 1)
  }

  @Test("the mean over the steps")
  func averageOverSteps() {
    checkGradient(of: [normalTensor("x", [2, 4, 3])]) { tape, values in
      tape.averageOverSteps(values[0])
    } reference: { inputs in
      let x = inputs[0]
      return table(6) { index in
        sum(4) { x[index / 3 * 12 + $0 * 3 + index % 3] } / 4
      }
    }
  }

  @Test("a change of shape")
  func reshape() {
    checkGradient(of: [normalTensor("x", [2, 3, 2])]) { tape, values in
      tape.reshape(values[0], to: [2, 6])
    } reference: {
      $0[0]
    }
  }

  @Test("rows of a table, repeated rows too")
  func rows() {
    let indices = [2, 0, 2, 3, 2, 0]
    checkGradient(of: [normalTensor("table", [5, 2])]) { tape, values in
      tape.rows(of: values[0], at: indices, idShape: [2, 3])
    } reference: { inputs in
      indices.flatMap { [inputs[0][$0 * 2], inputs[0][$0 * 2 + 1]] }
    }
  }

  // Both directions divide by a standard deviation, which widens the roundings.
  @Test("normalization by the batch's moments", arguments: [[6, 3], [2, 3, 3]])
  func normalizeByBatch(shape: [Int]) {
    checkGradient(of: [normalTensor("x", Shape(shape))], tolerance: 1e-5) { tape, values in
      tape.normalizeByBatch(values[0], epsilon: 0.001).0
    } reference: { inputs in
      let x = inputs[0]
      let (means, variances) = columnMoments(x, columns: 3)
      return x.indices.map { (x[$0] - means[$0 % 3]) / (variances[$0 % 3] + 0.001).squareRoot() }
    }
  }

  @Test("normalization by given moments")
  func normalize() {
    let moments = GradientTape.Moments(
      mean: Tensor([0.5, -1, 0] as [Float]), variance: Tensor([2, 0, 0.25] as [Float]))
    checkGradient(of: [normalTensor("x", [4, 3])], tolerance: 1e-5) { tape, values in
      tape.normalize(values[0], by: moments, epsilon: 0.001)
    } reference: { inputs in
      let means = [0.5, -1, 0]
      let variances = [2, 0, 0.25]
      return inputs[0].indices.map {
        (inputs[0][$0] - means[$0 % 3]) / (variances[$0 % 3] + 0.001).squareRoot()
      }
    }
  }

  @Test("rows multiplied by a vector")
  func multiplyRows() {
    checkGradient(of: [normalTensor("x", [4, 3]), normalTensor("s", [3])]) { tape, values in
      tape.multiplyRows(values[0], by: values[1])
    } reference: { inputs in
      inputs[0].indices.map { inputs[0][$0] * inputs[1][$0 % 3] }
    }
  }

  @Test("dropout, given its mask")
  func dropout() {
    let stream = RandomStream(seed: 3)
    let mask = (0..<40).map { stream.uniform(at: UInt64(20 + $0)) < 0.4 ? 0 : 1 / 0.6 }
    checkGradient(of: [normalTensor("x", [8, 5])]) { tape, values in
      tape.dropout(values[0], rate: 0.4, stream: stream, firstRow: 4)
    } reference: { inputs in
      zip(inputs[0], mask).map { $0 * $1 }
    }
  }
}

// MARK: - References

private func activationReference(
  _ activation: ActivationFunction, _ x: [Double], columns: Int
) -> [Double] {
  if activation == .softmax {
    return table(x.count) { index in
      let row = index / columns * columns
      return exp(x[index]) / sum(columns) { exp(x[row + $0]) }
    }
  }
  return x.map { (x: Double) -> Double in
    switch activation {
    case .linear, .softmax: x
    case .relu: max(x, 0)
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: tanh(x)
    case .elu: x > 0 ? x : exp(x) - 1
    case .selu: 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (exp(x) - 1))
    case .softplus: log(1 + exp(x))
    case .softsign: x / (1 + abs(x))
    case .silu: x / (1 + exp(-x))
    case .gelu: x * erfc(-x / 2.0.squareRoot()) / 2
    case .exponential: exp(x)
    }
  }
}

private func columnMoments(_ x: [Double], columns: Int) -> ([Double], [Double]) {
  let rows = x.count / columns
  let means = table(columns) { column in
    sum(rows) { x[$0 * columns + column] } / Double(rows)
  }
  let variances = table(columns) { column in
    let squares = sum(rows) {
      let distance = x[$0 * columns + column] - means[column]
      return distance * distance
    }
    return squares / Double(rows)
  }
  return (means, variances)
}
