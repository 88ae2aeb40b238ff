#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What training asks of every element of one variable: the premises in numbers.
struct ElementRules: Sendable {
  /// Updates between the two files.
  var updateCount: Double
  /// Nil where nothing can be said about the weights.
  var bound: UpdateBound?
  /// The share of a weight that decay leaves of it at least; 1 without decay.
  var leastRetention = 1.0
  /// Whether averages are kept that may have replaced the weights at any time.
  var hasAverages = false
  /// What one update adds to an element at most, squared; infinite without clipping.
  var greatestSquare = Double.infinity
  /// With a single update: not more than its rate. Nil where that is not known.
  var onlyRate: Double?
  /// Of the accumulators' type.
  var roundoff: Double
  /// What the accumulators' type flushes to zero.
  var underflow: Double
  /// Whether NaN and infinity tell something: nothing changes the weights besides the optimizer.
  var isWeightTracked = true
}

extension ElementRules {
  /// One element in both files; the averages are 0 where there are none.
  struct Element {
    var weight: (before: Double, after: Double)
    var accumulator: (before: Double, after: Double)
    var average: (before: Double, after: Double) = (0, 0)
  }

  /// What is wrong with an element: the kind, what was found and the limit.
  typealias Finding = (kind: Contradiction.Kind, found: Double, limit: Double)

  func findings(_ element: Element) -> [Finding] {
    let accumulator = element.accumulator
    if accumulator.before.isNaN || accumulator.after.isNaN { return findingsOfNaN(element) }
    var findings: [Finding] = []
    if accumulator.after < accumulator.before, accumulator.before.magnitude >= underflow {
      findings.append((.accumulatorFell, accumulator.after, accumulator.before))
      return findings
    }
    let growth = accumulator.after - accumulator.before
    if updateCount == 0 {
      if growth > 0 { findings.append((.grewWithoutUpdate, growth, 0)) }
    } else if growth > greatestGrowth(accumulator.before) {
      findings.append((.grewBeyondClipping, growth, greatestGrowth(accumulator.before)))
    }
    if isWeightTracked { findings += findingsOfWeight(element) }
    return findings
  }

  /// Squares of at most ``greatestSquare``, each sum rounded up by ``roundoff`` at most.
  private func greatestGrowth(_ before: Double) -> Double {
    guard greatestSquare.isFinite else { return .infinity }
    let rounded = expm1(updateCount * log1p(roundoff))
    return before.magnitude * rounded
      + updateCount * greatestSquare * (1 + 8 * roundoff) * (1 + rounded)
  }

  private func findingsOfNaN(_ element: Element) -> [Finding] {
    if element.accumulator.before.isNaN, !element.accumulator.after.isNaN {
      return [(.notANumberHealed, element.accumulator.after, .nan)]
    }
    guard isWeightTracked, !element.accumulator.before.isNaN else { return [] }
    if updateCount == 0 { return [(.grewWithoutUpdate, .nan, 0)] }
    return element.weight.after.isNaN
      ? [] : [(.notANumberWithoutEffect, element.weight.after, .nan)]
  }

  private func findingsOfWeight(_ element: Element) -> [Finding] {
    let (before, after) = element.weight
    if before.isNaN || after.isNaN || before.isInfinite || after.isInfinite {
      return findingsOfNonFinite(element)
    }
    guard let bound else { return [] }
    guard let path = path(element.accumulator) else { return [] }
    let (least, most) = origin(element)
    func allowed(_ end: Double) -> Double {
      let start = max(least.magnitude, most.magnitude)
      return updateCount == 0 && !hasAverages
        ? 0 : path + bound.roundings(path: path, from: start, to: end)
    }
    var findings: [Finding] = []
    let distance = max(least - after, after - most, 0)
    if distance > allowed(after) {
      findings.append(
        updateCount == 0
          ? (.changedWithoutUpdate, distance, 0) : (.movedTooFar, distance, allowed(after)))
    }
    if hasAverages {
      let average = element.average.after
      let distance = max(least - average, average - most, 0)
      if !(distance <= allowed(average)), average.isFinite || element.average.before.isFinite {
        findings.append((.averageTooFar, distance, allowed(average)))
      }
    }
    if findings.isEmpty, let shortest = shortestStep(element.accumulator) {
      let moved = (after - before).magnitude
      let limit = shortest - 2 * roundoff * max(before.magnitude, after.magnitude)
      if moved < limit { findings.append((.movedTooLittle, moved, limit)) }
    }
    return findings
  }

  private func path(_ accumulator: (before: Double, after: Double)) -> Double? {
    updateCount == 0 ? 0 : bound?.path(from: accumulator.before, to: accumulator.after)
  }

  /// From where the updates started at least and at most: the weight, what decay leaves of it, and the
  /// average that may have replaced it.
  private func origin(_ element: Element) -> (Double, Double) {
    var least = element.weight.before
    var most = least
    func include(_ value: Double) {
      least = min(least, value)
      most = max(most, value)
    }
    include(element.weight.before * leastRetention)
    if hasAverages, element.average.before.isFinite {
      include(element.average.before)
      include(element.average.before * leastRetention)
    }
    return (least, most)
  }

  /// What the only update moves the weight by at least: its square, but for what the sum lost.
  private func shortestStep(_ accumulator: (before: Double, after: Double)) -> Double? {
    guard updateCount == 1, let onlyRate, let bound, accumulator.after.isFinite,
      leastRetention == 1, !hasAverages
    else { return nil }
    let root = accumulator.after + bound.epsilon
    let square =
      accumulator.after - accumulator.before - 2 * roundoff * accumulator.after - underflow
    guard square > 0, root > 0 else { return nil }
    return onlyRate * (square / root).squareRoot() * (1 - 32 * roundoff)
  }

  private func findingsOfNonFinite(_ element: Element) -> [Finding] {
    let (before, after) = element.weight
    // An average may replace anything by a number.
    if hasAverages { return [] }
    if updateCount == 0 {
      let isSame = before == after || (before.isNaN && after.isNaN)
      return isSame ? [] : [(.changedWithoutUpdate, after, before)]
    }
    if before.isNaN, !after.isNaN { return [(.notANumberHealed, after, .nan)] }
    if before.isInfinite, after.isFinite { return [(.movedTooFar, after, before)] }
    guard before.isFinite, let bound, element.accumulator.after.isFinite,
      element.accumulator.before + bound.epsilon > 0
    else { return [] }
    // A gradient that is not finite would have left its mark in the accumulator.
    return [(.notANumberWithoutCause, after, before)]
  }
}
