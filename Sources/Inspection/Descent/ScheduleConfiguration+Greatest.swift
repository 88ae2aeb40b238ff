import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension ScheduleConfiguration {
  /// A number that the rate's magnitude does not exceed while the counter is in `steps`, which is not
  /// empty: exact up to rounding for one step, and for schedules that only fall or only rise.
  ///
  /// The schedules are those that `Optimizers` computes with; here they are bounded, in double, with room
  /// for Keras's arithmetic in float32. Nil where the formula gives no number.
  func greatestRate(over steps: ClosedRange<Int64>) -> Double? {
    let first = Double(steps.lowerBound)
    let last = Double(steps.upperBound)
    let found: Double
    switch kind {
    case .exponentialDecay(let initial, let count, let rate, let isStaircase):
      func value(_ step: Double) -> Double {
        let power = step / count.double
        return initial.double * pow(rate.double, isStaircase ? power.rounded(.down) : power)
      }
      found = max(value(first).magnitude, value(last).magnitude)
    case .inverseTimeDecay(let initial, let count, let rate, let isStaircase):
      func value(_ step: Double) -> Double {
        let power = step / count.double
        return initial.double / (1 + rate.double * (isStaircase ? power.rounded(.down) : power))
      }
      // Its only pole lies at a negative time unless the rate is negative.
      guard rate.double >= 0 else { return nil }
      found = max(value(first).magnitude, value(last).magnitude)
    case .polynomialDecay(let initial, let count, let end, let power, let cycles):
      guard power.double >= 0 else { return nil }
      if cycles, first < last {
        found = max(initial.double.magnitude, end.double.magnitude)
      } else {
        func value(_ step: Double) -> Double {
          let cycle = step == 0 ? 1 : (step / count.double).rounded(.up)
          let length = count.double * (cycles ? cycle : 1)
          let left = max(0, 1 - step / length)
          return (initial.double - end.double) * pow(left, power.double) + end.double
        }
        found = max(value(first).magnitude, value(last).magnitude)
      }
    case .piecewiseConstantDecay(let boundaries, let values):
      // The counter is in interval i up to and with boundary i.
      let limits = boundaries.map { $0.double.rounded(.towardZero) }
      let from = limits.firstIndex { first <= $0 } ?? limits.count
      let through = limits.firstIndex { last <= $0 } ?? limits.count
      found = values[min(from, through)...max(from, through)].map(\.double.magnitude).max()!
    case .cosineDecay(let initial, let count, let alpha, let target, let warmup):
      found = Self.greatestOfCosine(
        first, last, initial: initial.double, count: count.double, alpha: alpha.double,
        target: target?.double, warmup: warmup.double)
    case .cosineDecayRestarts(let initial, let count, let tMul, let mMul, let alpha):
      guard count.double > 0, tMul.double >= 1, mMul.double >= 0 else { return nil }
      func restarts(_ step: Double) -> Double {
        let share = step / count.double
        return tMul.double == 1
          ? share.rounded(.down)
          : (log(1 + share * (tMul.double - 1)) / log(tMul.double)).rounded(.down)
      }
      // One more and one less, since a logarithm in float32 may fall on the other side.
      let amplitudes = [max(0, restarts(first) - 1), restarts(last) + 1].map {
        pow(mMul.double, $0)
      }
      found =
        initial.double.magnitude * max(amplitudes.max()!, alpha.double.magnitude, 1e-300)
        * (1 + alpha.double.magnitude)
    }
    guard found.isFinite else { return nil }
    return found * Self.room + Self.absoluteRoom * peak
  }

  /// A number that the rate's magnitude is not below at one step; nil where ``greatestRate(over:)`` says more
  /// than the rate.
  func leastRate(at step: Int64) -> Double? {
    if case .cosineDecayRestarts = kind { return nil }
    return greatestRate(over: step...step).map {
      max(0, ($0 - 2 * Self.absoluteRoom * peak) / (Self.room * Self.room))
    }
  }

  /// Keras computes in float32: some roundings, and a power or a cosine.
  private static let room = 1 + 1e-5
  /// Where terms cancel, the error is relative to the greatest rate.
  private static let absoluteRoom = 1e-6

  /// The greatest number that the schedule was given as a rate.
  private var peak: Double {
    switch kind {
    case .exponentialDecay(let initial, _, _, _), .inverseTimeDecay(let initial, _, _, _),
      .cosineDecayRestarts(let initial, _, _, _, _):
      initial.double.magnitude
    case .polynomialDecay(let initial, _, let end, _, _):
      max(initial.double.magnitude, end.double.magnitude)
    case .cosineDecay(let initial, _, _, let target, _):
      max(initial.double.magnitude, target?.double.magnitude ?? 0)
    case .piecewiseConstantDecay(_, let values): values.map(\.double.magnitude).max() ?? 0
    }
  }

  private static func greatestOfCosine(
    _ first: Double, _ last: Double, initial: Double, count: Double, alpha: Double,
    target: Double?, warmup: Double
  ) -> Double {
    func decayed(_ rate: Double, _ step: Double) -> Double {
      let cosine = 0.5 * (1 + cos(.pi * min(1, max(0, step / count))))
      return rate * ((1 - alpha) * cosine + alpha)
    }
    guard let target else {
      return max(decayed(initial, first).magnitude, decayed(initial, last).magnitude)
    }
    func value(_ step: Double) -> Double {
      step < warmup
        ? initial + (target - initial) * (step / warmup) : decayed(target, step - warmup)
    }
    let ends = max(value(first).magnitude, value(last).magnitude)
    // Between them lies the top of the warmup.
    return first < warmup && last >= warmup ? max(ends, target.magnitude) : ends
  }
}
