import Optimizers
import Tensors
import Testing
import Training

/// Compares an operator with a reference written in double precision: its output, and its gradient
/// by every element of every input with the reference's central differences.
///
/// The loss is `Σ c y` with fixed, unequal c, so that no error can cancel. A step of 1e-5 in doubles
/// leaves errors near 1e-10, so the tolerance, relative to the largest entry, is that of the operator's
/// own float32 arithmetic: a few dozen roundings of 6e-8.
func checkGradient(
  of inputs: [Tensor], tolerance: Double = 4e-6,
  by operation: (inout GradientTape, [GradientTape.Value]) -> GradientTape.Value,
  reference: ([[Double]]) -> [Double], sourceLocation: SourceLocation = #_sourceLocation
) {
  let doubles = inputs.map { $0.elements(of: Float.self).map(Double.init) }
  let (output, gradients) = evaluate(inputs, operation)
  let expected = reference(doubles)
  expectClose(
    output, expected, tolerance: tolerance, "output", sourceLocation: sourceLocation)
  let weights = coefficients(expected.count)
  for (index, gradient) in gradients.enumerated() {
    let step = 1e-5
    let differences = doubles[index].indices.map { element in
      var shifted = doubles
      func loss(at value: Double) -> Double {
        shifted[index][element] = value
        let outputs = reference(shifted)
        return sum(outputs.count) { weights[$0] * outputs[$0] }
      }
      let value = doubles[index][element]
      return (loss(at: value + step) - loss(at: value - step)) / (2 * step)
    }
    expectClose(
      gradient, differences, tolerance: tolerance, "gradient by input \(index)",
      sourceLocation: sourceLocation)
  }
}

/// The output, and the gradients of `Σ c y` by the inputs.
private func evaluate(
  _ inputs: [Tensor],
  _ operation: (inout GradientTape, [GradientTape.Value]) -> GradientTape.Value
) -> ([Float], [[Float]]) {
  var tape = GradientTape()
  var values: [GradientTape.Value] = []
  for input in inputs { values.append(tape.variable(input)) }
  let result = operation(&tape, values)
  let output = tape[result]
  let weights = Tensor(coefficients(output.elementCount).map(Float.init), shape: output.shape)
  var total: Float = 0
  for (c, y) in zip(weights.elements(of: Float.self), output.elements(of: Float.self)) {
    total += c * y
  }
  let loss = tape.record(Tensor(scalar: total), from: [result]) { _ in [.dense(weights)] }
  let gradients = tape.gradients(of: loss, withRespectTo: values)
  return (
    output.elements(of: Float.self),
    zip(gradients, inputs).map { elements(of: $0, count: $1.elementCount) }
  )
}

private func coefficients(_ count: Int) -> [Double] {
  guard count > 1 else { return [1] }
  return (0..<count).map { (index: Int) -> Double in
    let base = Double((index * 7) % 11) / 8
    return index % 2 == 0 ? base + 0.5 : base - 0.25
  }
}

/// `Σ term(i)` for i in 0..<count.
func sum(_ count: Int, _ term: (Int) -> Double) -> Double {
  var sum = 0.0
  for index in 0..<count { sum += term(index) }
  return sum
}

/// `element(i)` for i in 0..<count.
func table(_ count: Int, _ element: (Int) -> Double) -> [Double] {
  var elements: [Double] = []
  for index in 0..<count { elements.append(element(index)) }
  return elements
}

/// A gradient as one number per element.
func elements(of gradient: Gradient, count: Int) -> [Float] {
  switch gradient {
  case .none: return Array(repeating: 0, count: count)
  case .dense(let tensor): return tensor.elements(of: Float.self)
  case .rows(let rows):
    var table = [Float](repeating: 0, count: count)
    let width = rows.shape.row.elementCount
    let values = rows.values.elements(of: Float.self)
    for (entry, row) in rows.indices.enumerated() {
      for column in 0..<width { table[row * width + column] += values[entry * width + column] }
    }
    return table
  }
}

func expectClose(
  _ found: [Float], _ expected: [Double], tolerance: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  let scale = expected.reduce(1) { max($0, abs($1)) }
  let error = zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  #expect(
    error <= tolerance * scale, "\(what): \(found) is not \(expected)",
    sourceLocation: sourceLocation)
}

/// Normal numbers that depend on the name only.
func normalTensor(_ name: String, _ shape: Shape, scale: Double = 1) -> Tensor {
  let stream = RandomStream(seed: 7).substream(named: name)
  return Tensor(
    (0..<shape.elementCount).map { Float(scale * stream.normal(at: UInt64($0))) }, shape: shape)
}
