public import Checkpoints
public import KerasConfiguration
import Tensors

/// What is left of a damaged checkpoint, and what a rescue made of it.
public struct DoctorReport: Report {
  private let path: String
  private let refusal: String?
  private let structure: Examination.Structure
  private let notes: [String]
  private let findings: [TensorFinding]
  private let rescue: RescueLog?

  /// - Parameter rescue: what was written; nil when nothing was asked for.
  public init(_ examination: Examination, rescue: RescueLog? = nil) {
    path = examination.path
    refusal = examination.refusal
    structure = examination.structure
    notes = examination.notes
    findings = examination.findings
    self.rescue = rescue
  }

  /// Whether the file opens and nothing in it is known, or suspected, to be other than it was written.
  public var isWhole: Bool {
    refusal == nil && structure != .damaged && notes.isEmpty
      && findings.allSatisfy { $0.verdict.isKept() }
  }

  private func count(_ verdict: TensorFinding.Verdict) -> Int {
    findings.count { $0.verdict == verdict }
  }
}

// MARK: - For programs

extension DoctorReport {
  public var json: JSONValue {
    var object: JSONObject = [
      "schemaVersion": JSONValue(ReportSchema.version), "path": .string(path),
      "isWhole": .bool(isWhole), "refusal": JSONValue(refusal),
      "structure": .string(structure.rawValue), "notes": .array(notes.map { .string($0) }),
      "tensors": .array(findings.map { .object($0.json) }),
    ]
    if let rescue { object.append("rescue", rescue.json) }
    return .object(object)
  }

  /// A row for each tensor.
  public var records: RecordTable {
    var table = RecordTable(columns: [
      "name", "datasetPath", "verdict", "reason", "shape", "dtype", "byteCount",
    ])
    for finding in findings { table.add(finding.json) }
    return table
  }
}

extension TensorFinding {
  fileprivate var json: JSONObject {
    [
      "name": .string(name), "datasetPath": .string(datasetPath),
      "verdict": .string(verdict.rawValue), "reason": .string(reason),
      "shape": shape.map { .array($0.dimensions.map { JSONValue($0) }) } ?? .null,
      "dtype": JSONValue(dtype?.rawValue), "byteCount": JSONValue(byteCount),
    ]
  }
}

extension RescueLog {
  fileprivate var json: JSONValue {
    [
      "output": .string(output), "notes": .array(notes.map { .string($0) }),
      "tensors": .array(
        tensors.map { tensor in
          let (source, detail) = tensor.source.keywords
          return [
            "name": .string(tensor.name), "datasetPath": .string(tensor.datasetPath),
            "verdict": JSONValue(tensor.verdict?.rawValue), "source": .string(source),
            "detail": JSONValue(detail),
          ]
        }),
    ]
  }
}

extension RescueLog.Source {
  fileprivate var keywords: (source: String, detail: String?) {
    switch self {
    case .own: ("own", nil)
    case .older(let path): ("older", path)
    case .filled(let words): ("filled", words)
    }
  }
}

// MARK: - For people

extension DoctorReport {
  public var text: [StyledText] {
    var lines: [StyledText] = []
    lines.append(
      refusal.map { "does not open".styled(.bad) + StyledText(": \($0)") }
        ?? "opens".styled(.good))
    switch structure {
    case .intact: lines.append("structure " + "intact".styled(.good))
    case .damaged:
      lines.append(
        "structure " + "damaged".styled(.bad)
          + ": names, shapes or configuration are not what was written")
    case .notCovered: lines.append("structure without digests".styled(.quiet))
    }
    lines += notes.map { "note ".styled(.warning) + StyledText($0) }
    lines.append("")
    var table = TextTable()
    for finding in findings {
      table.add([
        StyledText(finding.name), finding.verdict.rawValue.styled(finding.verdict.tone),
        StyledText(finding.reason),
      ])
    }
    lines += table.lines + ["", summary]
    if let rescue { lines += [""] + rescue.text }
    return lines
  }

  private var summary: StyledText {
    let kept = findings.count { $0.verdict.isKept() }
    let parts = TensorFinding.Verdict.allCases.compactMap { verdict in
      count(verdict) > 0 ? "\(count(verdict)) \(verdict.rawValue)" : nil
    }
    let head =
      isWhole
      ? "nothing wrong found".styled(.good)
      : "\(kept) of \(findings.count) tensors can be saved".styled(kept > 0 ? .warning : .bad)
    return findings.isEmpty
      ? "no tensor found".styled(.bad) : head + StyledText(": \(parts.joined(separator: ", "))")
  }
}

extension TensorFinding.Verdict {
  fileprivate var tone: Tone {
    switch self {
    case .intact: .good
    case .plausible: .plain
    case .suspect: .warning
    case .damaged, .unreadable, .missing: .bad
    }
  }
}

extension RescueLog {
  fileprivate var text: [StyledText] {
    let own = tensors.count - replaced.count
    var lines: [StyledText] = [
      "wrote \(output): \(own) of \(tensors.count) tensors are the file's own"
    ]
    for tensor in replaced {
      let origin =
        switch tensor.source {
        case .own: ""
        case .older(let path): "from \(path)"
        case .filled(let words): "made up: \(words)"
        }
      lines.append("  not its own: ".styled(.bad) + StyledText("\(tensor.name), \(origin)"))
    }
    return lines + notes.map { "  note: ".styled(.warning) + StyledText($0) }
  }
}
