#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A function of one number, applied to each element of a float32 buffer, with its derivative.
///
/// The derivative is taken of the input `x` and the output `y`, whichever is cheaper or more exact.
public enum ElementwiseFunction: Sendable, Hashable {
  /// min(x, maximum) from `threshold` on, slope (x - threshold) below it; the derivative at a corner is
  /// that of the flatter side.
  case rectifier(maximum: Float, slope: Float, threshold: Float)
  /// 1 / (1 + e^-x)
  case sigmoid
  case tanh
  /// x where x > 0, else e^x - 1.
  case elu
  /// 1.0507... (x where x > 0, else 1.6732... (e^x - 1)): Klambauer et al., "Self-normalizing neural
  /// networks", 2017.
  case selu
  /// log(1 + e^x)
  case softplus
  /// x / (1 + |x|)
  case softsign
  /// x sigmoid(x)
  case swish
  /// x Φ(x), by the error function (Keras's default), not its tanh approximation.
  case gelu
  /// e^x
  case exponential
}

// MARK: - Forward

extension ElementwiseFunction {
  /// `y[i] = f(x[i])`; `y` may be `x`. Traps when the lengths differ.
  public func evaluate(
    _ x: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>
  ) {
    requireEqualCounts(x.count, y.count)
    switch self {
    case .rectifier(let maximum, let slope, let threshold):
      // Both comparisons are false of a NaN, which so stays one.
      map(x, y) { x in
        x < threshold ? (slope == 0 ? 0 : slope * (x - threshold)) : x > maximum ? maximum : x
      }
    case .sigmoid: map(x, y, logistic)
    case .tanh: map(x, y) { tanhf($0) }
    case .elu: map(x, y) { $0 > 0 ? $0 : expm1f($0) }
    case .selu: map(x, y) { $0 > 0 ? seluScale * $0 : seluScale * seluAlpha * expm1f($0) }
    case .softplus: map(x, y) { max($0, 0) + log1pf(expf(-abs($0))) }
    case .softsign: map(x, y) { $0 / (1 + abs($0)) }
    case .swish: map(x, y) { $0 * logistic($0) }
    case .gelu: map(x, y) { $0 * normalDistribution($0) }
    case .exponential: map(x, y) { expf($0) }
    }
  }
}

// MARK: - Pullback

extension ElementwiseFunction {
  /// `dx[i] = dy[i] f'(x[i])`, where `y` is what ``evaluate(_:into:)`` gave; `dx` may be `dy`. Traps
  /// when the lengths differ.
  public func pullBack(
    _ dy: UnsafeBufferPointer<Float>, x: UnsafeBufferPointer<Float>,
    y: UnsafeBufferPointer<Float>, into dx: UnsafeMutableBufferPointer<Float>
  ) {
    requireEqualCounts(dy.count, x.count, y.count, dx.count)
    switch self {
    case .rectifier(let maximum, let slope, let threshold):
      map(dy, x, dx) { dy, x in
        x > threshold ? (x < maximum ? dy : 0) : slope * dy
      }
    case .sigmoid: map(dy, y, dx) { $0 * ($1 * (1 - $1)) }
    case .tanh: map(dy, y, dx) { $0 * (1 - $1 * $1) }
    case .elu: map(dy, y, dx) { $1 > 0 ? $0 : $0 * ($1 + 1) }
    case .selu:
      map(dy, y, dx) { $1 > 0 ? $0 * seluScale : $0 * ($1 + seluScale * seluAlpha) }
    case .softplus: map(dy, x, dx) { $0 * logistic($1) }
    case .softsign: map(dy, x, dx) { $0 / ((1 + abs($1)) * (1 + abs($1))) }
    case .swish:
      map(dy, x, dx) { dy, x in
        let sigmoid = logistic(x)
        return dy * (sigmoid * (1 + x * (1 - sigmoid)))
      }
    case .gelu: map(dy, x, dx) { $0 * (normalDistribution($1) + $1 * normalDensity($1)) }
    case .exponential: map(dy, y, dx) { $0 * $1 }
    }
  }
}

// MARK: - Private

private let seluScale: Float = 1.05070098735548049342
private let seluAlpha: Float = 1.67326324235437728482

private func logistic(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

/// The standard normal's distribution function Φ.
private func normalDistribution(_ x: Float) -> Float { 0.5 * (1 + erff(x * 0.707106781186547524)) }

/// The standard normal's density Φ'.
private func normalDensity(_ x: Float) -> Float { 0.398942280401432678 * expf(-0.5 * x * x) }

@inline(__always)
private func map(
  _ x: UnsafeBufferPointer<Float>, _ y: UnsafeMutableBufferPointer<Float>,
  _ function: (Float) -> Float
) {
  for index in x.indices { y[index] = function(x[index]) }
}

@inline(__always)
private func map(
  _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>,
  _ y: UnsafeMutableBufferPointer<Float>, _ function: (Float, Float) -> Float
) {
  for index in a.indices { y[index] = function(a[index], b[index]) }
}
