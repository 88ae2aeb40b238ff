/// Which of two values of a metric is the better one.
public enum MetricDirection: String, Sendable, Hashable, CaseIterable {
  case lower = "min"
  case higher = "max"

  /// What is usual for a metric of this name: `accuracy`, `auc` and their kin are better the higher they
  /// are, everything else, as losses and errors, the lower. The rule of Keras 2's `mode="auto"`
  /// (`keras-team/keras keras/callbacks.py`, 2.12).
  public static func usual(for metric: String) -> MetricDirection {
    ["acc", "accuracy", "auc"].contains { metric.hasSuffix($0) } ? .higher : .lower
  }

  /// Whether `value` is better than `other` by more than `margin`. NaN is never better, and nothing is
  /// better than NaN.
  public func isBetter(_ value: Double, than other: Double, by margin: Double = 0) -> Bool {
    self == .lower ? value + margin < other : value - margin > other
  }
}
