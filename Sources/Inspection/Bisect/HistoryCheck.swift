import Checkpoints

/// What is asked of each checkpoint in a search for the first one that fails.
public enum HistoryCheck: Sendable {
  /// Fails where a weight or a slot has a NaN or infinite element.
  case notFinite(TensorFilter)
  /// Fails where a trained weight has not changed in any element since the checkpoint before. Trained are
  /// those that the optimizer keeps slots for; all weights, in files without any.
  case frozen(TensorFilter)
  /// Fails where no training leads there from the checkpoint before (<doc:Descending>). What is not provable is
  /// left open.
  case impossibleStep(TensorFilter, DescentOptions)
  /// Fails where a recorded value is beyond a bound, or NaN.
  case metric(String, MetricBound)
  /// Runs a command with the checkpoint's path for each `{}`, and goes by its exit code: 0 passes, 125
  /// leaves it open, 1 to 127 fail, and what is beyond ends the search, as `git bisect run` has it.
  case command([String])
}

/// A limit of a value.
public enum MetricBound: Sendable, Hashable {
  /// Values above fail.
  case above(Double)
  /// Values below fail.
  case below(Double)

  fileprivate func fails(_ value: Double) -> Bool {
    switch self {
    case .above(let limit): value > limit || value.isNaN
    case .below(let limit): value < limit || value.isNaN
    }
  }

  fileprivate var words: String {
    switch self {
    case .above(let limit): "above \(Readable.number(limit))"
    case .below(let limit): "below \(Readable.number(limit))"
    }
  }
}

/// What a check says about one checkpoint.
public struct Verdict: Sendable, Hashable {
  public enum Outcome: String, Sendable, Hashable {
    case passes
    case fails
    /// It cannot be told.
    case undecided
  }

  public let outcome: Outcome
  /// Why, in words; empty where there is nothing to add.
  public let reason: String

  public init(_ outcome: Outcome, _ reason: String = "") {
    self.outcome = outcome
    self.reason = reason
  }
}

extension HistoryCheck {
  /// Whether what fails once fails from then on. An impossible step does not: what comes after it may well
  /// have come from there.
  var isLasting: Bool {
    if case .impossibleStep = self { false } else { true }
  }

  /// What is looked for, in words.
  var words: String {
    switch self {
    case .impossibleStep: "a step that no training makes"
    case .notFinite: "NaN or infinity in a weight or slot"
    case .frozen: "a trained weight that no longer changes"
    case .metric(let name, let bound): "\(name) \(bound.words)"
    case .command(let words): words.joined(separator: " ")
    }
  }

  /// The checkpoints whose tensors a look at one reads, as far as is known.
  func filesRead(of path: String, after before: String?) -> [String] {
    switch self {
    case .notFinite: [path]
    case .frozen, .impossibleStep: before.map { [$0, path] } ?? []
    case .metric, .command: []
    }
  }

  /// Judges a checkpoint. Checks of this module leave one open that cannot be read; a command is given it
  /// all the same.
  ///
  /// - Parameter before: the checkpoint before; nil for the oldest.
  /// - Throws: where the command cannot be run, or wants the search to end.
  func verdict(
    on path: String, after before: String?, verifying: Bool
  ) throws(CheckpointError) -> Verdict {
    if case .command(let words) = self { return try CommandRun(words, on: path).verdict() }
    do throws(CheckpointError) {
      let reader = try CheckpointReader(opening: path, verifying: verifying)
      switch self {
      case .notFinite(let filter):
        let numbers = try CheckpointNumbers(reader, filter)
        guard let name = numbers.firstNonFinite else { return Verdict(.passes) }
        let count = numbers.nonFiniteCount
        return Verdict(.fails, "\(count) element\(count == 1 ? "" : "s"), first in \(name)")
      case .frozen(let filter):
        guard let before else { return Verdict(.passes, "nothing before it to compare with") }
        return try Self.frozen(
          reader, after: CheckpointReader(opening: before, verifying: verifying), filter)
      case .impossibleStep(let filter, let options):
        guard let before else { return Verdict(.passes, "nothing before it to descend from") }
        return try CheckpointReader.withPair(opening: before, path, verifying: verifying) {
          (first, second) throws(CheckpointError) in
          var diff = DiffReport.Options()
          (diff.filter, diff.descent) = (filter, options)
          return Verdict(try DiffReport(first, second, options: diff).descent)
        }
      case .metric(let name, let bound):
        let record = RunRecord(reader.manifest)
        guard let value = record.value(of: name) else {
          let meant = Suggestion.nearest(to: name, among: record.names)
          return Verdict(
            .undecided, "it records no \(name)" + (meant.map { "; did you mean \($0)?" } ?? ""))
        }
        return Verdict(bound.fails(value) ? .fails : .passes, "\(name) \(Readable.number(value))")
      case .command: preconditionFailure("run above")
      }
    } catch {
      return Verdict(.undecided, error.description)
    }
  }

  private static func frozen(
    _ reader: borrowing CheckpointReader, after before: borrowing CheckpointReader,
    _ filter: TensorFilter
  ) throws(CheckpointError) -> Verdict {
    let change = try CheckpointChange(from: before, to: reader, filter)
    let owners = Set(
      reader.manifest.entries.compactMap { entry in
        if case .slot(_, _, let ownerName) = entry.role { ownerName } else { nil }
      })
    let frozen = (change?.unchanged ?? []).filter { owners.isEmpty || owners.contains($0) }
    guard let first = frozen.first else { return Verdict(.passes) }
    let others = frozen.count > 1 ? " and \(frozen.count - 1) more" : ""
    return Verdict(.fails, "\(first)\(others) unchanged since the checkpoint before")
  }
}

extension Verdict {
  /// Whether a checkpoint can descend from the one before.
  fileprivate init(_ descent: Descent) {
    switch descent.verdict {
    case .consistent: self.init(.passes, descent.distance)
    case .impossible:
      let contradictions = descent.allContradictions
      let others =
        contradictions.count > 1 ? "; and \(contradictions.count - 1) more of the kind" : ""
      self.init(.fails, (contradictions.first?.sentence ?? "impossible") + others)
    case .notProvable:
      let obstacles = descent.obstacles + descent.variables.flatMap(\.obstacles)
      self.init(.undecided, "not provable: \(obstacles.first ?? "too little can be asked")")
    }
  }
}

extension RunRecord {
  /// Of the values that are recorded.
  fileprivate var names: [String] { metrics.keys + (losses.isEmpty ? [] : ["loss"]) }

  /// A recorded value of this state; for `loss`, where nothing better is known, that of the last step.
  fileprivate func value(of name: String) -> Double? {
    if let value = metrics[name] { return value }
    guard name == "loss", let step, step > 0, step <= losses.count else { return nil }
    return Double(losses[step - 1])
  }
}
