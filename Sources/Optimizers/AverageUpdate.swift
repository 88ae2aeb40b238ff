internal import CKernels
internal import KerasConfiguration
internal import Tensors

/// The arithmetic of ``MovingAverages`` in one step.
struct AverageUpdate {
  let momentum: Double
  /// Whether the variables take the values of their averages.
  let overwrites: Bool
  let arithmetic: Arithmetic
  let isFirstStep: Bool

  init(_ averages: MovingAverages, arithmetic: Arithmetic, iterations: Int64) {
    momentum = averages.momentum
    overwrites = averages.overwrites(at: iterations)
    self.arithmetic = arithmetic
    isFirstStep = iterations == 0
  }

  /// The weights of the old average and of the variable.
  func weights<T: UpdateScalar>(as _: T.Type = T.self) -> (keep: T, take: T) {
    switch arithmetic {
    case .keras2, .kerasLegacy:
      return (T(momentum), T(1 - momentum))
    case .keras3:
      let keep = isFirstStep ? T(0.0) : T(momentum)
      return (keep, T(1.0) - keep)
    }
  }

  /// Updates `count` elements of an average from `variable`, and with them overwrites `target` if that
  /// is due.
  func update(
    _ average: Plane, from variable: UnsafeRawPointer, overwriting target: UnsafeMutableRawPointer,
    count: Int, dtype: DType
  ) {
    switch dtype {
    case .float32: updateFloat32(average, from: variable, count: count)
    case .float64: update(average, from: variable, count: count, as: Double.self)
    case .float16: update(average, from: variable, count: count, as: Float16.self)
    case .bfloat16: update(average, from: variable, count: count, as: BFloat16.self)
    default: preconditionFailure("there is no average of \(dtype) variables")
    }
    if overwrites {
      target.copyMemory(from: average.new, byteCount: count * dtype.byteCount)
    }
  }

  private func updateFloat32(_ average: Plane, from variable: UnsafeRawPointer, count: Int) {
    let (keep, take) = weights(as: Float.self)
    ck_average_f32(
      count, keep, take, variable.assumingMemoryBound(to: Float.self),
      average.oldElements(), average.newElements())
  }

  private func update<T: UpdateScalar>(
    _ average: Plane, from variable: UnsafeRawPointer, count: Int, as _: T.Type
  ) {
    let (keep, take) = weights(as: T.self)
    let variable = variable.assumingMemoryBound(to: T.self)
    let old = average.oldElements(of: T.self)
    let new = average.newElements(of: T.self)
    for i in 0..<count { new[i] = keep * old[i] + take * variable[i] }
  }
}
