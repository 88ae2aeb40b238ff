import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How far Adagrad can have moved one element of a variable, told from its accumulator alone.
///
/// With `s = accumulator + epsilon` at both ends, `T` updates and the rates `r_t`,
///
///     |w_B - w_A|  <=  sqrt(n * sum(r_t^2) * T * (1 - (s_A / s_B)^(1/T) + n * u)) * (1 + 16 u)
///                      + roundings of w
///
/// `n` is how often one update may subtract from the element (1, but for repeated rows in Keras 3) and `u`
/// the unit roundoff. <doc:Descending> derives it.
struct UpdateBound: Sendable, Hashable {
  /// Updates between the two files: `T`, at least 1.
  var updateCount: Double
  /// Not less than the sum of the squared rates of these updates.
  var squaredRateSum: Double
  /// What Keras adds inside the root; any smaller number only loosens the bound.
  var epsilon: Double
  /// How often one update may subtract from one element: `n`.
  var occurrences: Double = 1
  /// Roundings of the weight per subtraction, in units of `u`: 1 for the subtraction alone.
  var roundingsPerUpdate: Double = 1
  /// Of the weights' and accumulators' type.
  var precision: Precision

  /// What rounding to a type costs.
  struct Precision: Sendable, Hashable {
    /// The greatest relative error of one operation: 2^-24 for float32.
    let roundoff: Double
    /// The greatest absolute error beside it: what is flushed to zero, or rounded among subnormal
    /// numbers.
    let underflow: Double

    /// Nil for a type that no optimizer trains.
    init?(_ dtype: DType) {
      switch dtype {
      // TensorFlow flushes float32's subnormal numbers to zero.
      case .float32: (roundoff, underflow) = (0x1p-24, 0x1p-126)
      case .float64: (roundoff, underflow) = (0x1p-53, 0x1p-1022)
      case .float16: (roundoff, underflow) = (0x1p-11, 0x1p-24)
      case .bfloat16: (roundoff, underflow) = (0x1p-8, 0x1p-126)
      default: return nil
      }
    }
  }

  /// Roundings between the gradient and the step, the reciprocal root of compiled graphs included.
  private static let stepRoundings = 16.0

  /// True when so many roundings add up that they may be as large as the weight itself: nothing can be said
  /// about the weights then.
  var isSwampedByRounding: Bool {
    updateCount * occurrences * roundingsPerUpdate * precision.roundoff >= 0.5
  }

  /// The longest way that an element can have gone in exact subtractions.
  ///
  /// - Returns: nil where the accumulator says nothing: not above zero with epsilon, or falling.
  func path(from accumulatorBefore: Double, to accumulatorAfter: Double) -> Double? {
    let before = accumulatorBefore + epsilon
    let after = accumulatorAfter + epsilon
    guard before > 0, after >= before else { return nil }
    let growth = (after - before) / after  // NaN for infinity
    // 1 - (s_A / s_B)^(1/T), without cancellation for a small growth.
    let share =
      after.isInfinite ? 1 : -expm1(log1p(-growth) / updateCount)
    let lost = occurrences * (precision.roundoff + precision.underflow / before)
    return
      (occurrences * squaredRateSum * updateCount * (share + lost)).squareRoot()
      * (1 + Self.stepRoundings * precision.roundoff)
      + updateCount * occurrences * precision.underflow / before.squareRoot()
  }

  /// What the roundings of the weight itself may add to a `path`, given where the weight began and ended.
  func roundings(path: Double, from weightBefore: Double, to weightAfter: Double) -> Double {
    let share = updateCount * occurrences * roundingsPerUpdate * precision.roundoff
    // On its way the weight was nowhere further from zero than this.
    let greatest = (weightBefore.magnitude + weightAfter.magnitude + path) / (2 - share)
    return share * greatest + updateCount * occurrences * precision.underflow
  }

  /// `C` such that `(w_B - w_A)^2 * s_B <= C * (accumulator's growth)` proves the bound kept: since
  /// `T * (1 - R^(-1/T)) >= 1 - 1/R`, which needs neither logarithm nor root.
  var sufficientFactor: Double { occurrences * squaredRateSum }
}
