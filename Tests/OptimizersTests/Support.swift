import Tensors
import Testing

@testable import Optimizers

/// A variable of a layer of its own.
func variable<Element: TensorElement>(
  _ name: String, _ values: [Element], shape: Shape? = nil
) -> Variable {
  Variable(
    id: VariableID(layer: [name], index: 0), name: "\(name)/kernel",
    value: Tensor(values, shape: shape ?? [values.count]))
}

func dense<Element: TensorElement>(_ values: [Element], shape: Shape? = nil) -> Gradient {
  .dense(Tensor(values, shape: shape ?? [values.count]))
}

func rows<Element: TensorElement>(
  _ indices: [Int], _ values: [Element], of shape: Shape
) -> Gradient {
  .rows(
    IndexedRows(
      indices: indices,
      values: Tensor(values, shape: Shape([indices.count] + shape.dimensions.dropFirst())),
      shape: shape))
}

extension Variable {
  var floats: [Float] { value.elements(of: Float.self) }
}

extension Optimizer {
  /// The accumulator of the variable that ``variable(_:_:shape:)`` made by this name.
  func slot(_ slot: String, of name: String) throws -> Tensor {
    try #require(slots[slot, VariableID(layer: [name], index: 0)])
  }
}

/// Deterministic values of mixed magnitude and sign, some of them zero.
func mixedValues(_ count: Int, seed: UInt64) -> [Float] {
  let stream = RandomStream(seed: seed)
  return (0..<count).map { index in
    let words = stream.words(at: UInt64(index))
    if words[2] % 50 == 0 { return words[2] % 100 == 0 ? 0 : -0.0 }
    let magnitude = Float(sign: .plus, exponent: Int(words[1] % 24) - 16, significand: 1)
    return (stream.uniform(at: UInt64(index)) * 2 - 1) * magnitude
  }
}

/// ``mixedValues(_:seed:)``, repeated from some length on: quick to make.
func manyValues(_ count: Int, seed: UInt64) -> [Float] {
  let period = mixedValues(min(count, 1009), seed: seed)
  var values: [Float] = []
  values.reserveCapacity(count)
  while values.count < count { values += period.prefix(count - values.count) }
  return values
}

/// Equal bits, NaN equal to NaN.
func expectIdentical(
  _ a: Tensor, _ b: Tensor, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.isIdentical(to: b), comment, sourceLocation: sourceLocation)
}
