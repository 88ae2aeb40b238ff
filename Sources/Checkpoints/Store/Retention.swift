/// Which checkpoints of a run stay on the disk. One stays when any of the rules wants it.
///
/// ```swift
/// Retention(newest: 3, best: .init("val_loss"), everySteps: 10_000)
/// ```
public struct Retention: Sendable, Hashable {
  /// How many of the newest stay, at least 1; nil for all of them.
  public var newest: Int?
  public var best: Best?
  /// Checkpoints whose step is a multiple of this stay for ever.
  public var everySteps: Int?

  /// Nothing is ever deleted.
  public static let everything = Retention(newest: nil)

  /// Traps unless the numbers are at least 1.
  public init(newest: Int?, best: Best? = nil, everySteps: Int? = nil) {
    precondition(newest ?? 1 >= 1 && everySteps ?? 1 >= 1, "a retention keeps at least one")
    self.newest = newest
    self.best = best
    self.everySteps = everySteps
  }

  /// The checkpoints with the best values of a metric; among equals, the earliest.
  public struct Best: Sendable, Hashable {
    public var metric: String
    public var count: Int
    public var direction: MetricDirection

    /// Traps unless `count` is at least 1. `direction` is what is usual for the metric by default.
    public init(_ metric: String, count: Int = 1, direction: MetricDirection? = nil) {
      precondition(count >= 1, "a retention keeps at least one")
      self.metric = metric
      self.count = count
      self.direction = direction ?? .usual(for: metric)
    }
  }
}

extension Retention {
  /// The steps whose checkpoints no rule wants, in ascending order.
  ///
  /// - Parameter saved: steps with the values that were known when they were saved; those without the
  ///   metric are never the best.
  func expendable(_ saved: [Int: [String: Double]]) -> [Int] {
    guard let newest else { return [] }
    let steps = saved.keys.sorted()
    var kept = Set(steps.suffix(newest))
    if let everySteps { kept.formUnion(steps.filter { $0.isMultiple(of: everySteps) }) }
    if let best {
      let rated = steps.compactMap { step in
        saved[step]?[best.metric].flatMap { $0.isNaN ? nil : (step: step, value: $0) }
      }
      let order = rated.sorted { a, b in
        if best.direction.isBetter(a.value, than: b.value) { return true }
        return !best.direction.isBetter(b.value, than: a.value) && a.step < b.step
      }
      kept.formUnion(order.prefix(best.count).map(\.step))
    }
    return steps.filter { !kept.contains($0) }
  }
}
