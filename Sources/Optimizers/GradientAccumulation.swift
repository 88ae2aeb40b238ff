internal import CKernels
internal import Tensors

/// The arithmetic of gradient accumulation in one call, in the variable's dtype: the gradient is added to
/// the accumulator; in the call that updates the variables the sum is divided by the number of calls.
///
/// Source: `_backend_apply_gradients` in `keras/src/optimizers/base_optimizer.py` (Keras 3.15).
struct AccumulationUpdate {
  /// Nil unless the variables are updated.
  let divisor: Int?

  /// The name of the slot that holds the sums.
  static let slotName = "gradient_accumulator"

  func update(
    _ accumulator: Plane, adding gradient: UnsafeRawPointer, count: Int, dtype: DType,
    team: ThreadTeam
  ) {
    let work = Work(
      accumulator: accumulator, gradient: gradient, dtype: dtype, divisor: Double(divisor ?? 1))
    team.run(
      work, count: count, chunk: UpdatePlan.chunkElementCount,
      serialBelow: UpdatePlan.serialElementCount)
  }

  /// Sendable because threads get ranges that do not overlap.
  private struct Work: SharedWork, @unchecked Sendable {
    let accumulator: Plane
    let gradient: UnsafeRawPointer
    let dtype: DType
    let divisor: Double

    func run(_ range: Range<Int>, thread: Int) {
      switch dtype {
      case .float32:
        let start = range.lowerBound
        ck_accumulate_f32(
          range.count, Float(divisor), gradient.assumingMemoryBound(to: Float.self) + start,
          accumulator.oldElements() + start, accumulator.newElements() + start)
      case .float64: update(range, as: Double.self)
      case .float16: update(range, as: Float16.self)
      case .bfloat16: update(range, as: BFloat16.self)
      default: preconditionFailure("there are no gradients of \(dtype) variables")
      }
    }

    private func update<T: UpdateScalar>(_ range: Range<Int>, as _: T.Type) {
      let gradient = gradient.assumingMemoryBound(to: T.self)
      let old = accumulator.oldElements(of: T.self)
      let new = accumulator.newElements(of: T.self)
      let divisor = T(divisor)
      for i in range { new[i] = (gradient[i] + old[i]) / divisor }
    }
  }
}
