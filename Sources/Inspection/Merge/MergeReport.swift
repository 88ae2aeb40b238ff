public import Checkpoints
public import KerasConfiguration

/// What a three-way merge does: the report of `checkpoint-inspect merge`.
public struct MergeReport: Report, Sendable {
  let merge: CheckpointMerge

  public init(_ merge: CheckpointMerge) { self.merge = merge }

  /// A line for each tensor and setting that both sides, or theirs, changed.
  public var text: [StyledText] {
    var table = TextTable()
    for tensor in merge.tensors {
      if let words = tensor.words(merge.options.strategy) {
        table.add([StyledText(tensor.name), words])
      }
    }
    for setting in merge.settings { table.add([StyledText(setting.path), setting.words]) }
    return table.lines + merge.notes.map { "note: ".styled(.warning) + StyledText($0) } + [summary]
  }

  private var summary: StyledText {
    func count(_ outcomes: MergedTensor.Outcome...) -> Int {
      merge.tensors.count { outcomes.contains($0.outcome) }
    }
    let counts = [
      (count(.unchanged, .alike, .kept), "as in both or kept"), (count(.ours), "from ours"),
      (count(.theirs), "from theirs"), (count(.combined), "combined"), (count(.added), "added"),
      (count(.resolved), "decided by the strategy"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let conflicts = count(.conflict) + merge.settings.count { $0.resolution == nil }
    let rest = StyledText(": " + counts.joined(separator: ", "))
    guard conflicts > 0 else { return "merged".styled(.good) + rest }
    return "\(conflicts) conflict\(conflicts == 1 ? "" : "s")".styled(.bad) + rest
  }

  /// Keys `schemaVersion`, `complete` (whether nothing is in conflict), `strategy` (or null), `tensors` (each
  /// with the columns of ``records``, and `firstConflicts`, row numbers), `settings` (each with `path`,
  /// `base`, `ours`, `theirs` as JSON texts or null, and `resolution`, `ours`, `theirs` or null), `notes`.
  public var json: JSONValue {
    [
      "schemaVersion": JSONValue(ReportSchema.version), "complete": .bool(merge.isComplete),
      "strategy": JSONValue(merge.options.strategy?.rawValue),
      "tensors": .array(
        merge.tensors.map { tensor in
          var object = tensor.json
          object.append("firstConflicts", .array(tensor.firstConflicts.map { JSONValue($0) }))
          return .object(object)
        }),
      "settings": .array(merge.settings.map(\.json)),
      "notes": .array(merge.notes.map { .string($0) }),
    ]
  }

  /// A row for each tensor: `unit` is `row` or `tensor`; `oursCount`, `theirsCount`, `alikeCount`,
  /// `conflictCount` of `unitCount` units were changed by ours alone, theirs alone, both alike, both
  /// otherwise; `oursChange` and `theirsChange` are the lengths of the changes since base, `cosine` that
  /// of the angle between them, where both changed the tensor.
  public var records: RecordTable {
    var table = RecordTable(columns: [
      "name", "role", "outcome", "unit", "unitCount", "oursCount", "theirsCount", "alikeCount",
      "conflictCount", "oursChange", "theirsChange", "cosine", "problem",
    ])
    for tensor in merge.tensors { table.add(tensor.json) }
    return table
  }
}

extension MergedTensor {
  /// What happens to it, in words; nil where it stays as ours has it.
  fileprivate func words(_ strategy: MergeStrategy?) -> StyledText? {
    switch outcome {
    case .unchanged, .ours, .alike: return nil
    case .kept: return nil
    case .theirs:
      return "from theirs".styled(.good) + StyledText(isRowWise ? ": \(counts.theirs) rows" : "")
    case .combined:
      return "combined".styled(.good)
        + ": \(counts.ours) rows from ours, \(counts.theirs) from theirs"
    case .added: return "growths added".styled(.good)
    case .resolved:
      return (strategy?.rawValue ?? "decided").styled(.warning) + StyledText(conflictWords)
    case .conflict:
      return "conflict".styled(.bad) + StyledText(": \(problem ?? "both sides changed it")")
        + StyledText(conflictWords)
    }
  }

  private var conflictWords: String {
    var words = ""
    if isRowWise {
      let rows = firstConflicts.map(String.init).joined(separator: ", ")
      let more = counts.conflicting > firstConflicts.count ? ", ..." : ""
      words += ", \(counts.conflicting) of \(counts.total) rows (\(rows)\(more))"
    }
    if let changes {
      words +=
        ", |ours| \(Readable.number(changes.ours)), |theirs| \(Readable.number(changes.theirs))"
      if let cosine = changes.cosine {
        words += ", cosine \(Readable.number((cosine * 1000).rounded() / 1000))"
      }
    }
    return words
  }

  fileprivate var json: JSONObject {
    func number(_ value: Double?) -> JSONValue {
      JSONValue(value.flatMap { $0.isFinite ? $0 : nil })
    }
    return [
      "name": .string(name), "role": .string(role), "outcome": .string(outcome.rawValue),
      "unit": .string(isRowWise ? "row" : "tensor"), "unitCount": JSONValue(counts.total),
      "oursCount": JSONValue(counts.ours), "theirsCount": JSONValue(counts.theirs),
      "alikeCount": JSONValue(counts.alike), "conflictCount": JSONValue(counts.conflicting),
      "oursChange": number(changes?.ours), "theirsChange": number(changes?.theirs),
      "cosine": number(changes?.cosine), "problem": JSONValue(problem),
    ]
  }
}

extension SettingConflict {
  fileprivate var words: StyledText {
    let values = "\(base ?? "absent") in base, \(ours ?? "absent"), \(theirs ?? "absent")"
    guard let resolution else { return "conflict".styled(.bad) + StyledText(": \(values)") }
    return resolution.rawValue.styled(.warning) + StyledText(": \(values)")
  }

  fileprivate var json: JSONValue {
    [
      "path": .string(path), "base": JSONValue(base), "ours": JSONValue(ours),
      "theirs": JSONValue(theirs), "resolution": JSONValue(resolution?.rawValue),
    ]
  }
}
