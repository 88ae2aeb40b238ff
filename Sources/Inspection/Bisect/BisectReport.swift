import Checkpoints
public import KerasConfiguration

/// Which checkpoint of a run fails first: the report of `checkpoint-inspect bisect`.
public struct BisectReport: Report, Sendable {
  /// A checkpoint that was looked at.
  public struct Step: Sendable, Hashable {
    public let path: String
    public let verdict: Verdict
  }

  public enum Outcome: Sendable, Hashable {
    /// The first that fails, and the one before it, which passes.
    case found(String, passing: String)
    /// The oldest fails already.
    case oldestFails(String)
    /// The newest passes.
    case noneFails
    /// The first that fails is one of these; all but the last cannot be judged. The one before them, which
    /// passes, if there is any.
    case between(passing: String?, [String])
    /// These cannot be judged, and no other fails.
    case undecided([String])
  }

  let check: String
  let checkpointCount: Int
  public let outcome: Outcome
  /// In the order in which they were looked at.
  let steps: [Step]

  public var text: [StyledText] { steps.map(\.line) + conclusion }

  /// What was found, without how.
  public var conclusion: [StyledText] {
    let count = "\(steps.count) of \(checkpointCount) checkpoints looked at"
    switch outcome {
    case .found(let path, let passing):
      return [
        "first to fail: ".styled(.bad) + path.styled(.heading),
        StyledText("\(passing), the one before it, passes; \(count)"),
      ]
    case .oldestFails(let path):
      return [
        "first to fail: ".styled(.bad) + path.styled(.heading),
        StyledText("it is the oldest: it began there or before; \(count)"),
      ]
    case .noneFails:
      return ["none fails: ".styled(.good) + StyledText("the newest passes; \(count)")]
    case .between(_, let paths):
      return [
        "not decided: ".styled(.warning)
          + StyledText("the first to fail is one of these; \(count)")
      ] + paths.map { StyledText("  \($0)") }
    case .undecided(let paths):
      return [
        "not decided: ".styled(.warning)
          + StyledText("these cannot be judged, and no other fails; \(count)")
      ] + paths.map { StyledText("  \($0)") }
    }
  }

  /// Keys `schemaVersion`, `check` in words, `outcome` (`found`, `oldestFails`, `noneFails`, `between`,
  /// `undecided`), `firstFailing` and `lastPassing` (paths or null), `candidates` (paths, where it is not
  /// decided), `checkpointCount`, `steps` (each with the columns of ``records``).
  public var json: JSONValue {
    let (word, failing, passing, candidates): (String, String?, String?, [String]) =
      switch outcome {
      case .found(let failing, let passing): ("found", failing, passing, [])
      case .oldestFails(let failing): ("oldestFails", failing, nil, [])
      case .noneFails: ("noneFails", nil, nil, [])
      case .between(let passing, let paths): ("between", nil, passing, paths)
      case .undecided(let paths): ("undecided", nil, nil, paths)
      }
    return [
      "schemaVersion": JSONValue(ReportSchema.version), "check": .string(check),
      "outcome": .string(word), "firstFailing": JSONValue(failing),
      "lastPassing": JSONValue(passing), "candidates": .array(candidates.map { .string($0) }),
      "checkpointCount": JSONValue(checkpointCount),
      "steps": .array(steps.map { .object($0.json) }),
    ]
  }

  /// A row for each checkpoint that was looked at, in that order.
  public var records: RecordTable {
    var table = RecordTable(columns: ["path", "verdict", "reason"])
    for step in steps { table.add(step.json) }
    return table
  }
}

extension BisectReport.Step {
  /// For people.
  public var line: StyledText {
    let reason = verdict.reason.isEmpty ? "" : ": \(verdict.reason)"
    let word: StyledText =
      switch verdict.outcome {
      case .passes: "passes".styled(.good)
      case .fails: "fails".styled(.bad)
      case .undecided: "not decided".styled(.warning)
      }
    return StyledText("\(path)  ") + word + StyledText(reason)
  }

  fileprivate var json: JSONObject {
    [
      "path": .string(path), "verdict": .string(verdict.outcome.rawValue),
      "reason": .string(verdict.reason),
    ]
  }
}
