public import Checkpoints
public import KerasConfiguration

extension VerificationReport: Report {
  /// A row for each part.
  public var records: RecordTable {
    var table = RecordTable(columns: [
      "subject", "name", "file", "fileOffset", "byteCount", "outcome", "reason",
    ])
    for item in json["items"]?.array ?? [] { if let object = item.object { table.add(object) } }
    return table
  }

  public var text: [StyledText] {
    var lines: [StyledText] = []
    if let algorithm {
      let roots = roots.map { "root \($0)" }.joined(separator: ", ")
      lines += ["\(algorithm.title), \(roots)", ""]
    }
    var table = TextTable()
    for item in items { table.add([StyledText(item.label), item.outcome.words]) }
    return lines + table.lines + ["", summary] + hint
  }

  /// What else can be asked where no digest tells.
  private var hint: [StyledText] {
    isWhole && tensors.allSatisfy { $0.outcome == .notCovered }
      ? ["checkpoint-inspect doctor judges tensors without digests by their numbers".styled(.quiet)]
      : []
  }

  /// One line that sums up.
  var summary: StyledText {
    let tensors = tensors
    let size = Readable.bytes(tensors.reduce(0) { $0 + $1.byteCount })
    let uncovered = tensors.count { $0.outcome == .notCovered }
    let total = "\(tensors.count) tensors, \(size)"
    if !isWhole {
      return "damaged".styled(.bad)
        + StyledText(": \(damaged.count) of \(items.count) parts; \(total)")
    }
    if uncovered == tensors.count {
      return "not covered".styled(.warning) + StyledText(": no digests; \(total)")
    }
    let but = uncovered > 0 ? ", but \(uncovered) tensors are not covered; " : ": "
    return "ok".styled(.good) + StyledText(but + total)
  }
}

/// The checkpoints of a folder compared with the digests in them, from the newest to the oldest.
public struct FolderVerificationReport: Report, Sendable {
  public typealias Outcome = Result<VerificationReport, CheckpointError>

  let path: String
  let checkpoints: [(path: String, outcome: Outcome)]

  public init(path: String, checkpoints: [(path: String, outcome: Outcome)]) {
    self.path = path
    self.checkpoints = checkpoints
  }

  public var json: JSONValue {
    [
      "schemaVersion": JSONValue(ReportSchema.version), "path": .string(path),
      "checkpoints": .array(checkpoints.map { Self.json($0.path, $0.outcome) }),
    ]
  }

  private static func json(_ path: String, _ outcome: Outcome) -> JSONValue {
    switch outcome {
    case .success(let report): report.json
    case .failure(let error):
      ["path": .string(path), "outcome": "unreadable", "reason": .string("\(error)")]
    }
  }

  /// A row for each checkpoint.
  public var records: RecordTable {
    var table = RecordTable(columns: ["path", "outcome", "algorithm", "reason"])
    for item in json["checkpoints"]?.array ?? [] {
      if let object = item.object { table.add(object) }
    }
    return table
  }

  /// A line for each checkpoint, and one for everything that is damaged in it.
  public var text: [StyledText] {
    checkpoints.flatMap { path, outcome -> [StyledText] in
      let title = path.styled(.heading) + ": "
      switch outcome {
      case .failure(let error): return [title + "\(error)".styled(.bad)]
      case .success(let report):
        return [title + report.summary]
          + report.damaged.map { StyledText("  \($0.label): ") + $0.outcome.words }
      }
    }
  }
}

extension VerificationReport.Item {
  /// A tensor's name, or what else it is.
  fileprivate var label: String {
    switch subject {
    case .tensor, .document: name
    case .structure: "(structure)"
    case .digests: "(digests)"
    case .archive: "(archive)"
    case .map: "(map)"
    }
  }
}

extension VerificationReport.Outcome {
  fileprivate var words: StyledText {
    switch self {
    case .intact: "ok".styled(.good)
    case .notCovered: "not covered".styled(.warning)
    case .damaged(let reason, _): "damaged".styled(.bad) + StyledText(": \(reason)")
    }
  }
}
