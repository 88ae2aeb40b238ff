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
  /// Fails where a recorded value is beyond a bound, or NaN: `loss`, `greatestLoss` and `lastLoss` as a log
  /// has them, or one of the values that the state was saved with.
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
  /// - Parameter earlier: the checkpoints before, the oldest first; none for the oldest.
  /// - Throws: where the command cannot be run, or wants the search to end.
  func verdict(
    on path: String, after earlier: ArraySlice<String>, verifying: Bool
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
        guard let before = earlier.last else {
          return Verdict(.passes, "nothing before it to compare with")
        }
        return try Self.frozen(
          reader, after: CheckpointReader(opening: before, verifying: verifying), filter)
      case .impossibleStep(let filter, let options):
        guard let before = earlier.last else {
          return Verdict(.passes, "nothing before it to descend from")
        }
        return try CheckpointReader.withPair(opening: before, path, verifying: verifying) {
          (first, second) throws(CheckpointError) in
          var diff = DiffReport.Options()
          (diff.filter, diff.descent) = (filter, options)
          return Verdict(try DiffReport(first, second, options: diff).descent)
        }
      case .metric(let name, let bound):
        let before = Self.lastRecord(of: earlier, verifying: verifying)
        return Self.verdict(on: RunRecord(reader.manifest), since: before, name, bound)
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

extension HistoryCheck {
  /// Whether a value of a checkpoint is beyond a bound. Losses are those of ``LogReport``.
  private static func verdict(
    on record: RunRecord, since before: RunRecord?, _ name: String, _ bound: MetricBound
  ) -> Verdict {
    let values = record.metrics.merging(RecordedLoss(record, since: before)?.values ?? [:]) { $1 }
    guard let value = values[name] else {
      let meant = Suggestion.nearest(to: name, among: values.keys.sorted())
      return Verdict(
        .undecided, "it records no \(name)" + (meant.map { "; did you mean \($0)?" } ?? ""))
    }
    return Verdict(bound.fails(value) ? .fails : .passes, "\(name) \(Readable.number(value))")
  }

  /// What the last of some checkpoints says that can be read; nil where none can.
  private static func lastRecord(of paths: ArraySlice<String>, verifying: Bool) -> RunRecord? {
    for path in paths.reversed() {
      do throws(CheckpointError) {
        return RunRecord(try CheckpointReader(opening: path, verifying: verifying).manifest)
      } catch {
        // It has no line with a loss in a log, either.
        continue
      }
    }
    return nil
  }
}
