internal import CKernels
internal import Tensors

/// What becomes of the elements of a gradient before the rule sees them, in this order. All numbers are
/// already rounded to the gradient's dtype.
struct GradientTransform {
  /// The loss scale, which every element is divided by; 1 for none.
  var lossScale = 1.0
  /// The greatest magnitude; nil for none.
  var limit: Double?
  var scale = Scale.none

  enum Scale {
    case none
    /// `(g * multiplier) / divisor`
    case ratio(multiplier: Double, divisor: Double)
    /// `g * factor`
    case factor(Double)
  }

  static let identity = GradientTransform()

  var isIdentity: Bool {
    if case .none = scale { return lossScale == 1 && limit == nil }
    return false
  }

  /// Reads `count` elements of `gradient` and writes what becomes of them.
  func apply(
    to gradient: UnsafeRawPointer, into result: UnsafeMutableRawPointer, count: Int, dtype: DType
  ) {
    switch dtype {
    case .float32:
      applyFloat32(
        to: gradient.assumingMemoryBound(to: Float.self),
        into: result.bindMemory(to: Float.self, capacity: count), count)
    case .float64: apply(to: gradient, into: result, count, as: Double.self)
    case .float16: apply(to: gradient, into: result, count, as: Float16.self)
    case .bfloat16: apply(to: gradient, into: result, count, as: BFloat16.self)
    default: preconditionFailure("there are no gradients of \(dtype) variables")
    }
  }

  private func applyFloat32(
    to gradient: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    var source = gradient
    func done() { source = UnsafePointer(result) }
    if lossScale != 1 {
      ck_divide_f32(count, Float(lossScale), source, result)
      done()
    }
    if let limit {
      ck_limit_f32(count, Float(limit), source, result)
      done()
    }
    switch scale {
    case .none: break
    case .ratio(let multiplier, let divisor):
      ck_ratio_f32(count, Float(multiplier), Float(divisor), source, result)
      done()
    case .factor(let factor):
      ck_multiply_f32(count, Float(factor), source, result)
      done()
    }
    if source == gradient { result.update(from: gradient, count: count) }
  }

  /// The formulas as they are written above; the float32 kernels are the same, vectorized.
  private func apply<T: UpdateScalar>(
    to gradient: UnsafeRawPointer, into result: UnsafeMutableRawPointer, _ count: Int, as _: T.Type
  ) {
    let gradient = gradient.assumingMemoryBound(to: T.self)
    let result = result.bindMemory(to: T.self, capacity: count)
    let lossScale = T(lossScale)
    for i in 0..<count {
      var g = gradient[i]
      if self.lossScale != 1 { g = g / lossScale }
      if let limit { g = g.limited(to: T(limit)) }
      switch scale {
      case .none: break
      case .ratio(let multiplier, let divisor): g = (g * T(multiplier)) / T(divisor)
      case .factor(let factor): g = g * T(factor)
      }
      result[i] = g
    }
  }
}

extension UpdateScalar {
  /// `max(min(self, limit), -limit)`; NaN stays.
  fileprivate func limited(to limit: Self) -> Self {
    let (value, bound) = (number.double, limit.number.double)
    return value > bound ? limit : value < -bound ? Self(-bound) : self
  }
}
