/// Tells which values of a series stand out above those before them.
///
/// A value is a spike when it exceeds the median of the up to ten values before it by more than six times
/// their median absolute deviation, which counts as at least 2 % of the median. The first four values are
/// none: there is nothing to judge them by. Median and deviation, unlike mean and standard deviation, are
/// not moved by the spikes themselves.
struct SpikeDetector: Sendable {
  private var recent: [Double] = []

  private static let window = 10
  private static let neededCount = 4

  /// Judges the next value. One that is missing or not finite is no spike, and judges none.
  mutating func isSpike(_ value: Double?) -> Bool {
    guard let value, value.isFinite else { return false }
    defer { recent = (recent + [value]).suffix(Self.window) }
    guard recent.count >= Self.neededCount else { return false }
    let median = Self.median(of: recent)
    let deviation = Self.median(of: recent.map { ($0 - median).magnitude })
    return value - median > 6 * max(deviation, 0.02 * median.magnitude)
  }

  private static func median(of values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}
