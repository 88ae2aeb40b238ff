public import Tensors

/// What the elements of a tensor are like; computed in double.
public struct TensorStatistics: Sendable, Hashable {
  public var count = 0
  public var zeroCount = 0
  public var nanCount = 0
  public var infinityCount = 0
  /// Over the finite elements; nil when there are none.
  public var minimum: Double?
  public var maximum: Double?
  public var mean: Double?
  /// Of the population: sqrt(mean((x - mean)^2)).
  public var standardDeviation: Double?

  /// One pass; the moments by Welford's recurrence, so that a large mean costs no digits.
  public init(of tensor: Tensor) {
    var mean = 0.0
    var squares = 0.0
    var finite = 0
    func scan<Element: TensorElement>(_: Element.Type) {
      tensor.withElements(of: Element.self) { elements in
        for element in elements {
          let value = element.number.double
          count += 1
          if value == 0 { zeroCount += 1 }
          if value.isNaN {
            nanCount += 1
          } else if value.isInfinite {
            infinityCount += 1
          } else {
            finite += 1
            minimum = Swift.min(minimum ?? value, value)
            maximum = Swift.max(maximum ?? value, value)
            let delta = value - mean
            mean += delta / Double(finite)
            squares += delta * (value - mean)
          }
        }
      }
    }
    tensor.dtype.withElementType { scan($0) }
    if finite > 0 {
      self.mean = mean
      standardDeviation = (squares / Double(finite)).squareRoot()
    }
  }
}
